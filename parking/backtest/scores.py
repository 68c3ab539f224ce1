"""How good forecasts were: error, sharpness, coverage and the truth of a stated chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.backtest.replay import ENGINE, METHODS, Replayed
from parking.forecast.calibration import LEVELS
from parking.forecast.forecast import probability_below
from parking.forecast.series import Floats, Ints, Site

LOW, HIGH = 0.1, 0.9
FREE_SHARE = 0.05
"""The event of the Brier score: at least this share of the capacity is free."""
_DECILES = np.flatnonzero((LEVELS > 0.09) & (LEVELS < 0.91))


@dataclass(frozen=True, slots=True)
class Score:
    """One method's figures; `mae`, `pinball` and `width` in percent of the capacity.

    `pinball` is the mean over the nine deciles, `coverage` the share of truths within the 80 % interval and
    `width` that interval's mean, `brier` of "at least 5 % of the spaces are free".
    """

    method: str
    mae: float
    pinball: float
    coverage: float
    width: float
    brier: float


@dataclass(frozen=True, slots=True)
class Card:
    """The scores of all methods on the same `n` points of one horizon, of a site or overall (`site` None)."""

    horizon_s: int
    site: str | None
    n: int
    scores: tuple[Score, ...]

    @property
    def best_baseline(self) -> Score:
        """The baseline with the lowest mean absolute error."""
        return min((one for one in self.scores if one.method != ENGINE), key=lambda one: one.mae)

    @property
    def engine(self) -> Score:
        """The forecast's own figures."""
        return next(one for one in self.scores if one.method == ENGINE)

    @property
    def gain(self) -> float:
        """By which share the forecast's mean absolute error is below the best baseline's."""
        best = self.best_baseline.mae
        return 1 - self.engine.mae / best if best else 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """All cards, and by horizon: points left out for want of a baseline, and those without a number."""

    overall: tuple[Card, ...]
    by_site: tuple[Card, ...]
    no_baseline: tuple[int, ...]
    no_number: tuple[int, ...]


def results(
    replayed: Replayed, sites: Sequence[Site], *, horizons_s: Sequence[int], judged_from: int
) -> Results:
    """Score every method on the points at which all of them, the forecast too, gave a number."""
    made = replayed.points
    numbered = made.judged & ~np.isnan(replayed.numbers[:, 0])
    overall, by_site, no_baseline, no_number = [], [], [], []
    for number, horizon in enumerate(horizons_s):
        mine = made.horizon == number
        rows = np.flatnonzero(numbered & mine)
        no_baseline.append(int((mine & ~made.judged & (made.origin >= judged_from)).sum()))
        no_number.append(int((mine & made.judged & ~numbered).sum()))
        figures = _figures(replayed, rows)
        overall.append(_card(horizon, None, figures))
        for index, site in enumerate(sites):
            own = np.flatnonzero(made.site[rows] == index)
            if len(own):
                by_site.append(_card(horizon, site.id, figures[own]))
    return Results(tuple(overall), tuple(by_site), tuple(no_baseline), tuple(no_number))


def _figures(replayed: Replayed, rows: Ints) -> Floats:
    """For each point and method the five quantities whose means are the score [point, method, 5]."""
    truth = replayed.points.truth[rows]
    found = np.zeros((len(rows), len(METHODS), 5))
    for number in range(len(METHODS)):
        raw = replayed.quantiles[rows, number].astype(np.float64)
        held = np.clip(raw, 0, 1)
        low, high = held[:, LEVELS == LOW][:, 0], held[:, np.isclose(LEVELS, HIGH)][:, 0]
        behind = truth[:, None] - held[:, _DECILES]
        loss = np.maximum(LEVELS[_DECILES] * behind, (LEVELS[_DECILES] - 1) * behind)
        chance = probability_below(raw, np.full(len(rows), 1 - FREE_SHARE))
        enough = truth <= 1 - FREE_SHARE + 1e-9
        found[:, number, 0] = 100 * np.abs(replayed.numbers[rows, number] - truth)
        found[:, number, 1] = 100 * loss.mean(axis=1)
        found[:, number, 2] = (truth >= low - 1e-9) & (truth <= high + 1e-9)
        found[:, number, 3] = 100 * (high - low)
        found[:, number, 4] = (chance - enough) ** 2
    return found


def _card(horizon: int, site: str | None, figures: Floats) -> Card:
    means = figures.mean(axis=0) if len(figures) else np.full(figures.shape[1:], np.nan)
    scores = tuple(
        Score(method, *(float(value) for value in row)) for method, row in zip(METHODS, means, strict=True)
    )
    return Card(horizon, site, len(figures), scores)
