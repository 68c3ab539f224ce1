"""Use of single bays, from stays, runs of unknown and silent spells themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parking.columns import Bools, Ints, moment
from parking.db.connect import Connection, statement
from parking.usage import OCCUPIED_TIME, UNKNOWN_TIME, Moments, Spans, moments, overlaps, spans


@dataclass(frozen=True, slots=True)
class Raw:
    """What bays did, their slots the owners: known times, and what happened when."""

    times: Spans
    points: Moments


@dataclass(frozen=True, slots=True)
class _Runs:
    slot: Ints
    start: Ints
    end: Ints
    kind: Ints
    start_seen: Bools
    end_seen: Bools


async def ended(connection: Connection, bays: Sequence[str], from_us: int, until_us: int) -> Raw:
    """What has ended of these bays, and reaches into a time or ends at its end; each bay once."""
    parameters: dict[str, Any] = {"bay_id": list(bays), "bays": list(bays)}
    parameters |= {"from_at": moment(from_us), "until_at": moment(until_us)}
    slots = {bay: slot for slot, bay in enumerate(bays)}
    cursor = await connection.execute(statement("reports", "runs"), parameters, binary=True)
    rows = [(slots[bay], *rest) for bay, *rest in await cursor.fetchall()]
    slot, start, end, kind, start_seen, end_seen = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    runs = _Runs(slot, start, end, kind, start_seen.astype(np.bool_), end_seen.astype(np.bool_))
    silent = await _silent(connection, slots, parameters)
    return Raw(_times(runs, silent), _points(runs))


async def _silent(connection: Connection, slots: dict[str, int], parameters: dict[str, Any]) -> Spans:
    cursor = await connection.execute(statement("reports", "spells"), parameters, binary=True)
    rows = [(slots[bay], start, end) for bay, start, end in await cursor.fetchall()]
    return _spells(rows)


def _spells(rows: Sequence[tuple[int, int, int]]) -> Spans:
    slot, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return spans(slot, start, end, weight=1, kind=UNKNOWN_TIME)


def _times(runs: _Runs, silent: Spans) -> Spans:
    told = spans(runs.slot, runs.start, runs.end, weight=1, kind=runs.kind)
    return told.then(silent, overlaps(told, told.owner, silent.owner, silent.start_us, silent.end_us))


def _points(runs: _Runs) -> Moments:
    stays = runs.kind == OCCUPIED_TIME
    return moments(
        runs.slot[stays],
        start_us=runs.start[stays],
        end_us=runs.end[stays],
        start_seen=runs.start_seen[stays],
        end_seen=runs.end_seen[stays],
        weight=np.ones(int(stays.sum()), dtype=np.int64),
    )


async def going_on(
    connection: Connection,
    *,
    sites: Sequence[str],
    bays: Sequence[str] | None,
    from_us: int,
    until_us: int,
    now_us: int,
) -> tuple[list[str], Raw]:
    """What has no end yet, or no beginning, of the bays of these sites: the bays concerned, and what they do.

    Silence that is over is taken off it; what that silence itself amounts to is no part of it.
    """
    parameters: dict[str, Any] = {"sites": list(sites), "bays": None if bays is None else list(bays)}
    parameters |= {"now": now_us, "from": from_us, "until": until_us}
    cursor = await connection.execute(statement("reports", "going_on"), parameters, binary=True)
    rows = await cursor.fetchall()
    names = sorted({row[0] for row in rows})
    slots = {bay: slot for slot, bay in enumerate(names)}
    told = [
        (slots[bay], start, end, kind, seen) for bay, kind, start, end, seen, _ in rows if kind != _SILENT
    ]
    quiet = [(slots[bay], start, end) for bay, kind, start, end, *_ in rows if kind == _SILENT]
    slot, start, end, kind, seen = np.array(told, dtype=np.int64).reshape(-1, 5).T
    runs, silent = spans(slot, start, end, weight=1, kind=kind), _spells(quiet)
    asked = sorted({bay for bay, _, _, _, _, spells in rows if spells})
    first = max(0, int(start.min())) if len(start) else 0
    within = {"bays": asked, "from_at": moment(first), "until_at": moment(min(until_us, now_us))}
    over = await _silent(connection, slots, within) if asked else _spells([])
    both = silent.then(over)
    times = runs.then(silent, overlaps(runs, runs.owner, both.owner, both.start_us, both.end_us))
    return names, Raw(times, _arrived(slot, start, (kind == OCCUPIED_TIME) & (seen != 0)))


_SILENT = 2


def _arrived(slot: Ints, start: Ints, arrived: Bools) -> Moments:
    """The arrivals of those who are still there."""
    nothing = np.zeros(int(arrived.sum()), dtype=np.int64)
    return Moments(slot[arrived], start[arrived], nothing + 1, *(nothing for _ in range(4)))
