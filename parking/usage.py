"""Roll-ups of use: what bays did, split at the quarter hours in which it lay, exactly.

Theory of operation. Everything that is rolled up is a sum, so it can be added to and taken off: a stay that
turns out not to have happened is added with the weight -1. Runs of a bay do not overlap, and neither do its
silent spells. So the time that a bay was occupied and its device heard is the sum of its stays less the sum
of the overlaps of stays and silent spells, and the time that it was unknown is the sum of its unknown runs
and its silent spells less the overlaps of these. No order of arrival matters to a sum.

Times are microseconds since 1970.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from parking.columns import Bools, Ints

QUARTER_US = 900_000_000
"""A quarter of an hour: the finest bucket of a report, and a divisor of every time zone's offset."""
OCCUPIED_TIME, UNKNOWN_TIME = 0, 1
"""Which sum a span adds to."""


class _Columns:
    """Columns of one length."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, rows: Ints | Bools) -> Self:
        """Copies of these rows."""
        return type(self)(*(getattr(self, column.name)[rows] for column in fields(self)))  # type: ignore[arg-type]

    def then(self, *others: Self) -> Self:
        """These rows, then those of others."""
        names = [column.name for column in fields(self)]  # type: ignore[arg-type]
        all_of = (self, *others)
        return type(self)(*(np.concatenate([getattr(one, name) for one in all_of]) for name in names))


@dataclass(frozen=True, slots=True)
class Spans(_Columns):
    """Times of bays, `weight` 1 to add them and -1 to take them off. `owner` is a bay, or a group of bays."""

    owner: Ints
    start_us: Ints
    end_us: Ints
    weight: Ints
    kind: Ints


@dataclass(frozen=True, slots=True)
class Moments(_Columns):
    """What happened at a moment, to be added up: a stay's start, or its end with its dwell, if known."""

    owner: Ints
    at_us: Ints
    arrivals: Ints
    departures: Ints
    sessions: Ints
    dwelt: Ints
    dwell_us: Ints


@dataclass(frozen=True, slots=True)
class Usage(_Columns):
    """Sums by group and quarter, a row for each pair, in their order. Quarters count from 1970."""

    group: Ints
    quarter: Ints
    occupied_us: Ints
    unknown_us: Ints
    arrivals: Ints
    departures: Ints
    sessions: Ints
    dwelt: Ints
    dwell_us: Ints


SUMS = tuple(column.name for column in fields(Usage))[2:]


def spans(owner: Ints, start_us: Ints, end_us: Ints, *, weight: int | Ints, kind: int | Ints) -> Spans:
    """Spans of one weight and kind, or of a column of each."""
    count = len(owner)
    return Spans(owner, start_us, end_us, np.broadcast_to(weight, count), np.broadcast_to(kind, count))


def moments(
    owner: Ints, *, start_us: Ints, end_us: Ints, start_seen: Bools, end_seen: Bools, weight: Ints
) -> Moments:
    """The starts and the ends of stays. What was not seen is no arrival and no departure."""
    nothing = np.zeros(len(owner), dtype=np.int64)
    dwelt = (start_seen & end_seen) * weight
    starts = Moments(owner, start_us, start_seen * weight, nothing, nothing, nothing, nothing)
    ends = Moments(owner, end_us, nothing, end_seen * weight, weight, dwelt, dwelt * (end_us - start_us))
    return starts.then(ends)


def overlaps(runs: Spans, by: Ints, owner: Ints, from_us: Ints, until_us: Ints) -> Spans:
    """The times in which runs overlap with spells of an owner, to be taken off; `by` is whose each run is."""
    order = np.argsort(owner, kind="stable")
    low = np.searchsorted(owner, by, side="left", sorter=order)
    high = np.searchsorted(owner, by, side="right", sorter=order)
    count = high - low
    row = np.repeat(np.arange(len(runs)), count)
    spell = order[low[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)]
    start = np.maximum(runs.start_us[row], from_us[spell])
    end = np.minimum(runs.end_us[row], until_us[spell])
    found = Spans(runs.owner[row], start, end, -runs.weight[row], runs.kind[row])
    return found.take(end > start)


def usage(times: Spans, points: Moments) -> Usage:
    """What spans and moments amount to; their owners are groups.

    A span counts in each quarter for as long as it lay in it; a moment at the stroke of a quarter belongs to
    the quarter that begins.
    """
    first, last = times.start_us // QUARTER_US, (times.end_us - 1) // QUARTER_US
    parts = last - first + 1
    row = np.repeat(np.arange(len(times)), parts)
    quarter = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    inside = np.minimum(times.end_us[row], (quarter + 1) * QUARTER_US) - np.maximum(
        times.start_us[row], quarter * QUARTER_US
    )
    group = np.concatenate((times.owner[row], points.owner))
    quarter = np.concatenate((quarter, points.at_us // QUARTER_US))
    if not len(group):
        return Usage(*(np.zeros(0, dtype=np.int64) for _ in fields(Usage)))
    least = quarter.min()
    width = quarter.max() - least + 1
    pairs, place = np.unique(group * width + (quarter - least), return_inverse=True)

    def sums(values: Ints, where: Ints) -> Ints:
        found = np.zeros(len(pairs), dtype=np.int64)
        np.add.at(found, where, values)
        return found

    spent, kind = inside * times.weight[row], times.kind[row]
    of_span, of_point = place[: len(row)], place[len(row) :]
    found = Usage(
        pairs // width,
        pairs % width + least,
        *(sums(spent[kind == which], of_span[kind == which]) for which in (OCCUPIED_TIME, UNKNOWN_TIME)),
        *(sums(getattr(points, name), of_point) for name in SUMS[2:]),
    )
    return found.take(np.logical_or.reduce([getattr(found, name) != 0 for name in SUMS]))
