"""How long vehicles stay, and which of them too long: answers made of single stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from parking.reporting.report import Asked

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
CLASSES_MIN = (5, 10, 15, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880)
"""Limits of the classes of the distribution, minutes."""

DWELL_DEFINITIONS: Mapping[str, str] = {
    "sessions": "stays that ended in the period and of which both ends were seen",
    "quantiles": "seconds that this share of the sessions did not exceed",
    "classes": "sessions that lasted at least `from_min` and less than `until_min` minutes; null: no limit",
    "coverage": "known / open time of the period: what share of the time a stay could be seen",
}
OVERSTAY_DEFINITIONS: Mapping[str, str] = {
    "stays": "that began in the period, in bays with a limit (max_stay_min of the bay, else of its site)",
    "overstays": "of these, that lasted longer than the limit, as far as they are known",
    "known_until": "the end of the stay; of one that goes on now, or, where the sensor has gone silent, when "
    "it was last heard: what came after nobody knows",
    "over_s": "seconds beyond the limit",
    "at_least": "the arrival was not seen: the vehicle may have been there longer",
    "limits": "those of today, at all hours: when a limit does not hold is not known, nor are permits",
    "coverage": "known / open time of the period: what share of the time a stay could be seen",
}


@dataclass(frozen=True, slots=True)
class DwellClass:
    """Sessions of a length, minutes."""

    from_min: int
    until_min: int | None
    sessions: int


@dataclass(frozen=True, slots=True)
class DwellLine:
    """How long vehicles stayed at one site, zone, category or bay; seconds."""

    name: str
    sessions: int
    average_s: float | None
    longest_s: float | None
    quantiles: dict[str, float]
    classes: list[DwellClass]
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Dwell:
    """The distribution of dwell."""

    asked: Asked
    as_of: datetime
    lines: list[DwellLine]
    definitions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Overstay:
    """One stay that lasted longer than its bay allows; `ended_at` null while no end of it is known.

    `dwell_s` and `over_s` reach until `known_until`.
    """

    bay: str
    site: str
    category: str
    started_at: datetime
    ended_at: datetime | None
    known_until: datetime
    at_least: bool
    limit_s: float
    dwell_s: float
    over_s: float

    def goes_on(self, as_of: datetime) -> str:
        """What is known of it now, in words; empty where it has ended."""
        if self.ended_at is not None:
            return ""
        return (
            "goes on"
            if self.known_until >= as_of
            else f"not heard since {self.known_until:%Y-%m-%d %H:%M} UTC"
        )


@dataclass(frozen=True, slots=True)
class OverstayLine:
    """How many of the stays lasted longer than they might."""

    name: str
    stays: int
    overstays: int
    share: float | None
    over_hours: float
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Overstays:
    """Overstays against max stay: sums, and the longest of them."""

    asked: Asked
    as_of: datetime
    lines: list[OverstayLine]
    longest: list[Overstay]
    definitions: Mapping[str, str]


def classes(counts: Mapping[int, int]) -> list[DwellClass]:
    """The classes of a distribution from how many sessions reached how many limits."""
    limits = (0, *CLASSES_MIN)
    return [
        DwellClass(low, limits[place + 1] if place + 1 < len(limits) else None, counts.get(place, 0))
        for place, low in enumerate(limits)
    ]
