"""The blend: weights of the experts, none negative and in sum one, that would have been best of late.

For each site and anchor horizon. A site's own past counts beside everybody's, so that a site with ways of its
own gets its own weights and a young one those of the others. With such weights the blend is never outside
what its experts say.
"""

import numpy as np

from parking.forecast.experts import CHANGES, EXPERTS, LEVELS_THEN, SHIFTED, USUAL
from parking.forecast.horizons import ANCHORS_S
from parking.forecast.series import Floats, Ints

_HALF_LIFE_DAYS = 20.0
_OWN_SHARE = 2.0
"""How much a site's own errors count beside the mean of all sites'."""
_SMALLEST = 0.15
"""Errors below this many spreads weigh no more than it."""
_PRIOR_DAYS = 1.0
"""The first weights count as much as so many ordinary days of the best expert's errors."""
_CARRY_S = 8 * 3600
"""How long the latest count carries, for the first weights: after it changes give way to levels."""
_STEPS = 100


class Blend:
    """Weights [site, anchor, expert]; `first` [anchor, expert] are those without any experience."""

    def __init__(self, sites: int) -> None:
        shape = (sites, len(ANCHORS_S), len(EXPERTS))
        self.first = _first()
        self.weights = np.broadcast_to(self.first, shape).copy()
        self._products = np.zeros((*shape, len(EXPERTS)))
        self._days = np.zeros(len(ANCHORS_S))

    def first_for(self, horizon: Ints) -> Floats:
        """The first weights [sample, expert] at these horizons (seconds)."""
        nearest = np.abs(horizon[:, None] - np.array(ANCHORS_S)[None, :]).argmin(axis=1)
        return np.asarray(self.first[nearest])

    def learn(self, anchor: int, site: Ints, errors: Floats) -> None:
        """Add a day's `errors` [sample, expert], in spreads."""
        blended = np.abs((errors * self.weights[site, anchor]).sum(axis=1))
        scaled = errors / np.sqrt(np.maximum(blended, _SMALLEST))[:, None]
        products = self._products[:, anchor]
        forget = 0.5 ** (1 / _HALF_LIFE_DAYS)
        products *= forget
        self._days[anchor] = self._days[anchor] * forget + 1
        for one in np.unique(site):
            mine = scaled[site == one]
            products[one] += mine.T @ mine
        whole = products.mean(axis=0) + _OWN_SHARE * products
        typical = np.diagonal(whole, axis1=-2, axis2=-1).min(axis=-1)[:, None] / self._days[anchor]
        pull = _PRIOR_DAYS * typical * self.first[anchor]
        held = whole + (_PRIOR_DAYS * typical)[..., None] * np.eye(len(EXPERTS))
        self.weights[:, anchor] = _best(held, pull, self.weights[:, anchor])


def _first() -> Floats:
    """Weights from reasoning: soon what is now changes as on other days, later it is as on other days."""
    carry = np.exp(-np.array(ANCHORS_S) / _CARRY_S)[:, None]
    soon, later = np.zeros((2, len(EXPERTS)))
    soon[SHIFTED], soon[CHANGES] = 0.3, [0.35, 0.35, 0.0]
    later[USUAL], later[SHIFTED], later[LEVELS_THEN] = 0.3, 0.1, [0.3, 0.3, 0.0]
    return np.asarray(carry * soon + (1 - carry) * later)


def _best(products: Floats, pull: Floats, weights: Floats) -> Floats:
    """The weights on the simplex with the least squared error: accelerated projected gradient, batched."""
    step = 1 / (np.linalg.norm(products, ord=2, axis=(-2, -1))[..., None] + 1e-12)
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        uphill = np.einsum("...ij,...j->...i", products, ahead) - pull
        moved = _onto_simplex(ahead - step * uphill)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - weights)
        weights, momentum = moved, following
    return weights


def _onto_simplex(points: Floats) -> Floats:
    """The nearest points with no negative part and sum one."""
    ordered = -np.sort(-points, axis=-1)
    excess = np.cumsum(ordered, axis=-1) - 1
    rank = np.arange(1, points.shape[-1] + 1)
    last = (ordered - excess / rank > 0).sum(axis=-1, keepdims=True) - 1
    shift = np.take_along_axis(excess, last, axis=-1) / (last + 1)
    return np.asarray(np.maximum(points - shift, 0))
