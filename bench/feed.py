"""Feeds ready messages into the admission and the one transaction, without a broker, in this process."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.mqtt import unpacked
from bench.stage import BenchFailed, Stage
from bench.stopwatch import Stopwatch
from bench.traffic import Traffic, bundles
from ingest.admit import Admission, Rules
from ingest.source import Message
from parking.db.connect import Connection, connect, tune_for_batches
from parking.db.known import Known, load_known
from parking.db.write import write_batch
from parking.settings import Settings

WRITING = "begin, commit, the rest"
"""The stage of a whole transaction, without the stages within it."""
_HISTORY_BATCH = 200
_HISTORY_STEP = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Feed:
    """What the ingestor's main loop holds, for one stage."""

    stage: Stage
    connection: Connection
    known: Known
    admission: Admission
    watch: Stopwatch

    async def give(self, traffic: Traffic, *, batch: int, at: datetime | None = None) -> None:
        """Store these messages, `batch` in a transaction, as if they arrived now or at another time."""
        for messages in _batches(list(unpacked(traffic.packets)), batch, at):
            admitted = self.admission.batch(messages)
            if admitted.rejections:
                raise BenchFailed(f"a message of the benchmark was rejected: {admitted.rejections[0]}")
            with self.watch.timing(WRITING):
                await write_batch(self.connection, admitted, now=datetime.now(UTC), table=self.known.table)
        self.stage.stored += traffic.events


@asynccontextmanager
async def feeding(stage: Stage) -> AsyncIterator[Feed]:
    """The parts as the ingestor makes them, while no ingestor runs."""
    settings = Settings()
    rules = Rules(timedelta(seconds=settings.late_limit_s), timedelta(seconds=settings.early_limit_s))
    async with connect(stage.database_url, name="parking bench feed", autocommit=True) as connection:
        await tune_for_batches(connection)
        known = await load_known(connection)
        yield Feed(stage, connection, known, Admission(known, rules, None), Stopwatch())


async def make_history(stage: Stage, each: int) -> None:
    """Store `each` past events of every bay by the real code, as if they came then, 90 minutes apart."""
    async with feeding(stage) as feed:
        for turn in range(each):
            at = datetime.now(UTC) - (each - turn) * _HISTORY_STEP
            await feed.give(bundles(stage.town, 1), batch=_HISTORY_BATCH, at=at)
    await stage.connection.execute("VACUUM ANALYZE")


def _batches(
    messages: Sequence[tuple[str, bytes]], size: int, at: datetime | None
) -> Iterator[list[Message]]:
    for start in range(0, len(messages), size):
        now = time.time_ns() // 1000 if at is None else int(at.timestamp() * 1_000_000)
        yield [Message(topic, payload, now, False, 1, 1) for topic, payload in messages[start : start + size]]
