"""The Metrics API of CDS 1.1: how each zone was used, hour by hour of the last month, as `aggregates`.

The figures are those of the reports on use; what CDS counts otherwise is said at `Hour`. Who may not be told
of in events is not told of here either: no withheld category, and no hour with few events.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from api.clock import DatabaseClock
from api.live import NotLoaded
from api.opendata.cds import LEAST_EVENTS, city_zones, milliseconds
from api.opendata.city import City
from api.opendata.tables import table
from api.reports import Reports
from parking.columns import Ints
from parking.db.connect import Connection
from parking.db.report_scope import By, Question
from parking.db.reports import MOST_CELLS, Measured, measure
from parking.errors import InputError, NotFound
from parking.reporting.period import Bucket, Period
from parking.reporting.sums import Figures, figures

MEDIA_TYPE = "application/vnd.cds+csv;version=1.1"
COLUMNS = ("curb_place_type", "curb_place_id", "metric_type", "date", "hour", "value")
METRICS = ("total_sessions", "total_events", "turnover", "average_dwell_time", "occupancy_percent")
OFFLINE = -1
"""CDS: the source was offline for the majority of the time."""
LEAST_COVERAGE = 0.5
DAYS = 31
"""How far back anybody may ask."""
LONGEST = timedelta(hours=25)
"""Of what one answer tells at most: the longest day there is."""
KEPT_S = 600.0
"""Late messages still change an hour; so old may what is told of it be."""
_DAYS_KEPT = 8
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a zone that may be told of. `values` are those of METRICS; None is not told.

    The dwell is in minutes, and is that of LEAST_EVENTS sessions at least. Turnover is what CDS has it to be:
    sessions for each hour, of the zone as a whole.
    """

    site: str
    category: str
    at: datetime
    values: tuple[float | None, ...]


def asked_for(start_ms: int | None, end_ms: int | None, now: datetime) -> tuple[datetime, datetime]:
    """The time asked for: 24 hours from or to a time given, else the last whole ones. Raises InputError."""
    start, end = _moment(start_ms), _moment(end_ms)
    if end is None:
        end = now.replace(minute=0, second=0, microsecond=0) if start is None else start + 24 * _HOUR
    if start is None:
        start = end - 24 * _HOUR
    oldest = now - timedelta(days=DAYS)
    if not oldest <= start <= now:
        raise InputError(
            f"start_time {milliseconds(start)} is not in the last {DAYS} days, in milliseconds since 1970:"
            f" from {milliseconds(oldest)} to {milliseconds(now)}"
        )
    if not timedelta() < end - start <= LONGEST:
        raise InputError(
            f"end_time {milliseconds(end)} is not after start_time {milliseconds(start)} by"
            f" {LONGEST // _HOUR} hours at most, in milliseconds since 1970"
        )
    return start, end


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def aggregates(city: City, hours: Sequence[Hour], zone_id: str | None, metric: str | None) -> bytes:
    """`/metrics/aggregates`: a line for each zone, hour and metric."""
    return table(COLUMNS, _lines(city, hours, zone_id, metric))


def _lines(
    city: City, hours: Sequence[Hour], zone_id: str | None, metric: str | None
) -> Iterator[tuple[str | float, ...]]:
    zones = {(zone.site.id, zone.group.category): zone for zone in city_zones(city)}
    ids = {key: zone.id for key, zone in zones.items() if zone_id is None or zone_id == zone.id}
    for hour in hours:
        if (known := ids.get((hour.site, hour.category))) is None:
            continue
        for name, value in zip(METRICS, hour.values, strict=True):
            if value is not None and metric in (None, name):
                yield "zone", known, name, hour.at.date().isoformat(), hour.at.hour, value


class Aggregates:
    """Reads days of figures from the database, one at a time, each once in some minutes."""

    def __init__(self, database_url: str, clock: DatabaseClock) -> None:
        self._reports = Reports(database_url)
        self.clock = clock
        self._reading = asyncio.Lock()
        # Bounded: the oldest goes when there are more than _DAYS_KEPT.
        self._read: dict[tuple[str, date, tuple[str, ...]], tuple[float, list[Hour]]] = {}

    async def hours(self, city: City, start: datetime, end: datetime) -> list[Hour]:
        """Those that began from `start` until before `end` and are over, in order.

        Raises DatabaseUnavailable, and NotLoaded while the registry changes.
        """
        found: list[Hour] = []
        for zone in sorted({site.facts.timezone for site in city.sites if not site.counted_at_gates}):
            last = (end - timedelta.resolution).astimezone(ZoneInfo(zone)).date()
            day = start.astimezone(ZoneInfo(zone)).date()
            while day <= last:
                found += [hour for hour in await self._day(city, zone, day) if start <= hour.at < end]
                day += timedelta(days=1)
        return found

    async def _day(self, city: City, zone: str, day: date) -> list[Hour]:
        members = {
            site.id: {group.category for group in site.groups} - site.withheld
            for site in city.sites
            if site.facts.timezone == zone and not site.counted_at_gates
        }
        key = zone, day, tuple(sorted(members))
        async with self._reading:
            known = self._read.get(key)
            if known is None or time.monotonic() - known[0] > KEPT_S:
                self._read.pop(key, None)
                while len(self._read) >= _DAYS_KEPT:
                    del self._read[next(iter(self._read))]
                self._read[key] = known = time.monotonic(), await self._load(members, day)
            return known[1]

    async def _load(self, members: dict[str, set[str]], day: date) -> list[Hour]:
        begin = datetime.combine(day, datetime.min.time())
        period = Period(begin, begin + timedelta(days=1), Bucket.HOUR)
        hours: list[Hour] = []
        async with self._reports.reading() as connection:
            for category in sorted(set().union(*members.values())):
                sites = tuple(sorted(site for site, has in members.items() if category in has))
                question = Question(period=period, by=By.SITE, sites=sites, categories=(category,))
                hours += hours_of(await _measured(connection, question, self.clock.now()), category)
        return sorted(hours, key=lambda hour: (hour.at, hour.site, hour.category))


async def _measured(connection: Connection, question: Question, now: datetime) -> Measured:
    try:
        return await measure(connection, question, now=now, most=MOST_CELLS)
    except NotFound as error:
        # The registry has changed, and the live view does not know it yet.
        raise NotLoaded from error


def hours_of(measured: Measured, category: str) -> Iterator[Hour]:
    """The hours of sites by one category that are over and may be told of.

    An hour that the clock shows twice, in autumn, is one: CDS names it by its number alone.
    """
    starts, ends = measured.edges[:-1], measured.edges[1:]
    first = {edge.hour: edge for edge in reversed(starts)}
    last = {start.hour: end for start, end in zip(starts, ends, strict=True)}
    over = [hour for hour in sorted(last) if last[hour] <= measured.now]
    places: Ints = np.array([edge.hour for edge in starts], dtype=np.int64)
    lasted_h = np.bincount(places, minlength=24).tolist()
    sums = measured.sums.over(places, 24)
    for row, site in enumerate(measured.groups):
        for hour in over:
            told = _values(figures(sums, row, hour), lasted_h[hour])
            if told is not None:
                yield Hour(site, category, first[hour], told)


def _values(of: Figures, lasted_h: int) -> tuple[float | None, ...] | None:
    """The values of METRICS in so many hours; None where nothing may be told, or the site was closed."""
    if of.coverage is None:
        return None
    if of.coverage < LEAST_COVERAGE or of.turnover is None or of.occupancy is None:
        return (OFFLINE,) * len(METRICS)
    events = of.arrivals + of.departures
    if events < LEAST_EVENTS:
        return None
    dwell_min = None
    if of.average_dwell_s is not None and of.dwell_sessions >= LEAST_EVENTS:
        dwell_min = round(of.average_dwell_s / 60, 1)
    bays = (of.bay_hours + of.closed_hours) / lasted_h
    return of.sessions, events, round(of.turnover * bays, 3), dwell_min, round(of.occupancy * 100, 1)
