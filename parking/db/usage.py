"""Keeps the roll-ups of use in step with stays, unknown runs and silence, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from parking.columns import Bools, Ints
from parking.db import binary
from parking.db.binary import text_value
from parking.db.connect import Connection, statement
from parking.usage import QUARTER_US, SUMS, Moments, Spans, Usage, usage

Group = tuple[str, str]
"""A site and a category of bays."""


class Owners(Protocol):
    """Bays by slot, their groups, and since when each has been of its group (NOTHING: always)."""

    @property
    def bays(self) -> Sequence[str]: ...
    @property
    def groups(self) -> Sequence[Group]: ...
    @property
    def group_of(self) -> Ints: ...
    @property
    def period_us(self) -> Ints: ...


@dataclass(frozen=True, slots=True)
class AnyBays:
    """Bays of which only the ids are known: their groups are looked up."""

    bays: Sequence[str]
    groups: Sequence[Group]
    group_of: Ints
    period_us: Ints


def any_bays(bays: Sequence[str]) -> AnyBays:
    """These bays, each once, in the order of their slots."""
    ever = np.full(len(bays), np.iinfo(np.int64).max)
    return AnyBays(bays, (), np.zeros(len(bays), dtype=np.int64), ever)


@dataclass(frozen=True, slots=True)
class EndedStays:
    """Ended stays as columns; `slot` is the bay's in the table of bays."""

    slot: Ints
    start_us: Ints
    end_us: Ints
    start_seen: Bools
    end_seen: Bools


@dataclass(frozen=True, slots=True)
class Periods:
    """When bays were of which group, as columns; `group` is an index of `groups`."""

    groups: list[Group]
    slot: Ints
    group: Ints
    from_us: Ints
    until_us: Ints


async def add_usage(connection: Connection, bays: Owners, times: Spans, points: Moments) -> None:
    """Add spans and moments of bays (their owners are slots) to the roll-ups by quarter and by day."""
    groups = list(bays.groups)
    asked = _ends(points)
    older, before = times.start_us < bays.period_us[times.owner], asked < bays.period_us[points.owner]
    now, here = times.take(~older), points.take(~before)
    found = [_owned(now, bays.group_of[now.owner])]
    told = [_moved(here, bays.group_of[here.owner])]
    if older.any() or before.any():
        slots = np.unique(np.concatenate((times.owner[older], points.owner[before])))
        periods = await load_periods(connection, bays, slots)
        groups = periods.groups
        found.append(by_period(times.take(older), periods)[0])
        told.append(points_by_period(points.take(before), periods)[0])
    sums = usage(found[0].then(*found[1:]), told[0].then(*told[1:]))
    await _store(connection, groups, sums)


def _ends(points: Moments) -> Ints:
    """By when each is booked on a group: what ends as its bay leaves the group was still of it."""
    at: Ints = points.at_us - (points.sessions != 0)
    return at


def _owned(times: Spans, group: Ints) -> Spans:
    return Spans(group, times.start_us, times.end_us, times.weight, times.kind)


def _moved(points: Moments, group: Ints) -> Moments:
    return Moments(group, points.at_us, *(getattr(points, name) for name in SUMS[2:]))


def by_period(times: Spans, periods: Periods) -> tuple[Spans, Ints]:
    """Spans cut where their bays changed groups, now owned by these, and the row of which each is a part.

    What lies in no period is left out.
    """
    row, period = _matching(times.owner, periods)
    start = np.maximum(times.start_us[row], periods.from_us[period])
    end = np.minimum(times.end_us[row], periods.until_us[period])
    cut = Spans(periods.group[period], start, end, times.weight[row], times.kind[row])
    return cut.take(end > start), row[end > start]


def points_by_period(points: Moments, periods: Periods) -> tuple[Moments, Ints]:
    """Moments owned by the groups of which their bays were then, and the row of each."""
    row, period = _matching(points.owner, periods)
    at = _ends(points)[row]
    inside = (periods.from_us[period] <= at) & (at < periods.until_us[period])
    return _moved(points.take(row[inside]), periods.group[period][inside]), row[inside]


def _matching(slots: Ints, periods: Periods) -> tuple[Ints, Ints]:
    """Each row with each period of its bay. Periods are in the order of their slots."""
    low = np.searchsorted(periods.slot, slots, side="left")
    count = np.searchsorted(periods.slot, slots, side="right") - low
    row = np.repeat(np.arange(len(slots)), count)
    return row, low[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


async def load_periods(connection: Connection, bays: Owners, slots: Ints) -> Periods:
    """The periods of these bays, slots ascending, and the known groups with those added that are new."""
    names = {bays.bays[slot]: slot for slot in slots.tolist()}
    known = {group: number for number, group in enumerate(bays.groups)}
    cursor = await connection.execute(statement("usage", "periods"), {"bays": list(names)})
    rows = sorted(
        (names[bay], known.setdefault((site, category), len(known)), start, end)
        for bay, site, category, start, end in await cursor.fetchall()
    )
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Periods(list(known), *columns)


async def _store(connection: Connection, groups: Sequence[Group], sums: Usage) -> None:
    """Add the sums to both roll-ups, in key order."""
    if not len(sums):
        return
    rank = np.empty(len(groups), dtype=np.int64)
    rank[sorted(range(len(groups)), key=groups.__getitem__)] = np.arange(len(groups))
    if (np.diff(rank) < 0).any():  # groups of the past come last
        sums = sums.take(np.lexsort((sums.quarter, rank[sums.group])))
    pairs = [groups[number] for number in sums.group.tolist()]
    parameters = {
        "site_id": binary.text_column([text_value(site) for site, _ in pairs]),
        "category": binary.text_column([text_value(category) for _, category in pairs]),
        "quarter_at": binary.time_column(sums.quarter * QUARTER_US),
        **{name: binary.int8_column(getattr(sums, name)) for name in SUMS},
    }
    await connection.execute(statement("usage", "add_quarters"), parameters)
    await connection.execute(statement("usage", "add_days"), parameters)
