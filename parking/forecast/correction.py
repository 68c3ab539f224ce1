"""The learned correction: how today's deviations carry over to later, by recursive ridge regression.

One set of coefficients for each anchor horizon, shared by all sites, in spreads. Large errors count by their
size, not their square (reweighted least squares), so that one wild day does not rule.
"""

import numpy as np

from parking.forecast.experts import FEATURES
from parking.forecast.horizons import ANCHORS_S
from parking.forecast.series import Floats

_HALF_LIFE_DAYS = 40.0
_PRIOR_DAYS = 0.1
"""The ridge weighs as much as this part of an ordinary day: sparse and dense counts are treated alike."""
_TYPICAL_GAIN = 0.1
_SMALLEST = 0.2
"""Errors below this share of the typical one weigh no more than it."""


class Correction:
    """Coefficients [anchor, feature] and the sums they come from."""

    def __init__(self) -> None:
        anchors = len(ANCHORS_S)
        self.coefficients = np.zeros((anchors, FEATURES))
        self._matrix = np.zeros((anchors, FEATURES, FEATURES))
        self._vector = np.zeros((anchors, FEATURES))
        self._days = np.zeros(anchors)
        self._typical = np.zeros(anchors)

    def learn(self, anchor: int, features: Floats, truth: Floats) -> None:
        """Add a day's samples: `truth` is how far the level was from the usual, in spreads."""
        forget = 0.5 ** (1 / _HALF_LIFE_DAYS)
        error = np.abs(truth - features @ self.coefficients[anchor])
        weight = 1 / np.maximum(error / self._typical_error(anchor, error), _SMALLEST)
        weighted = features * weight[:, None]
        self._matrix[anchor] = self._matrix[anchor] * forget + weighted.T @ features
        self._vector[anchor] = self._vector[anchor] * forget + weighted.T @ truth
        self._days[anchor] = self._days[anchor] * forget + 1
        matrix = self._matrix[anchor]
        ridge = _PRIOR_DAYS * np.trace(matrix) / FEATURES / self._days[anchor] + 1e-9
        self.coefficients[anchor] = np.linalg.solve(matrix + ridge * np.eye(FEATURES), self._vector[anchor])

    def _typical_error(self, anchor: int, error: Floats) -> float:
        """The typical error of late, this day's included: against it a wild day is wild."""
        today = float(np.median(error)) + 1e-6
        before = self._typical[anchor]
        self._typical[anchor] = before + (today - before) * _TYPICAL_GAIN if before else today
        return float(self._typical[anchor])
