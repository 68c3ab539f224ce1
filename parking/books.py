"""The running count of one gate-counted site, step by step, with the corrections that are due.

It knows nothing but what it is told: at each step who passed since the one before, and what is known of the
number inside (`parking.drift.Inside`: a count by hand, a closure, a guess by the tokens). The same steps
give the same corrections, so books can be kept anew from any time whose `state` is known.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from parking.drift import USUAL_HOUR, Correction, DriftWatch, Inside, quietest_hour

NIGHTS: Final = 7
"""Days by which the quietest hour is found."""
MARGIN: Final = 0.05
"""Of the capacity: what another hour must be quieter by to be looked at instead."""


class Books:
    """A site's books from `at` on, when `count` vehicles were inside, give or take `sd`.

    `zone` is the site's: its quietest hour is one of the clock on the wall. `overnight` is how many are
    known to stay then, with its standard deviation. `nights` False leaves the quietest hour out: where a
    site is as full at any hour as at another, it tells nothing.
    """

    def __init__(
        self,
        capacity: int,
        *,
        at: datetime,
        count: int,
        sd: float = 0.0,
        zone: tzinfo = UTC,
        overnight: tuple[float, float] | None = None,
        nights: bool = True,
    ) -> None:
        self.count = count
        self._watch = DriftWatch(capacity, sd=sd, overnight=overnight)
        self._at = at
        self._zone = zone
        self._nights = nights
        self._quietest = USUAL_HOUR
        self._margin = MARGIN * capacity
        self._hours: deque[tuple[datetime, int]] = deque(maxlen=24 * NIGHTS)

    @property
    def sd(self) -> float:
        """How sure the count is: the standard deviation of its drift."""
        return self._watch.sd

    @property
    def at(self) -> datetime:
        """Up to when they are kept."""
        return self._at

    @property
    def missed_share(self) -> float:
        """The share of exits that no camera sees, as far as it is known, net of entries."""
        return self._watch.missed_share

    def state(self) -> dict[str, Any]:
        """All that the next steps depend on, as JSON takes it."""
        return {
            "count": self.count,
            "at": self._at.isoformat(),
            "quietest": self._quietest,
            "hours": [[at.isoformat(), count] for at, count in self._hours],
            "watch": self._watch.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`: what follows is what would have followed there."""
        self.count = state["count"]
        self._at = datetime.fromisoformat(state["at"])
        self._quietest = state["quietest"]
        self._hours = deque(
            ((datetime.fromisoformat(at).astimezone(self._zone), count) for at, count in state["hours"]),
            maxlen=self._hours.maxlen,
        )
        self._watch.resume(state["watch"])

    def step(
        self, at: datetime, *, entries: int, exits: int, known: Sequence[Inside] = ()
    ) -> Correction | None:
        """What passed from the step before until `at`, and what is known then; the correction that is due."""
        self.count += entries - exits
        if self._nights:
            self._watch.passed(exits=exits, hours=(at - self._at) / timedelta(hours=1))
        self._watch.bound(self.count)
        if self._nights:
            self._hour(at)
        for fact in known:
            self._watch.learn(self.count, fact)
        self._at = at
        correction = self._watch.correct(self.count, at)
        if correction is not None:
            self.count = correction.after
        return correction

    def _hour(self, at: datetime) -> None:
        """Note the count once an hour, and look at it closely at the quietest."""
        local = at.astimezone(self._zone)
        if self._hours and _hour_of(self._hours[-1][0]) == _hour_of(local):
            return
        self._hours.append((local, self.count))
        self._quietest = quietest_hour(self._hours, so_far=self._quietest, margin=self._margin)
        if local.hour == self._quietest:
            self._watch.night(self.count, self._quietest)


def _hour_of(local: datetime) -> datetime:
    return local.replace(minute=0, second=0, microsecond=0)
