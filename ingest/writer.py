"""Writes batches for as long as it takes: retries what may pass, isolates what never will."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import structlog

from ingest.admit import Admission, reject
from ingest.metrics import Metrics
from ingest.source import Message
from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.migrate import check_schema
from parking.db.records import Batch, Written
from parking.db.write import write_batch
from parking.errors import DatabaseUnavailable, SchemaError
from parking.model import Snapshot

log = structlog.get_logger()

BACKOFF_S = (0.05, 5.0)


class Writer:
    """Owns one database connection, made anew when it breaks. Used by one task at a time."""

    def __init__(self, database_url: str, metrics: Metrics) -> None:
        self._database_url = database_url
        self._metrics = metrics
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None

    async def __aenter__(self) -> "Writer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    async def write(
        self, admission: Admission, messages: Sequence[Message], publish: Callable[[list[Snapshot]], None]
    ) -> None:
        """Store these messages, however long that takes: each is stored, or on record as rejected.

        `publish` is called with the new snapshots of each transaction that was committed.
        """
        batch = _admitted(admission, messages)
        written = await self._write(batch, last=len(messages) == 1) if batch else None
        if batch is None or written is None:
            await self._divide(admission, messages, publish)
            return
        self._count(batch, written, messages)
        publish(written.snapshots)

    async def _divide(
        self, admission: Admission, messages: Sequence[Message], publish: Callable[[list[Snapshot]], None]
    ) -> None:
        """Something in the batch can never be stored: halve it until that message stands alone."""
        if len(messages) > 1:
            middle = len(messages) // 2
            await self.write(admission, messages[:middle], publish)
            await self.write(admission, messages[middle:], publish)
            return
        record = reject(messages[0], "not_storable", "the database refused what this message says")
        batch = Batch(rejections=[record])
        written = await self._write(batch, last=False)
        if written is not None:
            self._count(batch, written, messages)

    async def _write(self, batch: Batch, *, last: bool) -> Written | None:
        """One transaction, repeated until it commits; None if the batch itself is at fault."""
        pause, high = BACKOFF_S
        while True:
            started = time.perf_counter()
            try:
                connection = await self._connected()
                written = await write_batch(connection, batch, now=datetime.now(UTC))
            except Exception as error:
                failure = classify(error)
                self._metrics.retries.labels(failure.value).inc()
                if failure is Failure.DATA:
                    log.error("a batch cannot be stored", error=_first_line(error), alone=last)
                    await self._drop()
                    return None
                if failure is not Failure.CONFLICT:
                    self._metrics.database_up.set(0)
                    log.warning(
                        "the database does not take the batch", error=_first_line(error), will="retry"
                    )
                    await self._drop()
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, high)
            else:
                self._metrics.database_up.set(1)
                self._metrics.commit_seconds.observe(time.perf_counter() - started)
                return written

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self._drop()
            connection = await self._stack.enter_async_context(
                connect(self._database_url, name="parking ingest")
            )
            await check_schema(connection)
            await connection.commit()
            self._connection = connection
        return self._connection

    async def _drop(self) -> None:
        self._connection = None
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    def _count(self, batch: Batch, written: Written, messages: Sequence[Message]) -> None:
        metrics = self._metrics
        metrics.batch_size.observe(len(messages))
        metrics.events.inc(written.new_events)
        metrics.duplicates.inc(written.duplicates)
        metrics.passages.inc(written.new_passages)
        for rejection in batch.rejections:
            metrics.rejected.labels(rejection.code).inc()
        now = datetime.now(UTC)
        metrics.lateness_seconds.observe((now - messages[0].received_at).total_seconds())


def _admitted(admission: Admission, messages: Sequence[Message]) -> Batch | None:
    """What the messages amount to; None if our own code fails on one of them."""
    try:
        return admission.batch(messages)
    except Exception as error:
        log.error("a message cannot be read", error=type(error).__name__, alone=len(messages) == 1)
        return None


def _first_line(error: Exception) -> str:
    if isinstance(error, DatabaseUnavailable | SchemaError):
        return error.message
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
