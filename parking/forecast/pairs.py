"""Pairs of counts, one some time after the other: what the forecast is taught by, and judged on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.forecast.calendar import Calendar
from parking.forecast.horizons import ANCHORS_S
from parking.forecast.samples import Samples
from parking.forecast.series import Bools, Floats, Ints, Series

TOLERANCE_S = 15 * 60
"""How far a target may lie from origin + horizon, but never further than half the horizon."""
_ORIGINS_APART_S = 20 * 60
"""Origins to learn from are at least this far apart: denser ones teach the same again."""
_ENOUGH = 1000
"""Origins in a day from which on only a part is learned from, so that a large city learns as fast."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Samples with the anchor whose horizon they are of, and the level that came."""

    samples: Samples
    anchor: Ints
    truth: Floats

    def where(self, keep: Ints) -> "Pairs":
        """The rows with these numbers."""
        return Pairs(self.samples.where(keep), self.anchor[keep], self.truth[keep])


def tolerance(horizon_s: int) -> int:
    """How far from origin + horizon a target may lie, in seconds."""
    return min(TOLERANCE_S, horizon_s // 2)


def nearest(times: Ints, wanted: Ints, *, within: int) -> tuple[Ints, Bools]:
    """The index of the count nearest to each wanted time (the earlier of two), and whether it is near."""
    after = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    index = np.where(np.abs(times[before] - wanted) <= np.abs(times[after] - wanted), before, after)
    return index, np.abs(times[index] - wanted) <= within


def pairs(counts: Sequence[Series], calendar: Calendar, *, origin_day: int, target_day: int) -> Pairs:
    """Every pair from one local day into another (or the same), at every anchor. Counts here are levels."""
    start, end = calendar.start_of(origin_day), calendar.start_of(origin_day + 1)
    first, last = calendar.start_of(target_day), calendar.start_of(target_day + 1)
    origins = _origins(counts, start=start, end=end, day=origin_day)
    columns: list[list[Floats | Ints]] = [[] for _ in range(6)]
    for site, series in enumerate(counts):
        if not len(series.times):
            continue
        inside = origins[site]
        for anchor, horizon in enumerate(ANCHORS_S):
            found, near = nearest(series.times, series.times[inside] + horizon, within=tolerance(horizon))
            aim = series.times[found]
            keep = near & (found > inside) & (aim >= first) & (aim < last)
            origin, target = inside[keep], found[keep]
            values = (
                np.full(len(origin), site),
                series.times[origin],
                series.occupied[origin],
                series.times[target],
                np.full(len(origin), anchor),
                series.occupied[target],
            )
            for column, part in zip(columns, values, strict=True):
                column.append(part)
    site_, origin_, value, target_, anchor_, truth = (_joined(column) for column in columns)
    samples = Samples.of(
        calendar,
        site=site_.astype(np.int64),
        origin=origin_.astype(np.int64),
        value=value,
        target=target_.astype(np.int64),
    )
    return Pairs(samples, anchor_.astype(np.int64), truth)


def _origins(counts: Sequence[Series], *, start: int, end: int, day: int) -> list[Ints]:
    """The indices of each site's counts to start from; another part of them every day if there are many."""
    found = []
    for series in counts:
        inside = np.flatnonzero((series.times >= start) & (series.times < end))
        found.append(inside[thinned(series.times[inside], apart=_ORIGINS_APART_S)])
    every = -(-sum(len(inside) for inside in found) // _ENOUGH)
    if every <= 1:
        return found
    return [inside[(np.arange(len(inside)) + site + day) % every == 0] for site, inside in enumerate(found)]


def _joined(parts: Sequence[Floats | Ints]) -> Floats:
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def thinned(times: Ints, *, apart: int) -> Ints:
    """The indices of times so thinned that each is `apart` seconds or more from the one before."""
    kept: list[int] = []
    last = None
    for index, time in enumerate(times.tolist()):
        if last is None or time - last >= apart:
            kept.append(index)
            last = time
    return np.array(kept, dtype=np.int64)
