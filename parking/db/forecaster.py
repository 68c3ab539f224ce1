"""Makes the forecasts of all sites, minute by minute, and learns from what came.

Theory of operation. One process does so at a time; it holds a lock of the database. Each round takes the
numbers as they are published, keeps them if a quarter of an hour has begun, scores the forecasts whose time
has come, and stores what is foretold now. Between rounds sites that are new, or have changed, learn from
their past, a group at a time: seconds each, in a thread. What was stored before stands meanwhile.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from parking.db.connect import Connection, statement
from parking.db.forecasts import Standing, forget_others, keep, keep_usual, load_records, remember, score
from parking.db.site_counts import Counted, backfill, load_closures, load_counted, load_history, take_counts
from parking.forecast.engine import WINDOW_DAYS
from parking.forecast.series import Bools, Closure
from parking.forecast.summary import MINUTES, Summary
from parking.forecast.town import Group, Town
from parking.forecast.trust import Record, distrust, plain_points
from parking.opening import OpeningHours, opening_hours

PUNCTUAL = timedelta(minutes=2)
"""A number that is taken later is not that of the quarter of an hour which has begun."""


async def hold(connection: Connection) -> bool:
    """Whether this connection is now the one that makes forecasts, for as long as it lives."""
    return (await (await connection.execute(statement("forecast", "hold"))).fetchone()) == (True,)


async def database_time(connection: Connection) -> datetime:
    """The database's time."""
    row = await (await connection.execute(statement("forecast", "time"))).fetchone()
    assert row is not None, "the query returns one row"
    now: datetime = row[0]
    return now


class Forecaster:
    """Holds what was learned; the connection is given anew each time, since it may have been lost between."""

    def __init__(self, holidays: frozenset[date]) -> None:
        self._holidays = holidays
        self._town = Town()
        self._sites: Sequence[Counted] = ()
        self._closing = Closing({}, ())
        self._records: Mapping[str, list[Record]] = {}
        self._quarter = datetime.min.replace(tzinfo=UTC)
        self._usual_of: dict[Group, int] = {}

    async def round(self, connection: Connection, *, now: datetime) -> int:
        """Take in the numbers of `now` and store what they foretell; of how many sites."""
        minute = now.replace(second=0, microsecond=0)
        quarter = minute - timedelta(minutes=minute.minute % 15)
        self._sites = await load_counted(connection, now=now)
        closures = await load_closures(connection, since=now - timedelta(days=WINDOW_DAYS))
        self._closing = Closing(closures, self._sites)
        self._town.arrange(one.place for one in self._sites)
        if quarter != self._quarter:
            await self._begin(connection, quarter, now=now)
        at, taken = int(minute.timestamp()), self._taken(minute)
        found = 0
        for group in self._town.groups:
            group.update({site: (at, count) for site, count in taken.items()})
            found += await self._foretell(connection, group, taken, minute=minute)
        return found

    async def learn(self, connection: Connection, *, now: datetime) -> int | None:
        """Let one group that is new or has changed learn from its past: how many sites; None without any."""
        group = self._town.unfitted()
        if group is None:
            return None
        since, minute = now - timedelta(days=WINDOW_DAYS), now.replace(second=0, microsecond=0)
        mine = [one for one in self._sites if one.place.id in group.ids]
        await backfill(connection, mine, since=since, until=self._quarter)
        shares = await load_history(connection, sorted(group.ids), since=since)
        await asyncio.to_thread(group.fit, shares, self._closing.closures, self._holidays)
        taken = self._taken(minute)
        group.update({site: (int(minute.timestamp()), count) for site, count in taken.items()})
        await self._foretell(connection, group, taken, minute=minute)
        return len(group.ids)

    async def _begin(self, connection: Connection, quarter: datetime, *, now: datetime) -> None:
        """What there is to do when a quarter of an hour begins."""
        async with connection.transaction():
            if now - quarter < PUNCTUAL:
                await take_counts(connection, self._sites, quarter=quarter)
            await score(connection, now=now)
            await forget_others(connection, [one.place.id for one in self._sites])
        self._records = await load_records(connection, now=now)
        self._quarter = quarter
        self._usual_of = {g: day for g, day in self._usual_of.items() if g in self._town.groups}

    def _taken(self, minute: datetime) -> dict[str, float]:
        """The spaces taken at sites of which enough is known; in a closure nothing is to be learned."""
        at = int(minute.timestamp())
        return {
            one.place.id: taken
            for one in self._sites
            if (taken := one.taken) is not None and not self._closing.closed(one.place.id, at)
        }

    async def _foretell(
        self, connection: Connection, group: Group, taken: Mapping[str, float], *, minute: datetime
    ) -> int:
        at = int(minute.timestamp())
        made = await asyncio.to_thread(group.foretell, at, self._closing.shut)
        if not made:
            return 0
        await keep(connection, [self._standing(one, taken, at) for one in made], made_at=minute)
        if minute == self._quarter:
            await remember(connection, made, taken, made_at=minute)
        begins, usual = group.usual(at)
        if usual and self._usual_of.get(group) != begins:
            await keep_usual(connection, datetime.fromtimestamp(begins, UTC), usual)
            self._usual_of[group] = begins
        return len(made)

    def _standing(self, one: Summary, taken: Mapping[str, float], at: int) -> Standing:
        """The forecast itself, or the plain count where that was better of late."""
        records = self._records.get(one.site, [])
        why = distrust(records)
        if why is None or one.site not in taken:
            return Standing(one, why)
        shut = self._closing.shut(one.site, [at + 60 * minutes for minutes in MINUTES])
        plain = plain_points(one.capacity - taken[one.site], one.capacity, records).closed(shut)
        return Standing(replace(one, points=plain), why)


class Closing:
    """When sites are closed: by closures, by their hours, or in the registry."""

    def __init__(self, closures: Mapping[str, tuple[Closure, ...]], sites: Iterable[Counted]) -> None:
        self.closures = closures
        self._hours: dict[str, OpeningHours] = {}
        self._never: set[str] = set()
        for one in sites:
            if not one.open:
                self._never.add(one.place.id)
            elif one.hours is not None:
                self._hours[one.place.id] = opening_hours(one.hours, one.place.timezone)

    def closed(self, site: str, at: int) -> bool:
        """Whether a site is in a closure then."""
        return any(one.start <= at < one.end for one in self.closures.get(site, ()))

    def shut(self, site: str, moments: Sequence[int]) -> Bools:
        """Whether a site is closed at these moments, whatever for."""
        hours = self._hours.get(site)
        return np.array(
            [
                site in self._never
                or self.closed(site, at)
                or (hours is not None and not hours.is_open(datetime.fromtimestamp(at, UTC)))
                for at in moments
            ],
            dtype=np.bool_,
        )
