"""A database connection on which transactions are tried until they succeed, and what is known by heart."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

import structlog

from ingest.admit import Admission
from ingest.metrics import Metrics
from parking.db.connect import Connection, connect, tune_for_batches
from parking.db.failures import Failure, classify
from parking.db.known import Known, load_known
from parking.db.migrate import check_schema
from parking.db.table import TableOutdated
from parking.db.watchdog import answering_within
from parking.errors import DatabaseUnavailable, SchemaError

log = structlog.get_logger()

T = TypeVar("T")
BACKOFF_S = (0.05, 5.0)
PATIENCE_S = 30.0
"""A database that has not finished a transaction by then is taken for gone; twice as long the next time."""


class KnowledgeChanged(Exception):
    """The registry was read anew since this was decided: decide again."""


class Knowledge:
    """The registry and where bays stand, read when needed, and the admission that goes by them."""

    def __init__(self, admit: Callable[[Known], Admission], *, debounce_s: float = 0.0) -> None:
        self._admit = admit
        self._debounce_s = debounce_s
        self._known: tuple[Known, Admission] | None = None
        self._reading = asyncio.Lock()

    @property
    def admission(self) -> Admission | None:
        """What decides now on messages, if it has been read."""
        return self._known[1] if self._known else None

    @property
    def known(self) -> Known | None:
        """What is known, if it has been read."""
        return self._known[0] if self._known else None

    def forget(self) -> None:
        """It is no longer true: read it anew before the next transaction."""
        self._known = None

    async def read(self, connection: Connection) -> tuple[Known, Admission]:
        """What is known; read through this connection if need be."""
        async with self._reading:
            if self._known is None:
                known = await load_known(connection)
                known.table.hold_us = round(self._debounce_s * 1_000_000)
                self._known = known, self._admit(known)
                log.info("registry", devices=len(known.directory.devices), gates=len(known.directory.gates))
            return self._known


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a transaction is tried with. `doubtful`: others may have changed what is known of its bays."""

    connection: Connection
    known: Known
    admission: Admission
    doubtful: bool


Work = Callable[[Attempt], Awaitable[T]]


class Lane:
    """Owns one connection, made anew when it is no good. `trouble` says why nothing succeeds just now."""

    def __init__(self, database_url: str, metrics: Metrics, knowledge: Knowledge) -> None:
        self._database_url = database_url
        self._metrics = metrics
        self._knowledge = knowledge
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self.trouble: str | None = None

    @property
    def backend_pid(self) -> int | None:
        """The database's process that serves us."""
        return self._connection.info.backend_pid if self._connection and not self._connection.closed else None

    async def persist(self, work: Work[T]) -> T | None:
        """Do this until it succeeds; None if what it stores is itself at fault. Raises KnowledgeChanged."""
        pause, high = BACKOFF_S
        patience_s = PATIENCE_S
        doubtful = False
        while True:
            begun = time.monotonic()
            try:
                result = await self._attempt(work, doubtful, patience_s)
            except KnowledgeChanged:
                raise
            except Exception as error:
                failure = classify(error)
                self._metrics.retries.labels(failure.value).inc()
                if time.monotonic() - begun >= patience_s:
                    patience_s *= 2  # it may be slow rather than gone
                if failure is Failure.DATA:
                    log.error("a batch cannot be stored", error=first_line(error))
                    await self.drop()
                    return None
                if isinstance(error, TableOutdated):
                    if doubtful:  # not only where these bays stand is wrong: some are gone
                        self._knowledge.forget()
                    doubtful = True
                if failure is Failure.UNAVAILABLE:
                    await self._give_up(error)
                    await asyncio.sleep(random.uniform(pause / 2, pause))
                    pause = min(pause * 2, high)
                else:
                    await asyncio.sleep(random.uniform(0, pause))
            else:
                self.trouble = None
                self._metrics.database_up.set(1)
                return result

    async def drop(self) -> None:
        """End the connection; the next one is made when it is needed."""
        self._connection = None
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def _attempt(self, work: Work[T], doubtful: bool, patience_s: float) -> T:
        connection = await self._connected()
        with answering_within(connection, patience_s):
            known, admission = await self._knowledge.read(connection)
            return await work(Attempt(connection, known, admission, doubtful))

    async def _give_up(self, error: Exception) -> None:
        self.trouble = first_line(error)
        self._metrics.database_up.set(0)
        log.warning("the database does not take the batch", error=self.trouble, will="retry")
        await self.drop()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self.drop()
            connection = await self._stack.enter_async_context(
                connect(self._database_url, name="parking ingest", autocommit=True)
            )
            with answering_within(connection, PATIENCE_S):
                await check_schema(connection)
                await tune_for_batches(connection)
            self._connection = connection
        return self._connection


def first_line(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, DatabaseUnavailable | SchemaError):
        return error.message
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
