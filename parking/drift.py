"""How far the running count at gates has drifted from the truth, and the corrections that follow.

Theory of operation. A count at gates is right about every hour and wrong about every month: each exit that
no camera saw leaves a vehicle inside for ever. `DriftWatch` follows three numbers and how sure it is of
each: the drift (how many more are counted than are inside), the share of exits that are missed (net of
missed entries), and how many vehicles stay overnight. It is a Kalman filter, so each is the best guess by
all that was learnt:

- each hour, the drift grows by the share of the exits then counted (`passed`);
- at the quietest hour of the day, the count is the drift and those who stay overnight (`night`); a night far
  from what was expected weighs less, so that one event does not count as drift;
- what is known of the number inside tells the drift at once (`learn`): a manual count, a closed and empty car
  park, and the vehicles that have entered and by their tokens may still be there (`parking.occupants`);
- a count below 0 or above the capacity is certain drift (`bound`).

Nothing is clamped: once the drift is a whole `step` of vehicles or more, `correct` gives a correction for
the record, with the rule that most of it comes from and the reason in words. What a watch has learnt follows
from history; its `state` spares going back to the beginning.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MIN_DAYS: Final = 3
"""Days of history without which the quietest hour is not known, and `USUAL_HOUR` is taken."""
USUAL_HOUR: Final = 4
STEP: Final = 0.005
"""Of the capacity: the least drift that is corrected."""
MAX_SURPRISE: Final = 3.0
"""Standard deviations beyond which a night or a guess weighs less."""

_SHARE: Final = (0.01, 0.02)
"""Of exits missed, before anything is learnt: mean and standard deviation."""
_OVERNIGHT: Final = (0.1, 0.3)
"""Of the capacity, likewise: as good as nothing is known."""
_NIGHT_SD: Final = 0.03
"""Of the capacity: how much the nights differ."""
_NOISE: Final = 0.05
"""Variance of the drift for each exit: missed or not, as chance has it, and vehicles counted twice."""
_SHARE_WALK: Final = 2e-4
"""Standard deviation of the share's own change in an hour: cameras get dirty."""
_OVERNIGHT_WALK: Final = 0.0005
"""Of the capacity, in an hour."""
_DRIFT, _MISSED, _STAYING = 0, 1, 2


class Rule(StrEnum):
    """What a correction comes from."""

    MANUAL = "manual"
    CLOSURE = "closure"
    NIGHT_MINIMUM = "night_minimum"
    MISSED_EXITS = "missed_exits"
    BELOW_ZERO = "below_zero"
    ABOVE_CAPACITY = "above_capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A change of a running count that no vehicle made."""

    rule: Rule
    before: int
    after: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What is known of the number inside, and how well (standard deviation, vehicles)."""

    rule: Rule
    vehicles: float
    sd: float
    reason: str

    @classmethod
    def counted(cls, vehicles: int) -> "Inside":
        """A person went through and counted."""
        return cls(rule=Rule.MANUAL, vehicles=vehicles, sd=0.0, reason=f"{vehicles} were counted by hand")

    @classmethod
    def closed(cls) -> "Inside":
        """The site is closed and empty."""
        return cls(rule=Rule.CLOSURE, vehicles=0, sd=0.0, reason="the site is closed and empty")


class DriftWatch:
    """The drift of one site's count. `count` in each call is the running count with all corrections so far.

    `sd` is how far off the count may be at the beginning. `overnight` is how many are known to stay at the
    quietest hour, with its standard deviation. Without it, and without tokens, the nights tell how the drift
    grows and hardly where it began.
    """

    def __init__(
        self, capacity: int, *, sd: float = 0.0, overnight: tuple[float, float] | None = None
    ) -> None:
        self._capacity = capacity
        self._step = max(1, round(capacity * STEP))
        self._overnight = overnight or (_OVERNIGHT[0] * capacity, _OVERNIGHT[1] * capacity)
        self._mean = np.array([0.0, _SHARE[0], self._overnight[0]])
        self._covariance = np.diag([sd**2, _SHARE[1] ** 2, self._overnight[1] ** 2])
        self._hour: int | None = None
        self._owed: dict[Rule, float] = defaultdict(float)
        self._reasons: dict[Rule, str] = {}

    @property
    def drift(self) -> float:
        """How many more vehicles are counted than are inside."""
        return float(self._mean[_DRIFT])

    @property
    def sd(self) -> float:
        """How sure that is: its standard deviation."""
        return float(np.sqrt(max(self._covariance[_DRIFT, _DRIFT], 0.0)))

    @property
    def missed_share(self) -> float:
        """The share of exits that no camera sees, net of entries."""
        return float(self._mean[_MISSED])

    def state(self) -> dict[str, Any]:
        """All that it has learnt, as JSON takes it."""
        return {
            "mean": self._mean.tolist(),
            "covariance": self._covariance.tolist(),
            "overnight": list(self._overnight),
            "hour": self._hour,
            "owed": {rule.value: amount for rule, amount in self._owed.items()},
            "reasons": {rule.value: reason for rule, reason in self._reasons.items()},
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self._mean = np.array(state["mean"], dtype=np.float64)
        self._covariance = np.array(state["covariance"], dtype=np.float64)
        self._overnight = (state["overnight"][0], state["overnight"][1])
        self._hour = state["hour"]
        self._owed = defaultdict(float, {Rule(rule): amount for rule, amount in state["owed"].items()})
        self._reasons = {Rule(rule): reason for rule, reason in state["reasons"].items()}

    def passed(self, *, exits: int, hours: float = 1.0) -> None:
        """So many exits were counted in so many hours."""
        grown = float(self._mean[_MISSED]) * exits
        move = np.eye(3)
        move[_DRIFT, _MISSED] = exits
        self._mean = move @ self._mean
        walks = [_NOISE * exits, _SHARE_WALK**2 * hours, (_OVERNIGHT_WALK * self._capacity) ** 2 * hours]
        self._covariance = move @ self._covariance @ move.T + np.diag(walks)
        self._owe(
            Rule.MISSED_EXITS,
            grown,
            f"of 100 exits {100 * self.missed_share:.1f} are not seen, by the balance of the days before",
        )

    def night(self, count: int, hour: int) -> None:
        """The count at the quietest hour of a day, which is `hour`."""
        if hour != self._hour:
            self._other_hour(hour)
        surprise = count - self._mean[_DRIFT] - self._mean[_STAYING]
        sd = max(1.0, _NIGHT_SD * self._capacity)
        reason = f"{count} were counted at the quietest hour, when about {self._mean[_STAYING]:.0f} stay"
        self._weigh(Rule.NIGHT_MINIMUM, np.array([1.0, 0.0, 1.0]), surprise, sd, reason)

    def learn(self, count: int, known: Inside) -> None:
        """What is known of the number inside while the count says `count`."""
        surprise = count - known.vehicles - self._mean[_DRIFT]
        self._weigh(known.rule, np.array([1.0, 0.0, 0.0]), surprise, known.sd, known.reason)

    def bound(self, count: int) -> None:
        """Less than none and more than the capacity cannot be inside."""
        inside = count - self.drift
        if inside < 0:
            reason = f"by the count {-inside:.0f} fewer than none are inside"
            self._shift(Rule.BELOW_ZERO, inside, reason)
        elif inside > self._capacity:
            reason = f"by the count {inside - self._capacity:.0f} more than the capacity are inside"
            self._shift(Rule.ABOVE_CAPACITY, inside - self._capacity, reason)

    def correct(self, count: int, at: datetime) -> Correction | None:
        """The correction that is due, if any; the caller counts on from its `after`."""
        whole = round(self.drift)
        exact = self.sd < 0.5
        if whole == 0 or (abs(whole) < self._step and not exact and 0 <= count <= self._capacity):
            return None
        rule = max(self._owed, key=lambda rule: (self._owed[rule] * whole, rule))
        correction = Correction(
            rule=rule, before=count, after=count - whole, at=at, reason=self._reasons.get(rule, "")
        )
        self._mean[_DRIFT] -= whole
        self._owed.clear()
        return correction

    def _weigh(self, rule: Rule, view: NDArray[np.float64], surprise: float, sd: float, reason: str) -> None:
        """Learn from an observation, less from one that is hardly believable unless it is certain."""
        spread = float(view @ self._covariance @ view)
        expected = np.sqrt(spread + sd**2)
        if sd > 0 and abs(surprise) > MAX_SURPRISE * expected:
            sd = abs(surprise) / MAX_SURPRISE
        total = spread + sd**2
        before = self.drift
        if total > 0:
            gain = self._covariance @ view / total
            self._mean = self._mean + gain * surprise
            self._covariance = self._covariance - np.outer(gain, view @ self._covariance)
        if sd == 0:
            # Certain, however sure the filter was of something else.
            self._mean[_DRIFT] = before + surprise
        self._owe(rule, self.drift - before, reason)

    def _other_hour(self, hour: int) -> None:
        """Those who stay at one hour tell nothing of those who stay at another."""
        if self._hour is not None:
            self._mean[_STAYING] = self._overnight[0]
            self._covariance[_STAYING, :] = self._covariance[:, _STAYING] = 0.0
            self._covariance[_STAYING, _STAYING] = self._overnight[1] ** 2
        self._hour = hour

    def _shift(self, rule: Rule, by: float, reason: str) -> None:
        self._mean[_DRIFT] += by
        self._covariance[_DRIFT, _DRIFT] += by**2
        self._owe(rule, by, reason)

    def _owe(self, rule: Rule, amount: float, reason: str) -> None:
        self._owed[rule] += amount
        self._reasons[rule] = reason


def quietest_hour(
    counts: Iterable[tuple[datetime, int]], *, so_far: int = USUAL_HOUR, margin: float = 0.0
) -> int:
    """The hour of the day (of the times' own zone) at which fewest are inside, over several days.

    Each day is taken relative to its own median, so that drift from day to day does not matter; the median
    over the days passes over single events. The hour `so_far` stays unless another has fewer by more than
    `margin`: many hours of a night are alike, and who stays at one of them is learnt slowly.
    """
    days: dict[date, list[tuple[int, int]]] = defaultdict(list)
    for at, count in counts:
        days[at.date()].append((at.hour, count))
    hours: dict[int, list[float]] = defaultdict(list)
    for day in days.values():
        middle = median(count for _, count in day)
        for hour, count in day:
            hours[hour].append(count - middle)
    enough = {hour: median(found) for hour, found in hours.items() if len(found) >= MIN_DAYS}
    if not enough:
        return so_far
    best = min(enough, key=lambda hour: (enough[hour], hour))
    return best if so_far not in enough or enough[so_far] - enough[best] > margin else so_far
