"""Looks at all devices' health every few minutes, on a connection of its own; one ingestor at a time."""

import asyncio
import random
from collections.abc import Callable

import structlog

from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.migrate import check_schema
from parking.db.sweep import sweep_if_due
from parking.db.watchdog import answering_within

log = structlog.get_logger()

EVERY_S = 300.0
LOOK_S = 15.0
"""How often to see whether it is time, and how long to wait after a failure (seconds)."""
PATIENCE_S = 600.0
"""A sweep that takes longer has come to nothing."""


class Examiner:
    """Sweeps while we are not behind: what waits may hold what a device has said meanwhile."""

    def __init__(
        self,
        database_url: str,
        current: Callable[[], bool],
        *,
        every_s: float = EVERY_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._database_url = database_url
        self._current = current
        self._every_s = every_s
        self._look_s = look_s

    async def run(self) -> None:
        """Look, for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                async with connect(self._database_url, name="parking health", autocommit=True) as connection:
                    await check_schema(connection)
                    await self._examine(connection)
            except Exception as error:
                # Findings are no reason to stop ingesting, whoever is at fault.
                say = log.exception if classify(error) is Failure.DATA else log.warning
                say("the health of devices was not examined", error=str(error).strip(), will="retry")
            await self._pause()

    async def _examine(self, connection: Connection) -> None:
        while True:
            if self._current():
                with answering_within(connection, PATIENCE_S):
                    swept = await sweep_if_due(connection, every_s=self._every_s)
                if swept is not None:
                    log.info(
                        "health",
                        bays=swept.bays,
                        findings=swept.findings,
                        took_s=round(swept.took_s, 2),
                    )
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(random.uniform(self._look_s / 2, self._look_s))
