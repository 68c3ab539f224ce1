"""What is told of one site: a row of numbers for each moment ahead, and the sentence that goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.forecast.calibration import LEVELS
from parking.forecast.forecast import Basis, Forecast
from parking.forecast.series import Bools, Floats

MINUTES = (
    *(5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 480, 600, 720, 840, 960, 1080),
    *(1200, 1320, 1440),
)
"""How far ahead a site is foretold; between these, readers draw the line."""
TOLD = MINUTES.index(30)
"""The moment whose reason stands for all: half an hour ahead, when most who look would arrive."""
_LOW, _MEDIAN, _HIGH = (int(np.abs(LEVELS - level).argmin()) for level in (0.1, 0.5, 0.9))


@dataclass(frozen=True, slots=True)
class Points:
    """Free spaces at so many minutes ahead: median, 80 % interval, chance of at least one. Columns."""

    minutes: Sequence[int]
    free: Floats
    low: Floats
    high: Floats
    chance: Floats

    def closed(self, moments: Bools) -> "Points":
        """The same with none free at the moments that are marked."""
        held = (np.where(moments, 0.0, column) for column in (self.free, self.low, self.high, self.chance))
        return Points(self.minutes, *held)


@dataclass(frozen=True, slots=True)
class Summary:
    """What is told of one site. Moments of which nothing can be said are left out of the points."""

    site: str
    capacity: int
    basis: Basis
    why: str
    points: Points


def summary(forecasts: Sequence[Forecast], *, closed: Bools) -> Summary:
    """Put one site's forecasts, one for each of MINUTES, into a summary; in `closed` moments none is free."""
    first, told = forecasts[0], forecasts[TOLD]
    shut = closed | np.array([one.basis is Basis.CLOSED for one in forecasts])
    said = np.array([one.levels is not None for one in forecasts])
    free = np.zeros((4, len(forecasts)))
    open_ = np.flatnonzero(said & ~shut)
    if len(open_):
        levels = np.array([forecasts[row].levels for row in open_.tolist()])
        free[:, open_] = _numbers(levels, first.capacity)
    kept = np.flatnonzero(said | shut)
    points = Points([MINUTES[row] for row in kept.tolist()], *free[:, kept])
    basis = Basis.CLOSED if shut[TOLD] else told.basis
    return Summary(first.site, first.capacity, basis, told.reason.sentence(basis), points)


def _numbers(levels: Floats, capacity: int) -> Floats:
    """Median, low and high of the free spaces, and the chance of one, from rows of the level's quantiles."""
    held = np.clip(levels[:, [_MEDIAN, _HIGH, _LOW]], 0, 1)
    return np.concatenate((capacity * (1 - held.T), [_chance(levels, (capacity - 0.5) / capacity)]))


def _chance(levels: Floats, limit: float) -> Floats:
    """How likely the level is at most `limit`: `forecast.probability_below` for many rows at once."""
    first = 2 * levels[:, :1] - levels[:, 1:2]
    last = 2 * levels[:, -1:] - levels[:, -2:-1]
    places = np.concatenate((first, levels, last), axis=1)
    chances = np.concatenate(([0.0], LEVELS, [1.0]))
    after = (places <= limit).sum(axis=1)
    inner = np.clip(after, 1, len(chances) - 1)
    row = np.arange(len(levels))
    before, beyond = places[row, inner - 1], places[row, inner]
    share = np.clip((limit - before) / np.maximum(beyond - before, 1e-12), 0, 1)
    found = chances[inner - 1] + (chances[inner] - chances[inner - 1]) * share
    return np.where(after == 0, 0.0, np.where(after == len(chances), 1.0, found))
