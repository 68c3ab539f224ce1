"""When sites were closed: by their opening hours, and by what somebody closed them for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from parking.columns import Ints, microseconds
from parking.opening import opening_hours
from parking.usage import QUARTER_US, Spans, overlaps

Interval = tuple[int, int]
"""From when until when, microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed times of sites, by number of the site, in order; those of one site are disjoint."""

    site: Ints
    from_us: Ints
    until_us: Ints

    def within(self, times: Spans, site: Ints) -> Spans:
        """The parts of spans (each row of that site) that lie in closed times, to be taken off."""
        return overlaps(times, site, self.site, self.from_us, self.until_us)

    def of(self, site: int) -> list[Interval]:
        """The closed times of one site."""
        chosen = self.site == site
        return list(zip(self.from_us[chosen].tolist(), self.until_us[chosen].tolist(), strict=True))


def closed_times(
    hours: Sequence[tuple[str | None, str]],
    closures: Mapping[int, Sequence[Interval]],
    *,
    from_at: datetime,
    until_at: datetime,
) -> Closed:
    """The closed times of sites within a period, by opening hours with their time zone and by closures."""
    bounds = microseconds(from_at), microseconds(until_at)
    rows = []
    for site, (text, zone) in enumerate(hours):
        found = [*closures.get(site, ())]
        if text is not None:
            found += _by_hours(text, zone, from_at, until_at)
        rows += [(site, *interval) for interval in merged(found, bounds)]
    return Closed(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


@lru_cache(maxsize=256)
def _by_hours(text: str, zone: str, from_at: datetime, until_at: datetime) -> tuple[Interval, ...]:
    closed = opening_hours(text, zone).closed(from_at, until_at)
    return tuple((microseconds(start), microseconds(end)) for start, end in closed)


def merged(intervals: Sequence[Interval], bounds: Interval) -> list[Interval]:
    """The union of intervals within bounds, in order."""
    found: list[list[int]] = []
    for start, end in sorted((max(a, bounds[0]), min(b, bounds[1])) for a, b in intervals):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, end) for start, end in found]


def open_parts(closed: Sequence[Interval], bounds: Interval) -> tuple[list[Interval], list[Interval]]:
    """What is open of a time: its whole quarter hours, and the open parts of the other quarters."""
    whole: list[Interval] = []
    parts: dict[int, list[Interval]] = defaultdict(list)
    at = bounds[0]
    for start, end in [*closed, (bounds[1], bounds[1])]:
        if start > at:
            first, last = -(-at // QUARTER_US) * QUARTER_US, start // QUARTER_US * QUARTER_US
            if first < last:
                whole.append((first, last))
            edges = [(at, min(first, start)), (max(last, first), start)] if first <= start else [(at, start)]
            for low, high in edges:
                if high > low:
                    parts[low // QUARTER_US].append((low, high))
        at = max(at, end)
    return whole, [interval for quarter in sorted(parts) for interval in parts[quarter]]
