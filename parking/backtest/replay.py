"""The replay: lets the forecaster live through a history, and writes down what it and the baselines say.

The forecaster learns from a day only once it is over, and looks back from each origin only at what was known
then. The baselines, which are single numbers, are given the same kind of distribution from their own past
errors, so that they are not judged worse for having none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parking.backtest.baselines import BASELINES
from parking.backtest.points import Points, levels_of, points
from parking.backtest.reading import History
from parking.forecast.calendar import Calendar
from parking.forecast.calibration import LEVELS, Calibration
from parking.forecast.engine import Forecaster
from parking.forecast.horizons import ANCHORS_S, LONGEST_S, Between
from parking.forecast.samples import Samples
from parking.forecast.series import Floats, ForecastInputError, Ints

ENGINE = "forecast"
METHODS = (ENGINE, *BASELINES)
SHORTEST_S = 300

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The points, and for each: `numbers` [point, method] and `quantiles` [point, method, LEVELS] as levels.

    Quantiles are in single precision: there may be a hundred million of them.
    Filled for judged points only. Where `numbers` of the forecast is NaN it gave none.
    """

    points: Points
    numbers: Floats
    quantiles: NDArray[np.float32]


def replay(
    history: History,
    calendar: Calendar,
    *,
    horizons_s: Sequence[int],
    warm_up_days: int,
    progress: Progress = lambda done, whole: None,
) -> Replayed:
    """Forecast at every origin after the warm-up; `progress` is told how many days are done of how many."""
    for horizon in horizons_s:
        if not SHORTEST_S <= horizon <= LONGEST_S:
            raise ForecastInputError(
                f"horizon: {horizon // 60} minutes is not within {SHORTEST_S // 60}..{LONGEST_S // 60}"
            )
    days = np.unique(np.concatenate([calendar.place(series.times)[0] for series in history.counts]))
    start = calendar.start_of(int(days[0]) + warm_up_days)
    levels = [levels_of(site, series) for site, series in zip(history.sites, history.counts, strict=True)]
    made = points(levels, calendar, horizons_s=horizons_s, judged_from=start)
    numbers = np.full((len(made), len(METHODS)), np.nan)
    quantiles = np.full((len(made), len(METHODS), len(LEVELS)), np.nan, dtype=np.float32)
    numbers[:, 1:] = made.baselines
    forecaster = Forecaster(history.sites, calendar)
    dressed = _Dressed(made, calendar, sites=len(history.sites), horizons_s=horizons_s)
    for done, day in enumerate(days.tolist()):
        progress(done, len(days))
        forecaster.advance(day)
        dressed.learn_before(day)
        begin, end = calendar.start_of(day), calendar.start_of(day + 1)
        forecaster.observe([series.between(begin, end) for series in history.counts])
        rows = np.flatnonzero(made.judged & (made.origin_day == day))
        if len(rows):
            samples = Samples.of(
                calendar,
                site=made.site[rows],
                origin=made.origin[rows],
                value=made.value[rows],
                target=made.target[rows],
            )
            quantiles[rows, 0] = forecaster.predict(samples).levels
            quantiles[rows, 1:] = dressed.quantiles(rows)
    middle = int(np.flatnonzero(LEVELS == 0.5)[0])
    numbers[:, 0] = np.clip(quantiles[:, 0, middle], 0, 1)
    progress(len(days), len(days))
    return Replayed(made, numbers, quantiles)


class _Dressed:
    """The baselines with distributions of their own past errors."""

    def __init__(self, made: Points, calendar: Calendar, *, sites: int, horizons_s: Sequence[int]) -> None:
        self._points = made
        self._slot = calendar.place(made.target)[1]
        self._calibrations = [Calibration(sites) for _ in BASELINES]
        gaps = np.abs(np.array(horizons_s)[:, None] - np.array(ANCHORS_S)[None, :])
        self._anchor = gaps.argmin(axis=1)[made.horizon] if len(made) else made.horizon
        self._learned_to = -(10**9)

    def learn_before(self, day: int) -> None:
        """Learn from all targets up to the day before."""
        made = self._points
        rows = np.flatnonzero((made.target_day >= self._learned_to) & (made.target_day < day))
        self._learned_to = day
        for target_day in np.unique(made.target_day[rows]).tolist():
            that_day = rows[made.target_day[rows] == target_day]
            for anchor in np.unique(self._anchor[that_day]).tolist():
                self._learn(anchor, that_day[self._anchor[that_day] == anchor])

    def _learn(self, anchor: int, rows: Ints) -> None:
        made = self._points
        for number, calibration in enumerate(self._calibrations):
            said = made.baselines[rows, number]
            known = rows[~np.isnan(said)]
            if len(known):
                level = made.baselines[known, number]
                calibration.learn(
                    anchor,
                    site=made.site[known],
                    slot=self._slot[known],
                    level=level,
                    error=made.truth[known] - level,
                )

    def quantiles(self, rows: Ints) -> Floats:
        """Quantiles [row, baseline, LEVELS]."""
        made = self._points
        anchor = self._anchor[rows]
        place = Between(anchor, anchor, np.zeros(len(rows)))
        return np.stack(
            [
                calibration.quantiles(
                    place, site=made.site[rows], slot=self._slot[rows], level=made.baselines[rows, number]
                )
                for number, calibration in enumerate(self._calibrations)
            ],
            axis=1,
        )
