"""The chance of finding a free space on arrival: what is asked, who answers, and a plain rule.

The rule (`TurnoverChances`) needs no history. Each space changes hands by itself and without memory: a parked
vehicle leaves after `dwell` minutes on average, and a free space is taken at the rate that keeps the site as
full as it is now, leaning a little towards `USUALLY_OCCUPIED`. So a space that is free now is free after
`t` minutes with the chance `(1 - r) + r e`, one that is taken now with `(1 - r)(1 - e)`, where `r` is the
share of occupied spaces and `e = exp(-t / (dwell (1 - r)))`. What counts is that not all are taken.
"""

from dataclasses import dataclass
from datetime import datetime
from math import exp
from typing import Final, Protocol

USUALLY_OCCUPIED: Final = 0.85
"""How full a site is thought to be before it is looked at: as full as cities price their kerbs to be."""
PRIOR_SPACES: Final = 4.0
"""That opinion weighs as much as so many spaces that were looked at."""
MOST_FULL: Final = 0.995
"""However full a site is foretold to be, some space changes hands."""
DWELL_MIN: Final = {"on_street": 60.0, "off_street": 120.0}
"""How long a vehicle stays on average, in minutes, where nothing else is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The spaces of one site that would do, as they are known at `as_of`, and when the driver arrives."""

    site: str
    kind: str
    vacant: int
    occupied: int
    unknown: int
    as_of: datetime
    arrival: datetime

    @property
    def minutes(self) -> float:
        """From what is known to the arrival."""
        return max((self.arrival - self.as_of).total_seconds() / 60, 0.0)


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance that a space is free on arrival, 0..1: `low` if no unknown space is, `high` if all are now.

    `why` is a sentence on what it rests on where that is more than the counts of the moment.
    """

    low: float
    high: float
    why: str | None = None


class Chances(Protocol):
    """Tells chances. None where nothing can be told: neither a count nor a past."""

    def chance(self, asked: Asked) -> Chance | None:
        """The chance at one site."""
        ...


class TurnoverChances:
    """The plain rule above: from the counts of the moment alone."""

    def chance(self, asked: Asked) -> Chance | None:
        """The chance at one site; None where none of its spaces is known."""
        if asked.vacant + asked.occupied == 0:
            return None
        dwell = DWELL_MIN.get(asked.kind, DWELL_MIN["off_street"])

        minutes, occupied = asked.minutes, asked.occupied
        low = some_free(vacant=asked.vacant, occupied=occupied, minutes=minutes, dwell_min=dwell)
        if not asked.unknown:
            return Chance(low, low)
        most = asked.vacant + asked.unknown
        return Chance(low, some_free(vacant=most, occupied=occupied, minutes=minutes, dwell_min=dwell))


def some_free(
    *, vacant: int, occupied: int, minutes: float, dwell_min: float, usually: float | None = None
) -> float:
    """The chance that after so many minutes at least one of these spaces is free.

    `usually` is the share of them that will be taken then, where anything is known of that.
    """
    full = (occupied + USUALLY_OCCUPIED * PRIOR_SPACES) / (vacant + occupied + PRIOR_SPACES)
    if usually is not None:
        full = min(max(usually, 0.0), MOST_FULL)
    settling = exp(-minutes / (dwell_min * (1 - full)))
    still = (1 - full) + full * settling
    turned = (1 - full) * (1 - settling)
    return 1 - float((1 - still) ** vacant * (1 - turned) ** occupied)
