"""How many vehicles are inside by their tokens: those that came in and have not been seen to leave.

An entry without an exit has not left yet, or left unseen or misread. Which is more likely follows from its
age: of vehicles whose both ends were seen we know how long they stay, and of old entries, how many never
get their exit. So each open entry counts as the probability that its vehicle is still there. Unlike the
running count, this forgets: nothing much older than the pairing window matters.

Stays longer than the pairing window are never seen whole. Their share is drawn out from the window's second
half: if the last quarter ends so much fewer stays than the one before, the next will end fewer again by as
much.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from parking.drift import Inside, Rule
from parking.visits import Visit

EVERY: Final = timedelta(hours=3)
"""How often to ask."""
MIN_VISITS: Final = 100
"""Complete visits without which stays are not known well enough."""
_BLOCK_H: Final = 4
"""Hours of arrival that share one distribution of stays: who comes in the evening stays longer."""
_MOST_LONGER: Final = 0.02
_MOST_DECLINE: Final = 0.8
"""Stays that decline no faster than this from quarter to quarter cannot be drawn out."""
_ERROR: Final = 0.03
"""Of the vehicles inside: how far stays today differ from those of the days before."""
_SAME_VEHICLES: Final = 2.0
"""It is mostly the same vehicles each time one asks, so each guess counts as so much rougher than it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """How long vehicles stay: sorted seconds of stays up to the window, by block of hours of arrival, and
    all.

    `unseen` is the share of vehicles never seen to leave; `longer` the share of stays beyond the window,
    which last `beyond_s` longer than it in the mean.
    """

    blocks: tuple[tuple[float, ...], ...]
    every: tuple[float, ...]
    unseen: float
    longer: float
    beyond_s: float

    def inside(self, entered_at: datetime, now: datetime) -> float:
        """The probability that a vehicle without an exit is still there."""
        block = self.blocks[entered_at.hour // _BLOCK_H]
        known = block if len(block) >= MIN_VISITS else self.every
        left = bisect_right(known, (now - entered_at).total_seconds()) / len(known) * (1.0 - self.longer)
        still = 1.0 - left
        return still / (still + left * self.unseen) if still > 0 else 0.0

    def remaining(self, after_s: float) -> float:
        """The share of the vehicles that were there once that are still there so much later."""
        rest = sum(stay - after_s for stay in self.every if stay > after_s) * (1.0 - self.longer)
        long = self.every[-1] + self.beyond_s
        return (rest + len(self.every) * self.longer * max(long - after_s, 0.0)) / (
            sum(self.every) * (1.0 - self.longer) + len(self.every) * self.longer * long
        )


def stays(visits: Sequence[Visit], *, now: datetime, window: timedelta) -> Stays | None:
    """What visits, as they stand `now`, tell of stays; None if they are too few.

    Only those that began a window ago tell all; while these are too few, half a window has to do where hardly
    any stay is longer than that.
    """
    for age in (window, window / 2):
        old = [visit for visit in visits if visit.entered_at is not None and now - visit.entered_at >= age]
        blocks: list[list[float]] = [[] for _ in range(24 // _BLOCK_H)]
        for visit in old:
            if visit.entered_at is not None and visit.dwell is not None:
                blocks[visit.entered_at.hour // _BLOCK_H].append(visit.dwell.total_seconds())
        every = sorted(stay for block in blocks for stay in block)
        more, beyond_s = _beyond(every, age.total_seconds())
        if len(every) >= MIN_VISITS and (age == window or more <= _MOST_LONGER * len(every)):
            return Stays(
                blocks=tuple(tuple(sorted(block)) for block in blocks),
                every=tuple(every),
                unseen=max(0.0, 1.0 - (len(every) + more) / len(old)),
                longer=more / (len(every) + more),
                beyond_s=beyond_s,
            )
    return None


def _beyond(every: Sequence[float], window_s: float) -> tuple[float, float]:
    """How many stays beyond the window belong to those within it, and how much longer they last (mean)."""
    half, three = bisect_right(every, window_s / 2), bisect_right(every, window_s * 3 / 4)
    before, last = three - half, bisect_right(every, window_s) - three
    decline = min(last / before, _MOST_DECLINE) if before else 0.0
    return last * decline / (1.0 - decline), window_s / 4 * (0.5 + decline / (1.0 - decline))


@dataclass(frozen=True, slots=True)
class Start:
    """When counting began, and how many vehicles were inside then."""

    at: datetime
    vehicles: int


def inside(
    waiting: Sequence[datetime],
    known: Stays,
    *,
    entries: int,
    now: datetime,
    window: timedelta,
    start: Start,
) -> Inside:
    """The vehicles that may still be there: those `waiting` for their exit, and those that came before.

    `waiting` are the times of entry, of the last `window`; `entries` counts all of that time, also those
    whose plate could not be read. To be asked once in `EVERY`.
    """
    chances = [known.inside(at, now) for at in waiting]
    expected = sum(chances)
    counted = now - start.at
    expected += start.vehicles * known.remaining(counted.total_seconds())
    if counted > window:
        # As many are there as come in a while, times how long they stay: Little's law.
        expected += entries / window.total_seconds() * known.longer * known.beyond_s
    # What was drawn out beyond the window is a guess as large as itself.
    error = (_ERROR + known.longer) * expected
    variance = sum(chance * (1.0 - chance) for chance in chances) + error**2 + 1.0
    return Inside(
        rule=Rule.MISSED_EXITS,
        vehicles=expected,
        sd=_SAME_VEHICLES * float(variance**0.5),
        reason=f"of {len(chances)} vehicles without an exit, {expected:.0f} are still inside by their age",
    )
