"""How many vehicles may still be inside, at any time of the past, by what was known of visits then.

A visit that ended later was open then. How long vehicles stay is learnt at midnight (UTC) of each day, from
the two weeks before; while that is too little, at the time itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from parking.drift import Inside
from parking.occupants import Start, Stays, inside, stays
from parking.visits import Outcome, Visit

RECENT: Final = timedelta(days=14)


class Tenants:
    """The visits of one site, in order of entry, and the times at which vehicles came in, plates or not."""

    def __init__(
        self, visits: Sequence[Visit], entries: Sequence[datetime], *, window: timedelta, began: Start
    ) -> None:
        self._visits = [visit for visit in visits if visit.entered_at is not None]
        self._entered = [visit.entered_at for visit in self._visits if visit.entered_at is not None]
        self._entries = entries
        self._window = window
        self._began = began
        self._stays: dict[datetime, Stays | None] = {}

    @staticmethod
    def needs(since: datetime) -> datetime:
        """From when on visits have to be known to ask at times after `since`."""
        return _midnight(since) - RECENT

    def inside(self, now: datetime) -> list[Inside]:
        """What is known of the number inside: nothing before enough visits are."""
        midnight = _midnight(now)
        if midnight not in self._stays:
            self._stays[midnight] = self._learnt(midnight)
        known = self._stays[midnight] or self._learnt(now)
        if known is None:
            return []
        seen = self._as_of(now, self._window)
        waiting = [visit.entered_at for visit in seen if visit.entered_at and visit.outcome is Outcome.INSIDE]
        entries = bisect_right(self._entries, now) - bisect_right(self._entries, now - self._window)
        return [inside(waiting, known, entries=entries, now=now, window=self._window, start=self._began)]

    def _learnt(self, at: datetime) -> Stays | None:
        return stays(self._as_of(at, RECENT), now=at, window=self._window)

    def _as_of(self, now: datetime, back: timedelta) -> list[Visit]:
        recent = self._visits[bisect_left(self._entered, now - back) : bisect_right(self._entered, now)]
        return [
            visit
            if visit.closed_at is None or visit.closed_at <= now
            else Visit(outcome=Outcome.INSIDE, entered_at=visit.entered_at, left_at=None, closed_at=None)
            for visit in recent
        ]


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
