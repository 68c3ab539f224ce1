"""What is foretold, in the memory of one API process: read from the database soon after it was made."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from api.clock import DatabaseClock
from parking.db.forecasts import load_records
from parking.db.outlooks import SiteDay, StoredOutlook, load_days, load_outlooks
from parking.db.pool import Pool
from parking.errors import ParkingError
from parking.forecast.trust import Record
from parking.outlook import OLD, Outlook

log = structlog.get_logger()

LOOK_S: Final = 10.0
DAYS_EVERY: Final = timedelta(minutes=5)
"""How often the days' curves and the scores are read; both change each quarter of an hour."""


class ForecastReader:
    """Is a `parking.outlook.Forecasts`. Without the database it tells what it has until that is old."""

    def __init__(self, pool: Pool, clock: DatabaseClock) -> None:
        self._pool = pool
        self._clock = clock
        self._stored: dict[str, StoredOutlook] = {}
        self._told: dict[str, Outlook] = {}
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._read_days_at = self._latest
        self.days: dict[str, SiteDay] = {}
        self.records: dict[str, list[Record]] = {}
        self.version = 0

    @property
    def made_at(self) -> datetime | None:
        """When the latest of all was made."""
        return self._latest if self._stored else None

    @property
    def distrusted(self) -> int:
        """Sites whose plain count is shown in the place of their forecast."""
        return sum(one.distrust is not None for one in self._stored.values())

    def of(self, site_id: str) -> Outlook | None:
        """What is foretold of a site; None where nothing is, or what is was made too long ago."""
        stored = self._stored.get(site_id)
        if stored is None or self._clock.now() - stored.made_at > OLD:
            return None
        told = self._told.get(site_id)
        if told is None:
            told = self._told[site_id] = stored.outlook()
        return told

    async def run(self) -> None:
        """Read, for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                await self.read()
            except ParkingError as error:
                log.debug("forecasts were not read", reason=error.message)
            except Exception:
                # A defect here must not take the numbers of now along with it.
                log.exception("forecasts were not read")
            await asyncio.sleep(random.uniform(LOOK_S / 2, LOOK_S))

    async def read(self) -> None:
        """Read what is new."""
        now = self._clock.now()
        async with self._pool.transaction() as connection:
            read = await load_outlooks(connection, after=self._latest)
            new = [one for one in read if self._made_at(one.site) != one.made_at]
            if new and now - self._read_days_at >= DAYS_EVERY:
                self.days = await load_days(connection)
                self.records = await load_records(connection, now=now)
                self._read_days_at = now
        for one in new:
            self._stored[one.site] = one
            self._told.pop(one.site, None)
            self._latest = max(self._latest, one.made_at)
        self.version += bool(new)

    def _made_at(self, site: str) -> datetime | None:
        known = self._stored.get(site)
        return None if known is None else known.made_at
