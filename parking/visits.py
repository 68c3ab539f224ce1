"""Visits to a counted site: entries and exits of one vehicle, paired by the tokens of its plate.

A token is of its site and day, so each crossing carries those of the days before too, as far as the pairing
window reaches: crossings that share any are of one vehicle. Pairing depends on the set of crossings alone,
not on their order or copies. What a misread parts stays apart: then an exit is missed here and an entry
there, and the two come out even.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from parking.model import Direction


class Outcome(StrEnum):
    """How a visit stands."""

    COMPLETE = "complete"
    INSIDE = "inside"
    EXIT_MISSED = "exit_missed"
    """It came in again, or stayed longer than any vehicle does: it left unseen, or under another token."""
    ENTRY_MISSED = "entry_missed"
    """It left without having come in: it came in unseen, or under another token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One vehicle through a gate, either way. `tokens`: its day's first, then those of the days before."""

    at: datetime
    direction: Direction
    passage: str
    tokens: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One vehicle's time at a site, as far as it was seen. `closed_at` is when we knew how it ended.

    `entry` and `exit` name the passages.
    """

    outcome: Outcome
    entered_at: datetime | None
    left_at: datetime | None
    closed_at: datetime | None
    entry: str | None = None
    exit: str | None = None

    @property
    def dwell(self) -> timedelta | None:
        """How long it stayed, where both ends were seen."""
        if self.entered_at is None or self.left_at is None:
            return None
        return self.left_at - self.entered_at


def visits(crossings: Iterable[Crossing], *, until: datetime, window: timedelta) -> tuple[Visit, ...]:
    """The visits behind crossings up to `until`, in order of time; no stay is longer than `window`.

    Crossings without a token cannot be paired and make no visit.
    """
    known = [one for one in set(crossings) if one.tokens and one.at <= until]
    known.sort(key=lambda one: (one.at, one.direction is Direction.IN, one.passage))
    found = [visit for vehicle in _vehicles(known) for visit in _pair(vehicle, until, window)]
    return tuple(sorted(found, key=_when))


def _vehicles(crossings: list[Crossing]) -> Iterable[list[Crossing]]:
    """The crossings of each vehicle, in the order in which they came."""
    of: dict[bytes, bytes] = {}

    def root(token: bytes) -> bytes:
        while of[token] != token:
            of[token] = token = of[of[token]]
        return token

    for crossing in crossings:
        first = crossing.tokens[0]
        for token in crossing.tokens:
            of.setdefault(token, token)
            of[root(token)] = root(first)
    vehicles: dict[bytes, list[Crossing]] = defaultdict(list)
    for crossing in crossings:
        vehicles[root(crossing.tokens[0])].append(crossing)
    return vehicles.values()


def _pair(vehicle: list[Crossing], until: datetime, window: timedelta) -> Iterator[Visit]:
    inside: Crossing | None = None
    for crossing in vehicle:
        if inside is not None and crossing.at - inside.at > window:
            yield _missed_exit(inside, inside.at + window)
            inside = None
        if crossing.direction is Direction.IN:
            if inside is not None:
                yield _missed_exit(inside, crossing.at)
            inside = crossing
            continue
        yield Visit(
            outcome=Outcome.ENTRY_MISSED if inside is None else Outcome.COMPLETE,
            entered_at=inside.at if inside else None,
            left_at=crossing.at,
            closed_at=crossing.at,
            entry=inside.passage if inside else None,
            exit=crossing.passage,
        )
        inside = None
    if inside is not None:
        yield (
            _missed_exit(inside, inside.at + window)
            if until - inside.at > window
            else Visit(
                outcome=Outcome.INSIDE,
                entered_at=inside.at,
                left_at=None,
                closed_at=None,
                entry=inside.passage,
            )
        )


def _missed_exit(entry: Crossing, closed_at: datetime) -> Visit:
    return Visit(
        outcome=Outcome.EXIT_MISSED,
        entered_at=entry.at,
        left_at=None,
        closed_at=closed_at,
        entry=entry.passage,
    )


def _when(visit: Visit) -> tuple[datetime, datetime, str]:
    first = visit.entered_at or visit.left_at or datetime.min
    return (first, visit.closed_at or first, visit.outcome)
