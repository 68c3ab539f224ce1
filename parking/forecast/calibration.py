"""How wrong the forecast is: a distribution around it, from its own errors of late.

Adaptive conformal prediction. An error is measured against what was to be expected for the site, the horizon,
the time of day and the level (a car park that is nearly full cannot be far out upwards); the shape of what
then remains is pooled over sites and weeks, and widened or narrowed for each site when too few or too many
errors fell inside the 80 % interval.
"""

from collections import deque

import numpy as np

from parking.forecast.calendar import DAY_S, SLOTS
from parking.forecast.horizons import ANCHORS_S, Between
from parking.forecast.series import Floats, Ints

LEVELS = np.array([0.005, 0.025, 0.05, *np.arange(0.1, 0.91, 0.1), 0.95, 0.975, 0.995])
"""The probabilities of the quantiles that are kept."""
_LOW, _HIGH = 0.1, 0.9
_HALF_LIFE_DAYS = 14.0
_DAYS = 28
"""Days of errors whose shape is kept."""
_TODS = 12
_EDGES = np.array([0.03, 0.12, 0.3, 0.7, 0.88, 0.97])
"""Where one band of levels ends and the next begins."""
_PRIOR = 25.0
"""Samples at which a site's own size of error counts half, and that of a band beside none."""
_LEAST = 1e-3
"""The least error that is expected anywhere, as a fraction of the capacity."""
_GAIN = 0.1
_WIDEST = 3.0
"""How far the promise may be mended, up or down."""
_SHAPE_PRIOR = 10.0
"""Independent spells of errors at which their shape counts as much as the first one."""
_FIRST_SHAPE = np.array([-4, -3, -2.4, -1.8, -1.1, -0.7, -0.3, 0, 0.3, 0.7, 1.1, 1.8, 2.4, 3, 4], dtype=float)


class Calibration:
    """Sizes of error by site, horizon, time of day and level, and the shape of what remains."""

    def __init__(self, sites: int) -> None:
        anchors = len(ANCHORS_S)
        self._site = _Means((sites, anchors))
        self._band = _Means((anchors, _TODS))
        self._height = _Means((anchors, len(_EDGES) + 1))
        self._whole = _Means((anchors,))
        self._recent: list[deque[Floats]] = [deque(maxlen=_DAYS) for _ in range(anchors)]
        self.shape = np.broadcast_to(_FIRST_SHAPE, (anchors, len(LEVELS))).copy()
        self._widen = np.ones((sites, anchors))

    def size(self, place: Between, *, site: Ints, slot: Floats, level: Floats) -> Floats:
        """The error to be expected of each sample, as a fraction of the capacity."""
        low, high = (self._size(anchor, site, slot, level) for anchor in (place.lower, place.upper))
        return place.blend(low, high)

    def quantiles(self, place: Between, *, site: Ints, slot: Floats, level: Floats) -> Floats:
        """Levels [sample, probability] at LEVELS; not yet held within the capacity."""
        widen = place.blend(self._widen[site, place.lower], self._widen[site, place.upper])
        size = self.size(place, site=site, slot=slot, level=level) * widen
        return level[:, None] + size[:, None] * place.mix(self.shape)

    def learn(self, anchor: int, *, site: Ints, slot: Floats, level: Floats, error: Floats) -> None:
        """Add a day's errors (truth less forecast, as fractions of the capacity)."""
        anchors = np.full(len(site), anchor)
        score = error / self._size(anchors, site, slot, level)
        if self._recent[anchor]:
            self._adapt(anchor, site, score)
        lively = self._base(anchors, site) > _LEAST
        if lively.any():  # a count that never moves says nothing about the others' errors
            self._recent[anchor].append(score[lively])
            self.shape[anchor] = self._shape(anchor)
        size = np.abs(error)
        base = self._base(anchors, site)
        self._whole.learn(anchor, np.zeros(len(site), dtype=np.int64), size)
        self._site.learn((slice(None), anchor), site, size)
        self._band.learn(anchor, _tod(slot), size / base)
        self._height.learn(anchor, _height(level), size / (base * self._band.ratio((anchors, _tod(slot)))))

    def _shape(self, anchor: int) -> Floats:
        """The quantiles of recent scores, looked up further out and leaning on the first shape while few.

        Errors of one day go together, the more so the longer the horizon, so days count and not samples.
        """
        independent = len(self._recent[anchor]) * DAY_S / ANCHORS_S[anchor]
        cautious = np.clip(0.5 + (LEVELS - 0.5) * (1 + 1 / independent), 0, 1)
        found = np.quantile(np.concatenate(self._recent[anchor]), cautious)
        return np.asarray((found * independent + _FIRST_SHAPE * _SHAPE_PRIOR) / (independent + _SHAPE_PRIOR))

    def _adapt(self, anchor: int, site: Ints, score: Floats) -> None:
        """Widen a site's margins if more of the day's errors than promised fell outside, else narrow them."""
        widen = self._widen[:, anchor]
        low, high = np.interp((_LOW, _HIGH), LEVELS, self.shape[anchor])
        missed = (score < low * widen[site]) | (score > high * widen[site])
        count = np.bincount(site, minlength=len(widen))
        share = np.bincount(site, missed, len(widen)) / np.maximum(count, 1)
        step = np.where(count > 0, _GAIN * (share - (1 - (_HIGH - _LOW))), 0)
        self._widen[:, anchor] = np.clip(widen * np.exp(step), 1 / _WIDEST, _WIDEST)

    def _base(self, anchor: Ints, site: Ints) -> Floats:
        """The size of a site's errors at an anchor, leaning on everybody's while it has few."""
        own, count = self._site.of((site, anchor))
        whole, seen = self._whole.of((anchor,))
        whole = np.where(seen > 0, whole, 0.1)
        return np.maximum((own * count + whole * _PRIOR) / (count + _PRIOR), _LEAST)

    def _size(self, anchor: Ints, site: Ints, slot: Floats, level: Floats) -> Floats:
        base = self._base(anchor, site)
        return base * self._band.ratio((anchor, _tod(slot))) * self._height.ratio((anchor, _height(level)))


class _Means:
    """Means that forget, and how many samples they rest on."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sum = np.zeros(shape)
        self._count = np.zeros(shape)

    def of(self, index: tuple[Ints, ...]) -> tuple[Floats, Floats]:
        """Means and counts at these places; a mean of nothing is 0."""
        count = self._count[index]
        return self._sum[index] / np.maximum(count, 1e-9), count

    def ratio(self, index: tuple[Ints, ...]) -> Floats:
        """Means that begin at one."""
        mean, count = self.of(index)
        return (mean * count + _PRIOR) / (count + _PRIOR)

    def learn(self, part: int | tuple[slice, int], place: Ints, values: Floats) -> None:
        """Add values at places of one part."""
        forget = 0.5 ** (1 / _HALF_LIFE_DAYS)
        total, count = np.atleast_1d(self._sum[part]), np.atleast_1d(self._count[part])
        length = len(total)
        self._sum[part] = (total * forget + np.bincount(place, values, length)).reshape(self._sum[part].shape)
        self._count[part] = (count * forget + np.bincount(place, minlength=length)).reshape(
            self._count[part].shape
        )


def _tod(slot: Floats) -> Ints:
    return np.minimum((slot * _TODS / SLOTS).astype(np.int64), _TODS - 1)


def _height(level: Floats) -> Ints:
    return np.searchsorted(_EDGES, level)
