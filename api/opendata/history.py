"""The last day's hours of arrivals and departures, read from the database when somebody asks for one.

Anybody may ask, so little can be asked for: whole hours of the last day, each read once in some minutes, one
at a time, however many ask.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from api.clock import DatabaseClock
from parking.db.connect import connect
from parking.db.failures import explain
from parking.db.stays import Movement, load_movements
from parking.db.watchdog import answering_within
from parking.errors import InputError

HOURS = 24
"""How many of the last whole hours are told of."""
KEPT_S = 300.0
"""Late messages still change an hour; so old may what is told of it be."""
_ANSWER_S = 20.0
_HOUR = timedelta(hours=1)
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}")


class History:
    """Reads hours; `hour` says which."""

    def __init__(self, database_url: str, clock: DatabaseClock) -> None:
        self._database_url = database_url
        self._clock = clock
        self._reading = asyncio.Lock()
        # Bounded: hours of the last day; older ones are removed with each reading.
        self._read: dict[datetime, tuple[float, Sequence[Movement]]] = {}

    def hour(self, text: str | None) -> datetime:
        """The beginning of the hour that a request names (YYYY-MM-DDTHH in UTC), else of the last whole one.

        Raises InputError unless it is one of the last HOURS whole hours.
        """
        newest = self._clock.now().replace(minute=0, second=0, microsecond=0) - _HOUR
        if text is None:
            return newest
        oldest = newest - (HOURS - 1) * _HOUR
        try:
            hour = (
                datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC) if _FORM.fullmatch(text) else None
            )
        except ValueError:
            hour = None
        if hour is None or not oldest <= hour <= newest:
            raise InputError(
                f"event_time {text[:40]!r} is not one of the last {HOURS} whole hours in UTC:"
                f" from {oldest:%Y-%m-%dT%H} to {newest:%Y-%m-%dT%H}"
            )
        return hour

    async def movements(self, hour: datetime, withheld: frozenset[str]) -> Sequence[Movement]:
        """All in the hour that begins then. Raises DatabaseUnavailable."""
        async with self._reading:
            known = self._read.get(hour)
            if known is None or time.monotonic() - known[0] > KEPT_S:
                oldest = self._clock.now() - (HOURS + 2) * _HOUR
                self._read = {one: read for one, read in self._read.items() if one >= oldest}
                self._read[hour] = known = time.monotonic(), await self._load(hour, withheld)
            return known[1]

    async def _load(self, hour: datetime, withheld: frozenset[str]) -> list[Movement]:
        try:
            async with connect(self._database_url, name="parking open data", autocommit=True) as connection:
                with answering_within(connection, _ANSWER_S):
                    return await load_movements(connection, since=hour, until=hour + _HOUR, withheld=withheld)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            raise known from error
