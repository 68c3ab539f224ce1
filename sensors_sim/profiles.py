"""How people use places: arrivals by hour and weekday, and how long they stay, by kind of place.

Invented from common sense and the shape of published counts, for a lively and believable town; no city's
data.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3600
WEEK_S = 7 * 24 * HOUR_S


class Use(IntEnum):
    """What a place is mostly parked at for."""

    SHOPPING = 0
    OFFICE = 1
    RESIDENTIAL = 2
    STATION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of place.

    `weekday`, `saturday` and `sunday` hold 24 arrival rates: vehicles an hour for each vacant space.
    Dwell is lognormal with `dwell_median_s` and `dwell_sigma` (of the logarithm).
    """

    weekday: tuple[float, ...]
    saturday: tuple[float, ...]
    sunday: tuple[float, ...]
    dwell_median_s: float
    dwell_sigma: float

    def week(self) -> NDArray[np.float64]:
        """The 168 hourly rates of a week from Monday, local time."""
        return np.array(self.weekday * 5 + self.saturday + self.sunday)


def _day(peak: float, shape: str) -> tuple[float, ...]:
    """24 rates from a digit for each hour: the digit's share of nine times the peak, never quite zero."""
    return tuple(peak * max(int(digit), 0.05) / 9 for digit in shape)


#                            hour 0         12          23
_SHOPPING = _day(3.2, "0000001369999988876655" + "31")
_OFFICE = _day(1.6, "0000002796321321110000" + "00")
_RESIDENTIAL = _day(0.7, "1000001111222345899875" + "42")
_STATION = _day(1.9, "0000168983211111111000" + "00")

PROFILES: dict[Use, Profile] = {
    Use.SHOPPING: Profile(
        weekday=_SHOPPING,
        saturday=_day(3.8, "0000001269999999887655" + "42"),
        sunday=_day(2.6, "0000000023899999864322" + "10"),
        dwell_median_s=38 * 60,
        dwell_sigma=0.75,
    ),
    Use.OFFICE: Profile(
        weekday=_OFFICE,
        saturday=_day(0.2, "0000001235543321110000" + "00"),
        sunday=_day(0.1, "0000000123333221100000" + "00"),
        dwell_median_s=6.5 * HOUR_S,
        dwell_sigma=0.45,
    ),
    Use.RESIDENTIAL: Profile(
        weekday=_RESIDENTIAL,
        saturday=_day(0.6, "2100000112345566777765" + "43"),
        sunday=_day(0.6, "2100000012345667788764" + "32"),
        dwell_median_s=9 * HOUR_S,
        dwell_sigma=0.7,
    ),
    Use.STATION: Profile(
        weekday=_STATION,
        saturday=_day(0.8, "0000012456654332221100" + "00"),
        sunday=_day(0.5, "0000001235654433221100" + "00"),
        dwell_median_s=8.5 * HOUR_S,
        dwell_sigma=0.5,
    ),
}
