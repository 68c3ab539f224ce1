"""What a report adds up, for each of its groups and buckets, and the figures that follow from it.

The words are those of the Curb Data Specification 1.1 (metrics methodology): sessions, turnover, average
dwell time, occupancy percent = sum of dwell / duration. What is taken out of the duration here, and said
beside it: times at which a site was closed, and times at which nothing was known of a bay.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from parking.columns import Ints


@dataclass(frozen=True, slots=True)
class Sums:
    """Columns of shape (groups, buckets). Times are microseconds, summed over bays.

    `open_us` is how long bays were there and their site open; for `occupied_us` of it they were known to be
    occupied, and for `unknown_us` nothing was known. `arrivals` and `departures` were seen; a session is a
    stay that ended; `dwelt` are the sessions of which both ends were seen, `dwell_us` is how long these were.
    """

    open_us: Ints
    closed_us: Ints
    occupied_us: Ints
    unknown_us: Ints
    arrivals: Ints
    departures: Ints
    sessions: Ints
    dwelt: Ints
    dwell_us: Ints

    def over(self, places: Ints, size: int) -> Self:
        """Added up along the buckets: bucket i goes to place `places[i]` of `size`."""
        found = no_sums(self.open_us.shape[0], size)
        for column in fields(self):
            np.add.at(getattr(found, column.name).T, places, getattr(self, column.name).T)
        return type(self)(*(getattr(found, column.name) for column in fields(self)))

    def total(self) -> "Sums":
        """All groups as one."""
        return Sums(*(getattr(self, column.name).sum(axis=0, keepdims=True) for column in fields(self)))

    def whole(self) -> "Sums":
        """All buckets as one."""
        return Sums(*(getattr(self, column.name).sum(axis=1, keepdims=True) for column in fields(self)))


def no_sums(groups: int, buckets: int) -> Sums:
    """Nothing yet."""
    return Sums(*(np.zeros((groups, buckets), dtype=np.int64) for _ in fields(Sums)))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of one group in one bucket. None where there is nothing to measure it by.

    `occupancy` is occupied / known time and `coverage` known / open time, both 0 to 1. `turnover` is sessions
    for each bay and hour of known time. `average_dwell_s` is of the sessions whose both ends were seen.
    """

    occupancy: float | None
    coverage: float | None
    bay_hours: float
    occupied_hours: float
    vacant_hours: float
    unknown_hours: float
    closed_hours: float
    arrivals: int
    departures: int
    sessions: int
    turnover: float | None
    average_dwell_s: float | None
    dwell_sessions: int


HOUR_US = 3_600_000_000


def figures(sums: Sums, group: int, bucket: int) -> Figures:
    """The figures of one group in one bucket."""
    at = {column.name: int(getattr(sums, column.name)[group, bucket]) for column in fields(sums)}
    known = at["open_us"] - at["unknown_us"]
    return Figures(
        occupancy=_share(at["occupied_us"], known),
        coverage=_share(known, at["open_us"]),
        bay_hours=at["open_us"] / HOUR_US,
        occupied_hours=at["occupied_us"] / HOUR_US,
        vacant_hours=(known - at["occupied_us"]) / HOUR_US,
        unknown_hours=at["unknown_us"] / HOUR_US,
        closed_hours=at["closed_us"] / HOUR_US,
        arrivals=at["arrivals"],
        departures=at["departures"],
        sessions=at["sessions"],
        turnover=_share(at["sessions"] * HOUR_US, known),
        average_dwell_s=_share(at["dwell_us"], at["dwelt"] * 1_000_000),
        dwell_sessions=at["dwelt"],
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
