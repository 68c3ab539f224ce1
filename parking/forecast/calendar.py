"""Local days and quarter hours: where a moment lies in a site's week."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from parking.forecast.series import Floats, ForecastInputError, Ints

SLOT_S = 900
"""A quarter of an hour: the grain of a day's curve, and a divisor of every time zone's offset."""
SLOTS = 96
DAY_S = 86_400
HOLIDAY = 7
"""The kind of a public holiday; 0 to 6 are Monday to Sunday."""
_FEW = 32
_MOST_OFFSETS = 200_000
"""Quarter hours whose offset is remembered, some six years of them; then it is begun anew."""
_EPOCH = date(1970, 1, 1)
_MONDAY_SHIFT = 3  # 1 January 1970 was a Thursday


@dataclass(frozen=True, slots=True)
class Calendar:
    """A time zone with its public holidays. Days are counted from 1970-01-01, local."""

    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    _offsets: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    def place(self, times: Ints) -> tuple[Ints, Floats]:
        """The local day of each moment, and how many quarter hours of it had passed by the clock."""
        local = times + self.offset(times)
        day = local // DAY_S
        return day, (local - day * DAY_S) / SLOT_S

    def kinds(self, days: Ints) -> Ints:
        """The kind of each day: its weekday, or HOLIDAY."""
        kinds = (days + _MONDAY_SHIFT) % 7
        if self.holidays:
            ordinals = [(day - _EPOCH).days for day in self.holidays]
            kinds = np.where(np.isin(days, ordinals), HOLIDAY, kinds)
        return kinds

    def start_of(self, day: int) -> int:
        """When a local day begins, in seconds since 1970."""
        local = datetime.combine(as_date(day), datetime.min.time(), tzinfo=self.zone)
        return int(local.timestamp())

    def offset(self, times: Ints) -> Ints:
        """Seconds that local time is ahead of UTC."""
        quarters = times // SLOT_S
        if len(quarters) <= _FEW:  # sorting costs more than it saves
            return np.array([self._offset(quarter) for quarter in quarters.tolist()], dtype=np.int64)
        once, where = np.unique(quarters, return_inverse=True)
        offsets = np.array([self._offset(quarter) for quarter in once.tolist()], dtype=np.int64)
        return offsets[where.reshape(-1)]

    def _offset(self, quarter: int) -> int:
        found = self._offsets.get(quarter)
        if found is None:
            if len(self._offsets) >= _MOST_OFFSETS:
                self._offsets.clear()
            there = datetime.fromtimestamp(quarter * SLOT_S, UTC).astimezone(self.zone)
            found = self._offsets[quarter] = round((there.utcoffset() or timedelta()).total_seconds())
        return found


def as_date(day: int) -> date:
    """The date of a local day."""
    return _EPOCH + timedelta(days=day)


def time_zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ForecastInputError(
            f"time zone {name!r} is not known", hint="Use an IANA name such as Europe/London."
        ) from None


def public_holidays(country: str, subdivision: str | None, years: Iterable[int]) -> frozenset[date]:
    """A country's public holidays, by ISO 3166 codes (GB and ENG for England)."""
    import holidays  # only where they are wanted: it takes memory that the API has better use for

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError:
        place = country if subdivision is None else f"{country}-{subdivision}"
        raise ForecastInputError(
            f"no public holidays are known for {place!r}",
            hint="Use ISO 3166 codes, such as GB and ENG; an empty country means no holidays.",
        ) from None
