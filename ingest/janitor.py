"""Removes what is old once a day, on a connection of its own; one ingestor at a time."""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from parking.db.connect import connect
from parking.db.failures import Failure, classify
from parking.db.migrate import check_schema
from parking.db.retention import Cleared, clear_if_due

log = structlog.get_logger()

EVERY = timedelta(hours=20)
"""Often enough that a day's worth goes each day, whenever the ingestor was started."""
LOOK_S = 600.0


class Janitor:
    """Works while we are not behind: what waits is more urgent."""

    def __init__(
        self,
        database_url: str,
        days: Mapping[str, int],
        current: Callable[[], bool],
        *,
        every: timedelta = EVERY,
        look_s: float = LOOK_S,
    ) -> None:
        self._database_url = database_url
        self._days = days
        self._current = current
        self._every = every
        self._look_s = look_s

    async def run(self) -> None:
        """Look whether it is time, for as long as the task lives; a database that is away is waited for."""
        while True:
            await asyncio.sleep(random.uniform(self._look_s / 2, self._look_s))
            if not self._current():
                continue
            try:
                await self._clear()
            except Exception as error:
                # What is old is no reason to stop ingesting, whoever is at fault.
                say = log.exception if classify(error) is Failure.DATA else log.warning
                say("what is old was not removed", error=str(error).strip(), will="retry")

    async def _clear(self) -> None:
        async with connect(self._database_url, name="parking maintain", autocommit=True) as connection:
            await check_schema(connection)
            for one in await clear_if_due(connection, self._days, every=self._every) or ():
                _tell(one)


def _tell(one: Cleared) -> None:
    if one.rows or one.chunks:
        assert one.until is not None, "something went"
        log.info(
            "removed what is old",
            table=one.table,
            until=one.until.isoformat(timespec="minutes"),
            rows=one.rows,
            chunks=one.chunks,
        )
