"""The faults of life: how often each happens, and which sensors have which."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

_STREAM = 30
ONSET_S = 60.0
"""Faults of sensors begin at a random time in the first so many wall seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Rates, all 0 by default.

    For each message: `duplicate` (delivered twice), `late` (held up for seconds to minutes), `lost` (never
    reaches the broker). For each passage of a gate: `misread` (characters confused), `missed` (no camera saw
    it), `double` (read again as another vehicle). Share of the sensors: `stuck` (says the same for ever),
    `flapping` (adds changes that did not happen), `silent` (dies). `reboot`: starts of each sensor in an hour
    of wall time.
    """

    duplicate: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    misread: float = 0.0
    missed: float = 0.0
    double: float = 0.0
    stuck: float = 0.0
    flapping: float = 0.0
    silent: float = 0.0
    reboot: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if not rate >= 0 or (field.name != "reboot" and rate > 1):
                raise ValueError(f"{field.name} is a rate from 0 to 1, not {rate}")


@dataclass(frozen=True, slots=True)
class SensorFaults:
    """When each sensor's fault begins, wall seconds from the start; infinity where it never does."""

    stuck: NDArray[np.float64]
    flapping: NDArray[np.float64]
    silent: NDArray[np.float64]

    @property
    def unfaithful(self) -> NDArray[np.bool_]:
        """The sensors whose word is, or will be, not the truth about their bay."""
        return np.isfinite(self.stuck) | np.isfinite(self.flapping) | np.isfinite(self.silent)


def draw_sensor_faults(faults: Faults, *, seed: int, bays: int, after_s: float) -> SensorFaults:
    """Choose the faulty sensors; no fault begins before `after_s`."""
    rng = np.random.default_rng([seed, _STREAM])

    def onset(rate: float) -> NDArray[np.float64]:
        begins = after_s + rng.uniform(0, ONSET_S, bays)
        return np.where(rng.random(bays) < rate, begins, np.inf)

    return SensorFaults(onset(faults.stuck), onset(faults.flapping), onset(faults.silent))
