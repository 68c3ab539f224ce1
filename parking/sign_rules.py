"""How one sign decides: its settings, as the registry has them, and what it may show at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from parking.opening import opening_hours

BLANK = ""
FULL = "FULL"
CLOSED = "CLOSED"


class Mode(StrEnum):
    """What a sign does: `auto` by the numbers, or the same whatever they are."""

    AUTO = "auto"
    BLANK = "blank"
    FULL = "full"
    CLOSED = "closed"
    TEST = "test"


class Show(StrEnum):
    """How spaces are told: a number, a word, or a word that becomes a number when they are few."""

    NUMBER = "number"
    WORD = "word"
    NUMBER_WHEN_FEW = "number_when_few"


class Layout(StrEnum):
    """How a sign tells of several sites: one line for all of them, or a line for each."""

    SUM = "sum"
    EACH = "each"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Free spaces at which the state changes while occupancy increases or decreases, as in DATEX II.

    full_increasing <= full_decreasing < almost_full_increasing <= almost_full_decreasing. Full at
    `full_increasing` free or fewer, until there are more than `full_decreasing`; almost full likewise, and
    never without these two.
    """

    full_increasing: int = 0
    full_decreasing: int = 0
    almost_full_increasing: int | None = None
    almost_full_decreasing: int | None = None

    def fault(self) -> str | None:
        """What is wrong with their order, None if nothing is."""
        given = [value for value in self._in_order() if value is not None]
        if (self.almost_full_increasing is None) is not (self.almost_full_decreasing is None):
            return "almost_full_increasing and almost_full_decreasing go together"
        if given != sorted(given) or (len(given) == 4 and given[1] == given[2]):
            order = "full_increasing <= full_decreasing < almost_full_increasing <= almost_full_decreasing"
            return f"must be {order} (found {', '.join(map(str, given))})"
        return None

    def _in_order(self) -> tuple[int | None, ...]:
        return (
            self.full_increasing,
            self.full_decreasing,
            self.almost_full_increasing,
            self.almost_full_decreasing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words of a sign for each state. `unknown` is for when no number is known to be true."""

    spaces: str = "SPACES"
    almost_full: str = "ALMOST FULL"
    full: str = FULL
    closed: str = CLOSED
    test: str = "TEST"
    unknown: str = BLANK

    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (self.spaces, self.almost_full, self.full, self.closed, self.test, self.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """While these hours hold (in the syntax of OpenStreetMap), the sign shows this text, blank by default."""

    hours: str
    text: str = BLANK


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRules:
    """How one sign decides. `trust` is the least share of its spaces that must report (0..1).

    `valid_s` is how long a controller may show an answer, `poll_s` when it should ask again, `min_change_s`
    how long a number or word stays at least (seconds). `least` and `most` bound the number; `offset` is added
    to what is free; from `round_from` on it is rounded down to a multiple of `round_to`. `labels` stand
    before the lines of sites. `permitted`: the only words it has, None for those of its texts. `multi` is
    what stands before the text in MULTI.
    """

    trust: float = 0.75
    valid_s: int = 60
    poll_s: int = 20
    mode: Mode = Mode.AUTO
    show: Show = Show.NUMBER
    layout: Layout = Layout.SUM
    labels: Mapping[str, str] = field(default_factory=dict)
    least: int = 1
    most: int | None = None
    offset: int = 0
    round_to: int = 1
    round_from: int = 0
    thresholds: Thresholds = field(default_factory=Thresholds)
    min_change_s: int = 0
    texts: Texts = field(default_factory=Texts)
    permitted: tuple[str, ...] | None = None
    schedule: tuple[Hours, ...] = ()
    multi: str = "[jp3][jl3]"
    timezone: str = "UTC"

    @property
    def remembers(self) -> bool:
        """Whether what it shows depends on what it showed before."""
        at = self.thresholds
        return (
            self.min_change_s > 0
            or at.full_increasing != at.full_decreasing
            or at.almost_full_increasing != at.almost_full_decreasing
        )

    def words(self) -> tuple[str, ...]:
        """The words that it may show, blank among them."""
        scheduled = tuple(hours.text for hours in self.schedule)
        words = self.permitted if self.permitted is not None else (*self.texts.all(), *scheduled)
        return tuple(dict.fromkeys((BLANK, *words)))

    def permits(self, text: str) -> bool:
        """Whether one line of it may say this: one of its words, or a number within its bounds."""
        if not (text.isascii() and text.isdecimal()):
            return text in self.words()
        most = self.most if self.most is not None else float("inf")
        return self.show is not Show.WORD and self.least <= int(text) <= most


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What an operator makes a sign show until a time, whatever the numbers are."""

    text: str
    until: datetime
    reason: str
    made_by: str
    made_at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it is still to be shown."""
        return now < self.until


SETTINGS = frozenset(SignRules.__dataclass_fields__) - {"timezone"}


def rules_of(stored: Mapping[str, Any], defaults: SignRules, *, timezone: str) -> SignRules:
    """The rules of a sign from the column `sign.details`; what it does not say is as in `defaults`.

    One whose settings cannot be read is blank: it must not be wrong, nor keep the others from being decided.
    """
    known = {name: stored[name] for name in stored.keys() & SETTINGS}
    try:
        parsed = msgspec.convert(known, SignRules)
        for hours in parsed.schedule:
            opening_hours(hours.hours, timezone)
    except ValueError:
        return replace(defaults, timezone=timezone, mode=Mode.BLANK)
    return replace(defaults, timezone=timezone, **{name: getattr(parsed, name) for name in known})
