"""Adds up the use of bays of one time zone: from the roll-ups, else from the stays themselves.

Theory of operation. What has ended is in the roll-ups: by days, if every bucket begins at midnight and the
site was never closed, else by quarter hours. What goes on is added from `bay_state`. Of a quarter hour in
which a site opened or closed, its bays' own stays are looked at, since a sum cannot be cut. Single bays have
no roll-ups: a report by bay is made of their stays.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from parking.columns import Ints, moment
from parking.db import binary
from parking.db.binary import text_value
from parking.db.connect import Connection, statement
from parking.db.raw_use import Raw, ended, going_on
from parking.db.report_scope import By, Question, ReportSite, listed, report_line
from parking.db.usage import Group, any_bays, by_period, load_periods, points_by_period
from parking.reporting.closed import Closed, Interval, closed_times, open_parts
from parking.reporting.spread import bucket_of, spread
from parking.reporting.sums import Sums
from parking.usage import OCCUPIED_TIME, QUARTER_US, UNKNOWN_TIME, Spans, overlaps


class ZoneSums:
    """Adds up the sites of one time zone, which have the same buckets."""

    def __init__(
        self,
        connection: Connection,
        question: Question,
        sites: Sequence[ReportSite],
        names: dict[str, int],
        edges: Ints,
        now_us: int,
        sums: Sums,
        bays: Sequence[str] | None,
    ) -> None:
        self._connection = connection
        self._question = question
        self._sites = sites
        self._names = names
        self._edges = edges
        self._now_us = now_us
        self._from_us, self._until_us = int(edges[0]), min(int(edges[-1]), now_us)
        self._sums = sums
        self._bays = bays
        self._number = {site.site_id: number for number, site in enumerate(sites)}
        self._closed = Closed(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    async def add(self, pairs: Sequence[Group]) -> None:
        """Add what these sites and categories did."""
        if self._until_us <= self._from_us or not pairs:
            return
        self._closed = await self._closed_times()
        await self._add_presence()
        if self._bays is None:
            await self._add_rolled_up(pairs)
        else:
            await self._add_raw(self._bays, await ended(self._connection, self._bays, *self._bounds), pairs)
        names, raw = await going_on(
            self._connection,
            sites=list(self._number),
            bays=self._bays,
            from_us=self._from_us,
            until_us=self._until_us,
            now_us=self._now_us,
        )
        await self._add_raw(names, raw, pairs)

    @property
    def _bounds(self) -> Interval:
        return self._from_us, self._until_us

    def _line(self, site: str, category: str, bay: str | None = None) -> int:
        """The number of the line on which bays of a site and category are."""
        if self._question.by is By.BAY:
            return self._names[bay or ""]
        return self._names[report_line(self._question.by, self._sites[self._number[site]], category)]

    async def _closed_times(self) -> Closed:
        from_at, until_at = moment(self._from_us), moment(self._until_us)
        parameters = {"sites": list(self._number), "from_at": from_at, "until_at": until_at}
        cursor = await self._connection.execute(statement("reports", "closures"), parameters)
        closures: dict[int, list[Interval]] = defaultdict(list)
        for site, start, end in await cursor.fetchall():
            closures[self._number[site]].append((start, end))
        hours = [(site.opening_hours, site.timezone) for site in self._sites]
        return closed_times(hours, closures, from_at=from_at, until_at=until_at)

    async def _add_presence(self) -> None:
        """How long bays were there: in open times, and in closed ones."""
        parameters = {
            "sites": list(self._number),
            "categories": listed(self._question.categories),
            "bays": listed(self._bays),
            "each": self._question.by is By.BAY,
        }
        cursor = await self._connection.execute(statement("reports", "presence"), parameters, binary=True)
        rows = await cursor.fetchall()
        lines = [self._line(site, category, bay) for site, category, bay, *_ in rows]
        sites = np.array([self._number[row[0]] for row in rows], dtype=np.int64)
        start, end, count = np.array([row[3:] for row in rows], dtype=np.int64).reshape(-1, 3).T
        end = np.minimum(end, self._until_us)
        there = Spans(np.array(lines, dtype=np.int64), start, end, count, np.zeros_like(count))
        closed = self._closed.within(there, sites)
        self._put("open_us", there.then(closed))
        self._put(
            "closed_us", Spans(closed.owner, closed.start_us, closed.end_us, -closed.weight, closed.kind)
        )

    def _put(self, column: str, times: Spans) -> None:
        target = getattr(self._sums, column)
        target += spread(times, self._edges, len(self._names))

    async def _add_raw(self, bays: Sequence[str], raw: Raw, pairs: Sequence[Group]) -> None:
        """What single bays did: cut where they changed site or category, and where their site was closed."""
        if not len(raw.times) and not len(raw.points):
            return
        known = any_bays(bays)
        periods = await load_periods(self._connection, known, np.arange(len(bays)))
        wanted = set(pairs)
        line = np.full((len(periods.groups), len(bays) if self._question.by is By.BAY else 1), -1)
        for number, group in enumerate(periods.groups):
            if group in wanted:
                line[number] = (
                    [self._names.get(bay, -1) for bay in bays]
                    if self._question.by is By.BAY
                    else self._line(*group)
                )
        site = np.array([self._number.get(site, -1) for site, _ in periods.groups], dtype=np.int64)
        times, row = by_period(raw.times, periods)
        owner = line[times.owner, raw.times.owner[row] if line.shape[1] > 1 else 0]
        cut = Spans(owner, times.start_us, np.minimum(times.end_us, self._until_us), times.weight, times.kind)
        chosen = (owner >= 0) & (cut.end_us > cut.start_us)
        self._put_times(cut.take(chosen), site[times.owner][chosen])
        points, row = points_by_period(raw.points, periods)
        owner = line[points.owner, raw.points.owner[row] if line.shape[1] > 1 else 0]
        bucket = bucket_of(points.at_us, self._edges)
        chosen = (owner >= 0) & (bucket >= 0)
        for name in ("arrivals", "departures", "sessions", "dwelt", "dwell_us"):
            np.add.at(
                getattr(self._sums, name), (owner[chosen], bucket[chosen]), getattr(points, name)[chosen]
            )

    def _put_times(self, times: Spans, site: Ints) -> None:
        """Occupied and unknown times of lines, each row of that site, without what was closed."""
        both = times.then(self._closed.within(times, site))
        for column, kind in (("occupied_us", OCCUPIED_TIME), ("unknown_us", UNKNOWN_TIME)):
            self._put(column, both.take(both.kind == kind))

    async def _add_rolled_up(self, pairs: Sequence[Group]) -> None:
        """What has ended, by the roll-ups."""
        days = self._midnights()
        has_closed = {self._sites[number].site_id for number in np.unique(self._closed.site).tolist()}
        plain = [pair for pair in pairs if pair[0] not in has_closed]
        other = [pair for pair in pairs if pair[0] in has_closed]
        whole = (self._from_us, int(self._edges[-1]))
        if plain and days is not None:
            await self._add_days(plain, days)
        elif plain:
            await self._add_quarters([(*pair, *whole) for pair in plain], _ALL)
        if not other:
            return
        await self._add_quarters([(*pair, *whole) for pair in other], _COUNTS)
        ranges, parts = [], {}
        for site in sorted(has_closed):
            opened, parts[site] = open_parts(self._closed.of(self._number[site]), self._bounds)
            ranges += [(*pair, *interval) for pair in other if pair[0] == site for interval in opened]
        if ranges:
            await self._add_quarters(ranges, _TIMES)
        for site, intervals in parts.items():
            await self._add_parts(site, intervals, pairs)

    def _midnights(self) -> list[date] | None:
        """The days at which buckets begin and the last ends, if they do so at midnight."""
        zone = self._sites[0].timezone
        edges = self._question.period.local_edges(zone)
        if any(edge.time() != datetime.min.time() for edge in edges):
            return None
        days = [edge.date() for edge in edges]
        return days if len(set(days)) == len(days) else None

    async def _add_days(self, pairs: Sequence[Group], days: list[date]) -> None:
        parameters = self._of_pairs([(*pair, 0, 0) for pair in pairs])
        parameters |= {"edges": days, "from_day": days[0], "until_day": days[-1]}
        # Days of the whole city are read in one go; those of a few sites by key.
        await self._add_rows("days", parameters, _ALL, how="unsorted")

    async def _add_quarters(
        self, ranges: Sequence[tuple[str, str, int, int]], columns: Sequence[str]
    ) -> None:
        parameters = self._of_pairs(ranges) | {"edges": binary.time_column(self._edges)}
        await self._add_rows("quarters", parameters, columns, how="by_key")

    def _of_pairs(self, ranges: Sequence[tuple[str, str, int, int]]) -> dict[str, Any]:
        number = np.array([self._line(site, category) for site, category, *_ in ranges], dtype=np.int64)
        start, end = np.array([row[2:] for row in ranges], dtype=np.int64).reshape(-1, 2).T
        return {
            "site_id": binary.text_column([text_value(row[0]) for row in ranges]),
            "category": binary.text_column([text_value(row[1]) for row in ranges]),
            "number": binary.int8_column(number),
            "from_at": binary.time_column(start),
            "until_at": binary.time_column(end),
        }

    async def _add_rows(
        self, name: str, parameters: dict[str, Any], columns: Sequence[str], *, how: str
    ) -> None:
        await self._connection.execute(statement("reports", how))
        cursor = await self._connection.execute(statement("reports", name), parameters, binary=True)
        rows = np.array(await cursor.fetchall(), dtype=np.int64).reshape(-1, 2 + len(_ALL)).T
        await self._connection.execute(statement("reports", "as_planned"))
        for column, values in zip(_ALL, rows[2:], strict=True):
            if column in columns:
                np.add.at(getattr(self._sums, column), (rows[0], rows[1]), values)

    async def _add_parts(self, site: str, intervals: Sequence[Interval], pairs: Sequence[Group]) -> None:
        """The open parts of quarters in which the site opened or closed."""
        cursor = await self._connection.execute(
            statement("reports", "bays_of"), {"sites": [site], "bays": None}
        )
        bays = [bay for bay, _ in await cursor.fetchall()]
        for start, end in _together(intervals):
            raw = await ended(self._connection, bays, start, end)
            here = [part for part in intervals if start <= part[0] < end]
            low, high = np.array(here, dtype=np.int64).T
            nobody = np.zeros(len(raw.times), dtype=np.int64)
            inside = overlaps(raw.times, nobody, np.zeros(len(here), dtype=np.int64), low, high)
            times = Spans(inside.owner, inside.start_us, inside.end_us, -inside.weight, inside.kind)
            only = [pair for pair in pairs if pair[0] == site]
            await self._add_raw(bays, Raw(times, raw.points.take(np.zeros(0, dtype=np.int64))), only)


_TIMES = ("occupied_us", "unknown_us")
_COUNTS = ("arrivals", "departures", "sessions", "dwelt", "dwell_us")
_ALL = (*_TIMES, *_COUNTS)
_DAY_US = 96 * QUARTER_US


def _together(intervals: Sequence[Interval]) -> list[Interval]:
    """Spans of a day or so that hold these intervals, which are in order."""
    found: list[Interval] = []
    for start, end in intervals:
        if found and end - found[-1][0] <= _DAY_US:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
