"""What a report answers: lines and figures, with their definitions, time zone and coverage beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from parking.reporting.sums import Figures, Sums, figures

PEAK_COVERAGE = 0.5
"""A peak is looked for in buckets of which at least so much was known."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS_OF_WEEK = 7 * 24

DEFINITIONS: Mapping[str, str] = {
    "occupancy": "occupied / known time, 0 to 1; null where nothing was known "
    "(CDS 1.1: occupancy percent = sum of dwell / duration)",
    "coverage": "known / open time, 0 to 1: by how much of the time the figures beside it are measured",
    "known time": "bays were there and their site open, and their devices had reported and were neither "
    "silent nor faulty",
    "bay_hours": "open time: hours in which bays were there and their site open, summed over bays",
    "closed_hours": "hours in which bays were there and their site closed",
    "arrivals": "stays that began, and were seen to; departures likewise",
    "sessions": "stays that ended (CDS 1.1: total sessions)",
    "turnover": "sessions for each bay and hour of known time (CDS 1.1: turnover)",
    "average_dwell_s": "seconds, of the sessions whose beginning and end were seen, of which there are "
    "dwell_sessions (CDS 1.1: average dwell time)",
    "peak": f"the bucket of the highest occupancy among those of which {PEAK_COVERAGE:.0%} was known",
}
NOT_CLAIMED = (
    "Who parked, and whether they might, is not known from occupancy: "
    "misuse of bays for disabled people is not told."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The period of a report as local times of its sites, and by what it is."""

    start: datetime
    end: datetime
    bucket: str
    by: str
    timezones: list[str]


@dataclass(frozen=True, slots=True)
class InBucket:
    """The figures of one bucket, which begins and ends at these times."""

    start: datetime
    end: datetime
    figures: Figures


Bucket = TypeVar("Bucket", InBucket, "HourOfWeek")


@dataclass(frozen=True, slots=True)
class Line:
    """One site, zone, category or bay: the whole period, its peak, and each bucket."""

    name: str
    total: Figures
    peak: InBucket | None
    buckets: list[InBucket]


@dataclass(frozen=True, slots=True)
class Utilisation:
    """How bays were used. `as_of` is how far time had come; later buckets are empty."""

    asked: Asked
    as_of: datetime
    total: Figures
    lines: list[Line]
    definitions: Mapping[str, str]
    not_claimed: str


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """One hour of all weeks; `weekday` 0 is Monday, hours are those of the clock on the wall."""

    weekday: int
    hour: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One site, zone, category or bay, by the hours of the week."""

    name: str
    total: Figures
    peak: HourOfWeek | None
    hours: list[HourOfWeek]


@dataclass(frozen=True, slots=True)
class Profile:
    """How bays were used in each hour of the week."""

    asked: Asked
    as_of: datetime
    lines: list[ProfileLine]
    definitions: Mapping[str, str]
    not_claimed: str


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One line in two periods, and how the second differs: shares in points of 0 to 1, the rest as ratios.

    A ratio is null where the first is nothing.
    """

    name: str
    first: Figures
    second: Figures
    occupancy_change: float | None
    coverage_change: float | None
    sessions_ratio: float | None
    turnover_ratio: float | None
    average_dwell_ratio: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods side by side."""

    first: Asked
    second: Asked
    as_of: datetime
    total: ComparedLine
    lines: list[ComparedLine]
    definitions: Mapping[str, str]
    not_claimed: str


def utilisation(
    asked: Asked, names: Sequence[str], sums: Sums, edges: Sequence[datetime], now: datetime
) -> Utilisation:
    """The answer made of sums of shape (names, buckets)."""
    whole = sums.whole()
    lines = []
    for row, name in enumerate(names):
        buckets = [
            InBucket(edges[place], edges[place + 1], figures(sums, row, place))
            for place in range(len(edges) - 1)
        ]
        lines.append(Line(name, figures(whole, row, 0), _peak(buckets), buckets))
    total = figures(whole.total(), 0, 0)
    return Utilisation(asked, now, total, lines, DEFINITIONS, NOT_CLAIMED)


def profile(
    asked: Asked, names: Sequence[str], sums: Sums, edges: Sequence[datetime], now: datetime
) -> Profile:
    """The answer made of sums of shape (names, hours)."""
    places = np.array([edge.weekday() * 24 + edge.hour for edge in edges[:-1]], dtype=np.int64)
    folded, whole = sums.over(places, HOURS_OF_WEEK), sums.whole()
    lines = []
    for row, name in enumerate(names):
        hours = [
            HourOfWeek(place // 24, place % 24, figures(folded, row, place)) for place in range(HOURS_OF_WEEK)
        ]
        lines.append(ProfileLine(name, figures(whole, row, 0), _peak(hours), hours))
    return Profile(asked, now, lines, DEFINITIONS, NOT_CLAIMED)


def comparison(first: Utilisation, second: Utilisation) -> Comparison:
    """Two periods of the same lines."""
    later = {line.name: line.total for line in second.lines}
    lines = [_compared(line.name, line.total, later[line.name]) for line in first.lines if line.name in later]
    total = _compared("all", first.total, second.total)
    return Comparison(
        first.asked, second.asked, second.as_of, total, lines, first.definitions, first.not_claimed
    )


def _compared(name: str, first: Figures, second: Figures) -> ComparedLine:
    return ComparedLine(
        name,
        first,
        second,
        _change(first.occupancy, second.occupancy),
        _change(first.coverage, second.coverage),
        _ratio(first.sessions, second.sessions),
        _ratio(first.turnover, second.turnover),
        _ratio(first.average_dwell_s, second.average_dwell_s),
    )


def _change(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first


def _ratio(first: float | None, second: float | None) -> float | None:
    return second / first if first and second is not None else None


def _peak(found: Sequence[Bucket]) -> Bucket | None:
    known = [
        one
        for one in found
        if one.figures.occupancy is not None and (one.figures.coverage or 0) >= PEAK_COVERAGE
    ]
    return max(known, key=lambda one: one.figures.occupancy or 0.0, default=None)
