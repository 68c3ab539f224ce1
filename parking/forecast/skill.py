"""What has been learned: how to weigh the experts, how deviations carry over, and how wrong it all is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.forecast.blend import Blend
from parking.forecast.calibration import Calibration
from parking.forecast.correction import Correction
from parking.forecast.experts import LEARNED, Outlook, joined
from parking.forecast.horizons import ANCHORS_S, between
from parking.forecast.pairs import Pairs
from parking.forecast.samples import Samples
from parking.forecast.series import Bools, Floats, Ints

NORMAL = np.array(
    [-2.576, -1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645, 1.96, 2.576]
)
"""The normal distribution's quantiles at LEVELS, for where no errors have been seen yet."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Forecasts that could have been made beside what came. `mature` marks sites with a week of their own."""

    pairs: Pairs
    view: Outlook
    mature: Bools
    spread: Floats


class Skill:
    """Learned quantities for some sites, by anchor horizon."""

    def __init__(self, sites: int) -> None:
        self._correction = Correction()
        self._blend = Blend(sites)
        self._calibration = Calibration(sites)
        self._seen = np.zeros(len(ANCHORS_S))

    def quantiles(self, samples: Samples, view: Outlook, spread: Floats) -> Floats:
        """The level's quantiles [sample, probability]; NaN where nothing is usual. `spread` is by sample."""
        place = between(samples.horizon, self._seen)
        if place is None:
            level = (view.experts * self._blend.first_for(samples.horizon)).sum(axis=1)
            return np.asarray(level[:, None] + spread[:, None] * NORMAL)
        coefficients = place.mix(self._correction.coefficients)
        experts = self._corrected(view, coefficients, spread)
        weights = place.blend(
            self._blend.weights[samples.site, place.lower], self._blend.weights[samples.site, place.upper]
        )
        level = (experts * weights).sum(axis=1)
        return self._calibration.quantiles(place, site=samples.site, slot=samples.target_slot, level=level)

    def learn(self, lessons: Sequence[Lesson]) -> None:
        """Take in the lessons of a day. A city where all sites are young has nothing to teach yet."""
        if not any(lesson.mature.any() for lesson in lessons):
            return
        for anchor in range(len(ANCHORS_S)):
            chosen = [
                np.flatnonzero(~np.isnan(lesson.view.usual) & (lesson.pairs.anchor == anchor))
                for lesson in lessons
            ]
            if sum(len(rows) for rows in chosen):
                self._learn_anchor(anchor, lessons, chosen)

    def _learn_anchor(self, anchor: int, lessons: Sequence[Lesson], chosen: Sequence[Ints]) -> None:
        """First judge the forecast as it stood, then change what it is made of."""
        parts = list(zip(lessons, chosen, strict=True))
        site = np.concatenate([lesson.pairs.samples.site[rows] for lesson, rows in parts])
        slot = np.concatenate([lesson.pairs.samples.target_slot[rows] for lesson, rows in parts])
        truth = np.concatenate([lesson.pairs.truth[rows] for lesson, rows in parts])
        spread = np.concatenate([lesson.spread[rows] for lesson, rows in parts])
        mature = np.concatenate([lesson.mature[rows] for lesson, rows in parts])
        view = joined([lesson.view.where(rows) for lesson, rows in parts])
        experts = view.experts
        if self._seen[anchor]:
            experts = self._corrected(view, self._correction.coefficients[anchor], spread)
        level = (experts * self._blend.weights[site, anchor]).sum(axis=1)
        self._calibration.learn(anchor, site=site, slot=slot, level=level, error=truth - level)
        # What a usual curve of a few days gets wrong says little about one of weeks: weights wait for a week.
        if mature.any():
            errors = (experts - truth[:, None]) / spread[:, None]
            self._blend.learn(anchor, site[mature], errors[mature])
            deviation = (truth - view.usual) / spread
            self._correction.learn(anchor, view.features[mature], deviation[mature])
            self._seen[anchor] += int(mature.sum())

    @staticmethod
    def _corrected(view: Outlook, coefficients: Floats, spread: Floats) -> Floats:
        """The experts with the learned correction filled in."""
        experts = view.experts.copy()
        learned = view.usual + spread * (view.features * coefficients).sum(axis=1)
        experts[:, LEARNED] = np.clip(learned, 0, 1)
        return experts
