"""How far what was published is from the truth: the figures of docs/accuracy.md, from columns of both."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.true_city import MAX_STAY_MIN, Stays

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LIMIT_S: Final = MAX_STAY_MIN * 60.0
VACANT, OCCUPIED, UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Samples:
    """What was published at regular times and what was true: a row for each time, a column for each site.

    `bay_states` and `bay_truth` have a column for each bay instead.
    """

    every_s: float
    capacity: Ints
    occupied: Ints
    unknown: Ints
    free_min: Ints
    free_max: Ints
    truth: Ints
    bay_states: Ints
    bay_truth: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Percent. `error` is of the capacity, the mean without a sign; `within` of the time the true number of
    free spaces lay within the published bounds; `promised` is by how much of the capacity `free_min` was too
    high on average.
    """

    error: float
    within: float
    promised: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bays:
    """Percent of the bays' time: `unknown`, and `wrong` (the other state). `longest_wrong_s` at a stretch."""

    unknown: float
    wrong: float
    longest_wrong_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Stays whose both ends were seen: how many more or fewer than there were (percent), and how far their
    mean dwell is from the true one. Overstays: how many there were and were found, and how many are right.
    """

    stays: float
    dwell_min: float
    dwell: float
    overstays: int
    found: int
    precision: float
    recall: float


def occupancy(seen: Samples) -> Occupancy:
    """Sites count by their capacity. Unknown bays are no part of what an occupancy is a share of."""
    known = seen.capacity - seen.unknown
    share = np.divide(seen.occupied, known, out=np.full(known.shape, np.nan), where=known > 0)
    off = np.abs(share - seen.truth / seen.capacity) * seen.capacity
    told = np.isfinite(off)
    spaces = np.broadcast_to(seen.capacity, off.shape)
    free = seen.capacity - seen.truth
    within = (seen.free_min <= free) & (free <= seen.free_max)
    return Occupancy(
        error=_percent(float(off[told].sum()), float(spaces[told].sum())),
        within=_percent(float((within * seen.capacity).sum()), float(spaces.sum())),
        promised=_percent(float(np.maximum(seen.free_min - free, 0).sum()), float(spaces.sum())),
    )


def bays(seen: Samples) -> Bays:
    """Bay by bay."""
    states, wrong = seen.bay_states, seen.bay_states == np.where(seen.bay_truth, VACANT, OCCUPIED)
    return Bays(
        unknown=100 * float((states == UNKNOWN).mean()),
        wrong=100 * float(wrong.mean()),
        longest_wrong_s=longest(wrong) * seen.every_s,
    )


def longest(marked: Bools) -> int:
    """The most rows in a row that any column has marked."""
    most = run = np.zeros(marked.shape[1], dtype=np.int64)
    for row in marked:
        run = np.where(row, run + 1, 0)
        most = np.maximum(most, run)
    return int(most.max(initial=0))


def use(told: Stays, true: Stays) -> Use:
    """What reports say of stays, against the truth."""
    seen, happened = _whole(told), _whole(true)
    dwell, should = _mean(seen), _mean(happened)
    found, over = told.over(LIMIT_S), true.over(LIMIT_S)
    return Use(
        stays=_percent(len(seen) - len(happened), len(happened)),
        dwell_min=(dwell - should) / 60,
        dwell=_percent(dwell - should, should),
        overstays=len(over.bay),
        found=len(found.bay),
        precision=_share_within(found, over),
        recall=_share_within(over, found),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _whole(stays: Stays) -> NDArray[np.float64]:
    lasted: NDArray[np.float64] = (stays.end - stays.begin)[stays.whole]
    return lasted


def _share_within(these: Stays, those: Stays) -> float:
    """The percent of these stays of which more than half is within one of those, in the same bay."""
    same = these.bay[:, None] == those.bay
    common = np.minimum(these.end[:, None], those.end) - np.maximum(these.begin[:, None], those.begin)
    most = np.where(same, common, 0.0).max(axis=1, initial=0.0)
    hits = most > (these.end - these.begin) / 2
    return 100 * float(hits.mean()) if len(hits) else 100.0


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0
