"""The rules that compare a bay with its neighbours: stuck occupied, stuck vacant, at odds with the others.

A neighbour is a bay of the same site and category, one of the `NEIGHBOURS` next to it in the order of the
ids, which follow the kerb. A device that is silent, faulty, flapping or new is no witness.
"""

from dataclasses import dataclass

import numpy as np

from parking.health.alone import is_flapping, is_learning, is_silent
from parking.health.model import (
    DAY_S,
    DAYS,
    OCCUPIED,
    VACANT,
    WEEK_H,
    Bays,
    Bools,
    Finding,
    Floats,
    Ints,
    Rule,
    Severity,
    rows,
)

NEIGHBOURS = 12
LEAST_NEIGHBOURS = 5
STUCK_CHANGES = 10.0
"""A bay is stuck that did not change while a little used neighbour (lower quartile) changed so often."""
STUCK_S = DAY_S
ODD_S = 3 * DAY_S
"""For how long a bay must have been watched before its share of time occupied is compared."""
ODD_SPREADS, LEAST_SPREAD, ODD_GAP = 4.0, 0.06, 0.4
"""At odds is a share so many spreads, and so much, from the neighbours' median."""
DEAF_DAYS, DEAF_CHANGES, DEAF_SHARE, DEAF_LESS = 3, 8.0, 0.35, 0.75
"""Deaf is a device that told less than this share of the changes of a little used neighbour in these days, if
that one had so many, and that was occupied for less than so much of its neighbours' time."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Of each bay's neighbours: how many there are, how busy a little used one was, how full they were.

    `changes` has a column a day, the last day first; `occupied` is the median share of time, `spread` its
    median deviation as a standard deviation.
    """

    count: Ints
    changes: Floats
    occupied: Floats
    spread: Floats


def stuck(bays: Bays, now: float, peers: Peers) -> list[Finding]:
    """The bay has not changed for so long that its neighbours' use, or its own before, makes it unlikely."""
    found = []
    expected = _expected(bays, now, peers)
    unchanged = now - bays.since
    is_stuck = _judged(bays, now) & (unchanged >= STUCK_S) & (expected >= STUCK_CHANGES)
    for row in rows(is_stuck & np.isin(bays.reported, (VACANT, OCCUPIED))):
        occupied = bays.reported[row] == OCCUPIED
        share = float(peers.occupied[row])
        wrong = 0.5 if np.isnan(share) else 1 - share if occupied else share
        found.append(
            bays.finding(
                row,
                Rule.STUCK_OCCUPIED if occupied else Rule.STUCK_VACANT,
                Severity.HIGH,
                since=float(bays.since[row]),
                lost_h=WEEK_H * wrong,
                reason=f"{'occupied' if occupied else 'vacant'} all the time, while its neighbours changed",
                evidence={"changes_expected": float(expected[row]), "neighbours": int(peers.count[row])},
            )
        )
    return found


def disagrees(bays: Bays, now: float, peers: Peers) -> list[Finding]:
    """The bay is occupied far more, or far less, of the time than its neighbours, or misses their bustle."""
    found = []
    share, watched = occupied_share(bays, now)
    gap = share - peers.occupied
    odd = np.abs(gap) > np.maximum(ODD_SPREADS * np.maximum(peers.spread, LEAST_SPREAD), ODD_GAP)
    busy = peers.changes[:, :DEAF_DAYS].sum(axis=1)
    few = bays.changes[:, :DEAF_DAYS].sum(axis=1) < DEAF_SHARE * busy
    deaf = (busy >= DEAF_CHANGES) & few & (share < DEAF_LESS * peers.occupied)
    for row in rows(_judged(bays, now) & (watched >= ODD_S) & (odd | deaf)):
        more = "more" if gap[row] > 0 else "less"
        found.append(
            bays.finding(
                row,
                Rule.DISAGREES,
                Severity.MEDIUM,
                since=now,
                lost_h=WEEK_H * abs(float(gap[row])),
                reason=f"occupied {more} of the time than the bays beside it, by far"
                if odd[row]
                else "tells far fewer changes than the bays beside it, and less time occupied",
                evidence={
                    "occupied_share": float(share[row]),
                    "neighbours_share": float(peers.occupied[row]),
                    "neighbours": int(peers.count[row]),
                },
            )
        )
    return found


def compare(bays: Bays, now: float) -> Peers:
    """What each bay's neighbours say."""
    witness = _judged(bays, now)
    share = np.where(witness, occupied_share(bays, now)[0], np.nan)
    changes = np.where(witness[:, None], bays.changes.astype(np.float64), np.nan)
    count = np.zeros(len(bays), dtype=np.int64)
    busy = np.full((len(bays), DAYS), np.nan)
    occupied, spread = np.full(len(bays), np.nan), np.full(len(bays), np.nan)
    for members in _groups(bays):
        beside = _beside(len(members))
        near = members[beside]
        count[members] = np.count_nonzero(np.isfinite(share[near]), axis=1)
        enough = count[members] >= LEAST_NEIGHBOURS
        if not enough.any():
            continue
        judged, near = members[enough], near[enough]
        busy[judged] = _quantile(changes[near], 0.25)
        occupied[judged] = _quantile(share[near], 0.5)
        spread[judged] = 1.4826 * _quantile(np.abs(share[near] - occupied[judged, None]), 0.5)
    return Peers(count, busy, occupied, spread)


def _quantile(values: Floats, share: float) -> Floats:
    """Over the second axis, without what is NaN; a hundred times as fast as numpy's own."""
    known = np.count_nonzero(np.isfinite(values), axis=1, keepdims=True)
    place = np.maximum(known - 1, 0) * share
    low = place.astype(np.int64)
    ordered = np.sort(values, axis=1)  # NaN comes last
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, np.minimum(low + 1, np.maximum(known - 1, 0)), axis=1)
    return np.asarray((below + (above - below) * (place - low)).squeeze(axis=1))


def occupied_share(bays: Bays, now: float) -> tuple[Floats, Floats]:
    """The share of the last days in which each bay was occupied, and how long it was watched (seconds)."""
    changed = np.isfinite(bays.first_at)
    begun = np.where(changed, bays.first_at, np.maximum(bays.since, now - DAYS * DAY_S))
    watched = np.maximum(now - begun, 0.0)
    occupied = np.where(changed, bays.occupied_s, watched * (bays.reported == OCCUPIED))
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Floats = np.where(watched > 0, occupied / watched, np.nan)
    return share, np.nan_to_num(watched)


def _judged(bays: Bays, now: float) -> Bools:
    """Which devices are to be judged by what they tell of their bays."""
    off = is_silent(bays, now) | is_learning(bays, now) | is_flapping(bays) | bays.fault
    return ~off & np.isfinite(bays.since)


def _expected(bays: Bays, now: float, peers: Peers) -> Floats:
    """The changes that each bay should have had since its last one.

    The neighbours' in the same days, so that a quiet weekend is one; beyond these days at their mean rate.
    The bay's own rate before, where it is known and lower, or where there are no neighbours.
    """
    unchanged = np.maximum(now - bays.since, 0.0) / DAY_S
    covered = np.clip(unchanged[:, None] - np.arange(DAYS), 0.0, 1.0)
    total = peers.changes.sum(axis=1)
    by_peers = (peers.changes * covered).sum(axis=1) + total / DAYS * np.maximum(unchanged - DAYS, 0.0)
    lived = (bays.since - bays.first_at) / DAY_S
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(lived >= ODD_S / DAY_S, bays.changes.sum(axis=1) / lived * unchanged, np.nan)
    expected: Floats = np.nan_to_num(np.fmin(by_peers, own))
    return expected


def _groups(bays: Bays) -> list[Ints]:
    """The rows of each site and category, in order of the bays' ids."""
    groups: dict[tuple[str, int], list[int]] = {}
    for row, key in enumerate(zip(bays.site, bays.category.tolist(), strict=True)):
        groups.setdefault(key, []).append(row)
    return [np.array(members, dtype=np.int64) for members in groups.values() if len(members) > 1]


def _beside(size: int) -> Ints:
    """For each place in a row of `size` the others nearest to it: `NEIGHBOURS`, or as many as there are."""
    most = min(NEIGHBOURS, size - 1)
    place = np.arange(size, dtype=np.int64)[:, None]
    first = np.clip(place - most // 2, 0, size - 1 - most)
    window = first + np.arange(most, dtype=np.int64)
    return window + (window >= place)
