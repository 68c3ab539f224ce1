"""The points on which everything is judged: an origin, a horizon, and the count that came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.backtest.baselines import BASELINES, baselines
from parking.forecast.calendar import Calendar
from parking.forecast.pairs import nearest, thinned, tolerance
from parking.forecast.series import Bools, Floats, Ints, Series, Site

APART_S = 15 * 60
"""Origins of one site are at least this far apart; more would say the same again."""


@dataclass(frozen=True, slots=True)
class Points:
    """Columns; `horizon` is an index. Levels and `baselines` [point, baseline] are fractions of the capacity.

    `judged` marks those after the warm-up on which every baseline has something to say.
    """

    site: Ints
    horizon: Ints
    origin: Ints
    value: Floats
    target: Ints
    truth: Floats
    baselines: Floats
    origin_day: Ints
    target_day: Ints
    judged: Bools

    def __len__(self) -> int:
        return len(self.site)


def levels_of(site: Site, counts: Series) -> Series:
    """Counts as fractions of the capacity; over the capacity is full."""
    return Series(counts.times, np.clip(counts.occupied / site.capacity, 0.0, 1.0))


def points(
    levels: Sequence[Series], calendar: Calendar, *, horizons_s: Sequence[int], judged_from: int
) -> Points:
    """Every point at which a target lies near enough. Those with origins before `judged_from` only teach."""
    columns: list[list[Ints | Floats]] = [[] for _ in range(7)]
    for site, series in enumerate(levels):
        if len(series.times) < 2:
            continue
        every = thinned(series.times, apart=APART_S)
        for number, horizon in enumerate(horizons_s):
            found, near = nearest(series.times, series.times[every] + horizon, within=tolerance(horizon))
            keep = near & (found > every)
            origin, target = every[keep], series.times[found[keep]]
            parts = (
                np.full(len(origin), site),
                np.full(len(origin), number),
                series.times[origin],
                series.occupied[origin],
                target,
                series.occupied[found[keep]],
                baselines(series, calendar, origin=origin, target=target),
            )
            for column, part in zip(columns, parts, strict=True):
                column.append(part)
    if not columns[0]:
        return _no_points()
    site_, number_, origin_, value, target_, truth, base = (np.concatenate(column) for column in columns)
    origins = origin_.astype(np.int64)
    targets = target_.astype(np.int64)
    judged = (origins >= judged_from) & ~np.isnan(base).any(axis=1)
    return Points(
        site_.astype(np.int64),
        number_.astype(np.int64),
        origins,
        value.astype(np.float64),
        targets,
        truth.astype(np.float64),
        base.astype(np.float64),
        calendar.place(origins)[0],
        calendar.place(targets)[0],
        judged,
    )


def _no_points() -> Points:
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    empty = np.zeros((0, len(BASELINES)))
    return Points(none, none, none, nothing, none, nothing, empty, none, none, none.astype(np.bool_))
