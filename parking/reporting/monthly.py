"""The report of one month: what it is made of. The page and the PDF say the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from parking.errors import InputError
from parking.reporting.dwell import Dwell, Overstays
from parking.reporting.report import Comparison, Profile, Utilisation

_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar."""

    year: int
    month: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def after(self) -> date:
        """The first day of the next."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    @property
    def before(self) -> date:
        """The first day of the one before."""
        return date(self.year - (self.month == 1), 12 if self.month == 1 else self.month - 1, 1)

    @property
    def words(self) -> str:
        """For a heading."""
        return f"{self.first:%B %Y}"


@dataclass(frozen=True, slots=True)
class Monthly:
    """One month of some sites: as a whole by day, against the month before, by hour of the week, by site."""

    month: str
    about: list[str]
    days: Utilisation
    change: Comparison
    profile: Profile
    sites: Utilisation
    dwell: Dwell
    overstays: Overstays
    definitions: Mapping[str, str]
    not_claimed: str


def parse_month(text: str) -> Month:
    """A month as `2026-03`. Raises InputError."""
    found = _MONTH.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 12 or not 2000 <= int(found[1]) <= 2200:
        raise InputError(f"month {text[:40]!r}: a month such as 2026-03")
    return Month(int(found[1]), int(found[2]))
