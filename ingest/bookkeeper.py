"""Keeps the books of gate-counted sites every quarter of an hour, and anew where a passage came late.

On a connection of its own, in one ingestor at a time. What changes is published by whoever hears of it.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import structlog

from ingest.clock import Clock
from parking.db.books import keep_books
from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.migrate import check_schema
from parking.db.watchdog import answering_within
from parking.settings import Settings

log = structlog.get_logger()

LOOK_S = 5.0
"""How often to see whether books are due, and how long to wait after a failure (seconds)."""
PATIENCE_S = 300.0


class Bookkeeper:
    """Works while we are not behind: what waits may be passages that the books should know of."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        current: Callable[[], bool],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._current = current
        self._look_s = look_s

    async def run(self) -> None:
        """Keep them, for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                async with connect(
                    self._settings.require_database_url(), name="parking books", autocommit=True
                ) as connection:
                    await check_schema(connection)
                    await self._keep(connection)
            except Exception as error:
                # Books are no reason to stop ingesting, whoever is at fault: they are kept anew later.
                say = log.exception if classify(error) is Failure.DATA else log.warning
                say("the books of gates were not kept", error=str(error).strip(), will="retry")
            await self._pause()

    async def _keep(self, connection: Connection) -> None:
        settings = self._settings
        while True:
            if self._current():
                with answering_within(connection, PATIENCE_S):
                    await keep_books(
                        connection,
                        now=self._clock.now(),
                        window=timedelta(seconds=settings.pairing_window_s),
                        late=timedelta(seconds=settings.late_limit_s),
                    )
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(random.uniform(self._look_s / 2, self._look_s))
