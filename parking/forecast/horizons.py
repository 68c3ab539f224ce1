"""The horizons at which weights and errors are learned, and what lies between them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from parking.forecast.series import Floats, Ints

ANCHORS_S: Final = tuple(minutes * 60 for minutes in (5, 15, 30, 60, 120, 240, 480, 960, 1440))
"""Seconds ahead. Those for which a city's counts have no pairs stay unlearned and are passed over."""
LONGEST_S: Final = ANCHORS_S[-1]
_ENOUGH = 40
_SHARE = 0.05
"""An anchor is believed from so many samples on, and this share of the most that any anchor has."""


@dataclass(frozen=True, slots=True)
class Between:
    """For each sample the two anchors beside its horizon and the share of the upper one."""

    lower: Ints
    upper: Ints
    share: Floats

    def mix(self, table: Floats) -> Floats:
        """Values between the anchors, of a table [anchor, ...]."""
        return self.blend(table[self.lower], table[self.upper])

    def blend(self, low: Floats, high: Floats) -> Floats:
        """The same of values already picked at both anchors, [sample, ...]."""
        share = self.share.reshape(-1, *[1] * (low.ndim - 1))
        return np.asarray(low + (high - low) * share)


def between(horizon: Ints, samples_seen: Floats) -> Between | None:
    """Place horizons (seconds) among the anchors that have learned enough, on a logarithmic scale.

    Outside the learned anchors the nearest one stands. None if nothing is learned yet.
    """
    learned = np.flatnonzero(samples_seen >= max(_ENOUGH, _SHARE * float(samples_seen.max())))
    if not len(learned):
        return None
    scale = np.log(np.array(ANCHORS_S, dtype=np.float64))[learned]
    wanted = np.log(np.maximum(horizon, 1).astype(np.float64))
    place = np.interp(wanted, scale, np.arange(len(learned), dtype=np.float64))
    lower = np.floor(place).astype(np.int64)
    upper = np.minimum(lower + 1, len(learned) - 1)
    return Between(learned[lower], learned[upper], place - lower)
