"""What the forecast learns from: each site's counts in the past, and when it was shut."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from parking.errors import ParkingError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class ForecastInputError(ParkingError):
    """The history or the question given to the forecast cannot be used."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A spell in which a site is shut, in seconds since 1970; `end` is the first second after it."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ForecastInputError(
                f"closure: end {self.end} is not after start {self.start}; a closure lasts some time"
            )


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the forecast sees it."""

    id: str
    capacity: int
    closures: tuple[Closure, ...] = ()

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ForecastInputError(f"site {self.id}: capacity {self.capacity} is not at least 1")

    def closed(self, times: Ints) -> Bools:
        """Which of these times lie in a closure."""
        shut = np.zeros(len(times), dtype=np.bool_)
        for closure in self.closures:
            shut |= (times >= closure.start) & (times < closure.end)
        return shut


def _no_times() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _no_counts() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class Series:
    """A site's occupied spaces over time: `times` in seconds since 1970, strictly increasing."""

    times: Ints = field(default_factory=_no_times)
    occupied: Floats = field(default_factory=_no_counts)

    def __post_init__(self) -> None:
        if len(self.times) != len(self.occupied):
            raise ForecastInputError(
                f"series: {len(self.times)} times and {len(self.occupied)} counts; each time has one count"
            )
        if len(self.times) > 1 and not bool(np.all(np.diff(self.times) > 0)):
            raise ForecastInputError("series: times are not strictly increasing; sort them and drop copies")
        if not bool(np.all(np.isfinite(self.occupied))):
            raise ForecastInputError("series: a count is not a finite number; leave out what is not known")

    def between(self, start: int, end: int) -> "Series":
        """The part with start <= time < end."""
        low, high = np.searchsorted(self.times, (start, end))
        return Series(self.times[low:high], self.occupied[low:high])
