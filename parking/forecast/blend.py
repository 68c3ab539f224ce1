"""The blend: weights of the experts, none negative and in sum one, that would have been best of late.

For each site and anchor horizon. A site's own past counts beside everybody's, so that a site with ways of its
own gets its own weights and a young one those of the others. With such weights the blend is never outside
what its experts say.
"""

import numpy as np

from parking.forecast.experts import EXPERTS, LIKE_DAYS, SHIFTED, USUAL
from parking.forecast.horizons import ANCHORS_S
from parking.forecast.series import Floats, Ints

_HALF_LIFE_DAYS = 20.0
_OWN_SHARE = 0.3
"""How much a site's own errors count beside the mean of all sites'."""
_SMALLEST = 0.15
"""Errors below this many spreads weigh no more than it."""
_STEPS = 100


class Blend:
    """Weights [site, anchor, expert]; at first the plain experts alike."""

    def __init__(self, sites: int) -> None:
        shape = (sites, len(ANCHORS_S), len(EXPERTS))
        first = np.zeros(len(EXPERTS))
        first[[USUAL, SHIFTED]] = 0.25
        first[LIKE_DAYS] = 0.5 / len(range(*LIKE_DAYS.indices(len(EXPERTS))))
        self.first = first
        self.weights = np.broadcast_to(first, shape).copy()
        self._products = np.zeros((*shape, len(EXPERTS)))

    def learn(self, anchor: int, site: Ints, errors: Floats) -> None:
        """Add a day's `errors` [sample, expert], in spreads."""
        blended = np.abs((errors * self.weights[site, anchor]).sum(axis=1))
        scaled = errors / np.sqrt(np.maximum(blended, _SMALLEST))[:, None]
        products = self._products[:, anchor]
        products *= 0.5 ** (1 / _HALF_LIFE_DAYS)
        for one in np.unique(site):
            mine = scaled[site == one]
            products[one] += mine.T @ mine
        whole = products.mean(axis=0) + _OWN_SHARE * products
        self.weights[:, anchor] = _best(whole, self.weights[:, anchor])


def _best(products: Floats, weights: Floats) -> Floats:
    """The weights on the simplex with the least squared error: accelerated projected gradient, batched."""
    step = 1 / (np.linalg.norm(products, ord=2, axis=(-2, -1))[..., None] + 1e-12)
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        moved = _onto_simplex(ahead - step * np.einsum("...ij,...j->...i", products, ahead))
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
