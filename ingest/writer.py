"""Writes batches for as long as it takes: large ones in two transactions at once; isolates what never can be.

Theory of operation. A batch of many events is split by site, and both parts are written at the same time on
two connections: while one waits for the database the other is prepared, and the database works on two
processors. No site is in both, so they lock nothing of each other. A message is about one site, so it is in
one transaction; a batch is done when both are. Whatever goes wrong, its messages can be written again: a copy
changes nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ingest.admit import Admission
from ingest.clock import Clock
from ingest.faultpoint import BEFORE_COMMIT, FaultPoint
from ingest.lane import Attempt, Knowledge, KnowledgeChanged, Lane
from ingest.metrics import Metrics
from ingest.refuse import reject
from ingest.source import Message
from parking.db.bays import held_back
from parking.db.known import Known
from parking.db.records import Batch, Written
from parking.db.split import split
from parking.db.write import turn, write_batch
from parking.model import Snapshot

LANES = 2
SPLIT_EVENTS = 1000
"""A batch of fewer events is written in one transaction: two would cost more than they save."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What messages amount to, as of what this admission knows."""

    batch: Batch
    by: Admission


Publish = Callable[[list[Snapshot]], None]


class Writer:
    """Owns the connections that write, and what is known by heart. One batch at a time: others wait.

    `admit` makes the admission for what is known; `debounce_s`: see PARKING_DEBOUNCE_S.
    """

    def __init__(
        self,
        database_url: str,
        metrics: Metrics,
        admit: Callable[[Known], Admission],
        *,
        clock: Clock,
        faults: FaultPoint,
        split_events: int = SPLIT_EVENTS,
        debounce_s: float = 0.0,
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._faults = faults
        self._split_events = split_events
        self._knowledge = Knowledge(admit, debounce_s=debounce_s)
        self._lanes = [Lane(database_url, metrics, self._knowledge) for _ in range(LANES)]
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> "Writer":
        return self

    async def __aexit__(self, *_: object) -> None:
        for lane in self._lanes:
            await lane.drop()

    @property
    def backend_pids(self) -> set[int | None]:
        """The database's processes that serve us."""
        return {lane.backend_pid for lane in self._lanes}

    @property
    def trouble(self) -> str | None:
        """Why nothing can be stored just now, None if it can."""
        return next((lane.trouble for lane in self._lanes if lane.trouble), None)

    @property
    def held_back(self) -> int:
        """Of how many bays the latest word is held back until it has lasted."""
        known = self._knowledge.known
        return held_back(known.table, now=self._clock.now()) if known else 0

    def forget(self) -> None:
        """What is known by heart is no longer true: read it anew before the next transaction."""
        self._knowledge.forget()

    async def learn(self) -> Admission:
        """What decides now on messages; waits until the registry has been read, if it has changed."""

        async def work(attempt: Attempt) -> Admission:
            return attempt.admission

        known = self._knowledge.admission
        while known is None:
            async with self._turn:
                known = await self._lanes[0].persist(work)
        return known

    async def write(
        self, messages: Sequence[Message], publish: Publish, admitted: Admitted | None = None
    ) -> None:
        """Store these messages, however long that takes: each is stored, or on record as rejected.

        `publish` is called with the new snapshots of each transaction that was committed. `admitted` spares
        deciding on the messages, if its admission is still the one that decides.
        """
        async with self._turn:
            self._metrics.batch_size.observe(len(messages))
            if admitted is None or admitted.batch.observations < self._split_events:
                await self._store(messages, publish, admitted)
            elif not await self._store_parts(admitted, publish):
                await self._store(messages, publish)
        lateness_us = self._clock.now_us() - messages[0].received_us
        self._metrics.lateness_seconds.observe(lateness_us / 1_000_000)

    async def turn(self, publish: Publish) -> None:
        """Publish what changes with the time alone."""

        async def work(attempt: Attempt) -> list[Snapshot]:
            return await turn(attempt.connection, attempt.known.table, now=self._clock.now())

        async with self._turn:
            publish(await self._lanes[0].persist(work) or [])

    async def _store_parts(self, admitted: Admitted, publish: Publish) -> bool:
        """Write the parts of a batch at once; whether all could be."""
        parts: list[Batch] = []

        async def store(number: int) -> bool:
            async def work(attempt: Attempt) -> Written:
                if attempt.admission is not admitted.by:
                    raise KnowledgeChanged
                if not parts:
                    parts.extend(split(admitted.batch, attempt.known.table, LANES))
                return await self._write(attempt, parts[number])

            written = await self._lanes[number].persist(work)
            if written is not None:
                publish(written.snapshots)
            return written is not None

        done = await asyncio.gather(*map(store, range(LANES)), return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, KnowledgeChanged):
                raise result
        return all(result is True for result in done)

    async def _store(
        self, messages: Sequence[Message], publish: Publish, admitted: Admitted | None = None
    ) -> None:
        async def work(attempt: Attempt) -> Written:
            current = admitted is not None and admitted.by is attempt.admission
            batch = admitted.batch if admitted and current else attempt.admission.batch(messages)
            return await self._write(attempt, batch)

        written = await self._lanes[0].persist(work)
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

        async def work(attempt: Attempt) -> Written:
            return await self._write(attempt, batch)

        await self._lanes[0].persist(work)

    async def _write(self, attempt: Attempt, batch: Batch) -> Written:
        """One transaction."""
        metrics, started = self._metrics, time.perf_counter()
        written = await write_batch(
            attempt.connection,
            batch,
            now=self._clock.now(),
            table=attempt.known.table,
            doubtful=attempt.doubtful,
            before_commit=partial(self._faults.reach, BEFORE_COMMIT),
        )
        metrics.commit_seconds.observe(time.perf_counter() - started)
        metrics.batch_events.observe(batch.observations)
        metrics.events.inc(written.new_events)
        metrics.duplicates.inc(written.duplicates)
        metrics.passages.inc(written.new_passages)
        metrics.sealed.inc(written.sealed)
        for code, count in written.rejected.items():
            metrics.rejected.labels(code).inc(count)
        return written
