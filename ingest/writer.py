"""Writes batches for as long as it takes: retries what may pass, isolates what never will."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from ingest.admit import Admission, reject
from ingest.clock import Clock
from ingest.faultpoint import BEFORE_COMMIT, FaultPoint
from ingest.metrics import Metrics
from ingest.source import Message
from parking.db.connect import Connection, connect, tune_for_batches
from parking.db.failures import Failure, classify
from parking.db.known import Known, load_known
from parking.db.migrate import check_schema
from parking.db.records import Batch, Written
from parking.db.table import TableOutdated, refresh
from parking.db.watchdog import answering_within
from parking.db.write import silence, write_batch
from parking.errors import DatabaseUnavailable, SchemaError
from parking.model import Snapshot

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Admitted:
    """What messages amount to, as of what this admission knows."""

    batch: Batch
    by: Admission


Publish = Callable[[list[Snapshot]], None]
BACKOFF_S = (0.05, 5.0)
PATIENCE_S = 30.0
"""A database that has not finished a transaction by then is taken for gone; twice as long the next time."""


class Writer:
    """Owns one database connection and what is known by heart; both are made anew when they are no good.

    `admit` makes the admission for what is known. One transaction at a time: others wait.
    """

    def __init__(
        self,
        database_url: str,
        metrics: Metrics,
        admit: Callable[[Known], Admission],
        *,
        clock: Clock,
        faults: FaultPoint,
    ) -> None:
        self._database_url = database_url
        self._metrics = metrics
        self._admit = admit
        self._clock = clock
        self._faults = faults
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._known: tuple[Known, Admission] | None = None
        self._turn = asyncio.Lock()
        self.trouble: str | None = None

    async def __aenter__(self) -> "Writer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    @property
    def admission(self) -> Admission | None:
        """What decides now on messages; None until the registry has been read (anew)."""
        return self._known[1] if self._known else None

    @property
    def backend_pid(self) -> int | None:
        """The database's process that serves us."""
        return self._connection.info.backend_pid if self._connection and not self._connection.closed else None

    def forget(self) -> None:
        """What is known by heart is no longer true: read it anew before the next transaction."""
        self._known = None

    async def write(
        self, messages: Sequence[Message], publish: Publish, admitted: Admitted | None = None
    ) -> None:
        """Store these messages, however long that takes: each is stored, or on record as rejected.

        `publish` is called with the new snapshots of each transaction that was committed. `admitted` spares
        deciding on the messages, if its admission is still the one that decides.
        """
        async with self._turn:
            await self._store(messages, publish, admitted)

    async def silence(self, publish: Publish) -> None:
        """Make bays unknown whose device has been silent for too long."""

        async def work(connection: Connection, known: Known, _: Admission) -> list[Snapshot]:
            return await silence(connection, known.table, now=self._clock.now())

        async with self._turn:
            publish(await self._persist(work) or [])

    async def _store(
        self, messages: Sequence[Message], publish: Publish, admitted: Admitted | None = None
    ) -> None:
        async def work(connection: Connection, known: Known, admission: Admission) -> Written:
            current = admitted is not None and admitted.by is admission
            batch = admitted.batch if admitted and current else admission.batch(messages)
            started = time.perf_counter()
            written = await write_batch(
                connection,
                batch,
                now=self._clock.now(),
                table=known.table,
                before_commit=partial(self._faults.reach, BEFORE_COMMIT),
            )
            self._metrics.commit_seconds.observe(time.perf_counter() - started)
            self._count(batch, written, messages)
            return written

        written = await self._persist(work)
        if written is not None:
            publish(written.snapshots)
        elif len(messages) > 1:
            middle = len(messages) // 2
            await self._store(messages[:middle], publish)
            await self._store(messages[middle:], publish)
        else:
            await self._record(messages[0])

    async def _record(self, message: Message) -> None:
        """This message can never be stored: say so."""
        batch = Batch(
            rejections=[reject(message, "not_storable", "the database refused what this message says")]
        )

        async def work(connection: Connection, known: Known, _: Admission) -> Written:
            written = await write_batch(connection, batch, now=self._clock.now(), table=known.table)
            self._count(batch, written, [message])
            return written

        await self._persist(work)

    async def _persist(self, work: Callable[[Connection, Known, Admission], Awaitable[T]]) -> T | None:
        """Do this until it succeeds; None if what it stores is itself at fault."""
        pause, high = BACKOFF_S
        patience_s = PATIENCE_S
        outdated: TableOutdated | None = None
        while True:
            begun = time.monotonic()
            try:
                connection = await self._connected()
                with answering_within(connection, patience_s):
                    known, admission = await self._knowledge(connection)
                    if outdated is not None:
                        await refresh(connection, known.table, outdated.slots)
                    result = await work(connection, known, admission)
            except Exception as error:
                failure = classify(error)
                if time.monotonic() - begun >= patience_s:
                    patience_s *= 2  # it may be slow rather than gone
                self._metrics.retries.labels(failure.value).inc()
                if failure is Failure.DATA:
                    log.error("a batch cannot be stored", error=_first_line(error))
                    await self._drop()
                    return None
                # A second time it is not only these bays that memory is wrong about.
                twice = outdated is not None and isinstance(error, TableOutdated)
                if twice:
                    self.forget()
                outdated = error if isinstance(error, TableOutdated) and not twice else None
                if failure is Failure.UNAVAILABLE:
                    self.trouble = _first_line(error)
                    self._metrics.database_up.set(0)
                    log.warning(
                        "the database does not take the batch", error=_first_line(error), will="retry"
                    )
                    await self._drop()
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, high)
            else:
                self.trouble = None
                self._metrics.database_up.set(1)
                return result

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self._drop()
            connection = await self._stack.enter_async_context(
                connect(self._database_url, name="parking ingest", autocommit=True)
            )
            with answering_within(connection, PATIENCE_S):
                await check_schema(connection)
                await tune_for_batches(connection)
            self._connection = connection
        return self._connection

    async def _knowledge(self, connection: Connection) -> tuple[Known, Admission]:
        if self._known is None:
            known = await load_known(connection)
            self._known = known, self._admit(known)
            log.info("registry", devices=len(known.directory.devices), gates=len(known.directory.gates))
        return self._known

    async def _drop(self) -> None:
        self._connection = None
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    def _count(self, batch: Batch, written: Written, messages: Sequence[Message]) -> None:
        metrics = self._metrics
        metrics.batch_size.observe(len(messages))
        metrics.batch_events.observe(batch.observations)
        metrics.events.inc(written.new_events)
        metrics.duplicates.inc(written.duplicates)
        metrics.passages.inc(written.new_passages)
        for rejection in batch.rejections:
            metrics.rejected.labels(rejection.code).inc()
        lateness_us = self._clock.now_us() - messages[0].received_us
        metrics.lateness_seconds.observe(lateness_us / 1_000_000)


def _first_line(error: Exception) -> str:
    if isinstance(error, DatabaseUnavailable | SchemaError):
        return error.message
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
