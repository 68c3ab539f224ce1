"""A forecast: how many spaces will be free, how sure that is, and why, in a sentence."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from parking.forecast.calibration import LEVELS
from parking.forecast.series import Floats, ForecastInputError


class Basis(StrEnum):
    """What a forecast rests on."""

    HISTORY = "history"
    SIMILAR = "similar_sites"
    LITTLE = "little_history"
    USUAL = "usual"
    CURRENT = "current_count"
    CLOSED = "closed"
    NOTHING = "nothing"


_WORDS = {
    Basis.HISTORY: "",
    Basis.SIMILAR: " This place has less than a week of its own counts, so others like it were used.",
    Basis.LITTLE: " There is less than a week of counts of this place.",
    Basis.USUAL: " There is no count of today to go by.",
    Basis.CURRENT: "No counts of other days at this hour: only the latest count, with a wide margin.",
    Basis.CLOSED: "Closed at that time.",
    Basis.NOTHING: "No forecast: there are no counts of this place at this hour, and none of late.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: what is usual then, how today differs (free spaces, + is more), the past day most like today."""

    when: str
    usual_free: float | None = None
    today_more: float | None = None
    like: date | None = None

    def sentence(self, basis: Basis) -> str:
        """The reason in words for a driver or a manager."""
        if self.usual_free is None:
            return _WORDS[basis].strip()
        said = f"Usually {self.usual_free:.0f} free {self.when}"
        if self.today_more is not None:
            count = round(abs(self.today_more))
            differs = f"{count} {'more' if self.today_more > 0 else 'fewer'} than" if count else "just as"
            said += f", now {differs} usual"
        if self.like is not None:
            said += f"; most like {self.like:%A} {self.like.day} {self.like:%B}"
        return f"{said}.{_WORDS[basis]}"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Free spaces of one site at one moment. `levels` are occupied fractions at the probabilities LEVELS.

    `target` is in seconds since 1970. Without a number (`Basis.NOTHING`) every question answers None.
    """

    site: str
    target: int
    capacity: int
    basis: Basis
    reason: Reason
    levels: Floats | None = None

    @property
    def free(self) -> float | None:
        """The median."""
        return self.quantile(0.5)

    @property
    def why(self) -> str:
        """The reason in a sentence."""
        return self.reason.sentence(self.basis)

    def quantile(self, probability: float) -> float | None:
        """The number of free spaces that is not exceeded with this probability; within 0..capacity."""
        if not 0 <= probability <= 1:
            raise ForecastInputError(f"probability {probability} is not within 0..1")
        if self.basis is Basis.CLOSED:
            return 0.0
        if self.levels is None:
            return None
        level = float(np.interp(1 - probability, LEVELS, self.levels))
        return self.capacity * (1 - min(max(level, 0.0), 1.0))

    def interval(self, coverage: float = 0.8) -> tuple[float, float] | None:
        """The central interval of free spaces with this probability."""
        low, high = self.quantile((1 - coverage) / 2), self.quantile((1 + coverage) / 2)
        return None if low is None or high is None else (low, high)

    def chance(self, spaces: int = 1) -> float | None:
        """The probability that at least so many spaces are free."""
        if self.basis is Basis.CLOSED:
            return 1.0 if spaces <= 0 else 0.0
        if self.levels is None:
            return None
        if spaces <= 0 or spaces > self.capacity:
            return float(spaces <= 0)
        taken = (self.capacity - spaces + 0.5) / self.capacity
        return float(probability_below(self.levels[None, :], np.array([taken]))[0])


def probability_below(levels: Floats, limit: Floats) -> Floats:
    """How likely the level is at most `limit`, for rows of quantiles at LEVELS."""
    first = 2 * levels[:, :1] - levels[:, 1:2]
    last = 2 * levels[:, -1:] - levels[:, -2:-1]
    places = np.concatenate((first, levels, last), axis=1)
    chances = np.concatenate(([0.0], LEVELS, [1.0]))
    return np.array([np.interp(one, row, chances) for one, row in zip(limit, places, strict=True)])
