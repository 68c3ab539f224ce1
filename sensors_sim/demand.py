"""When vehicles come and go: an alternating renewal process for each space, in columns.

Theory of operation. A vacant space waits for its next arrival, an inhomogeneous Poisson process whose rate
follows the hour and weekday of its kind of place; that time is exact, by inverting the cumulative rate. A
taken space waits for its departure, after a lognormal dwell. All spaces advance together: each round draws
the next change of those that are due. A gated car park's spaces work alike, so that it can never hold more
than its capacity.

Time is city time: seconds from the start of the simulation, on the town's own clock. It runs in blocks of
`BLOCK_S`, each with its own random numbers, so that the same seed gives the same changes however far one
plans.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from sensors_sim.city import City
from sensors_sim.profiles import HOUR_S, PROFILES, WEEK_S, Use

BLOCK_S = 900.0
"""City seconds that are drawn at a time."""
WARM_UP_S = 72 * HOUR_S
"""City seconds before the start in which an empty city fills."""
_STREAM = 20
_WEEKS_AHEAD = 2
"""Shifts week time so that the warm-up is not negative."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Columns in order of time: space, when (seconds from the start), whether it is taken from then on."""

    space: NDArray[np.int64]
    at: NDArray[np.float64]
    occupied: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.space)

    def where(self, keep: NDArray[np.bool_]) -> "Changes":
        """The rows that `keep` marks."""
        return Changes(self.space[keep], self.at[keep], self.occupied[keep])


@dataclass(frozen=True, slots=True)
class Plan:
    """Which spaces are taken at the start, and every change from then to the horizon."""

    initial: NDArray[np.bool_]
    changes: Changes


class Arrivals:
    """The time of the next arrival at vacant spaces, by kind of place."""

    def __init__(self) -> None:
        self._grid = np.arange(0, WEEK_S + 1, HOUR_S, dtype=np.float64)
        self._cumulative = {use: np.concatenate([[0.0], np.cumsum(PROFILES[use].week())]) for use in Use}

    def next(
        self, since: NDArray[np.float64], *, use: NDArray[np.int8], wait: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """When the cumulative rate has grown by `wait` after `since` (seconds from a Monday's midnight)."""
        found = np.empty_like(since)
        for kind in Use:
            mine = use == kind
            found[mine] = self._advance(self._cumulative[kind], since[mine], wait[mine])
        return found

    def _advance(
        self, cumulative: NDArray[np.float64], since: NDArray[np.float64], wait: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        total = cumulative[-1]
        weeks, within = np.divmod(since, WEEK_S)
        level = np.interp(within, self._grid, cumulative) + wait
        more, rest = np.divmod(level, total)
        return np.asarray((weeks + more) * WEEK_S + np.interp(rest, cumulative, self._grid))


class Demand:
    """The city's vehicles from `start` (local time) on.

    `gap_s` is the least time between two changes of a space. No change happens in the first `settle_s`,
    in which the sensors start.
    """

    def __init__(self, city: City, start: datetime, *, gap_s: float, settle_s: float = 0.0) -> None:
        self._city = city
        self._gap_s = gap_s
        self._arrivals = Arrivals()
        monday = start.weekday() * 86_400 + start.hour * HOUR_S + start.minute * 60 + start.second
        self._week_s = float(monday + _WEEKS_AHEAD * WEEK_S)
        medians = np.array([PROFILES[use].dwell_median_s for use in Use])
        self._dwell_mean = np.log(medians)[city.use]
        self._dwell_sigma = np.array([PROFILES[use].dwell_sigma for use in Use])[city.use]
        self.occupied = np.zeros(city.spaces, dtype=np.bool_)
        self._next = np.empty(city.spaces)
        self._block = 0
        self._warm_up()
        self._settle(settle_s)

    @property
    def until(self) -> float:
        """City seconds up to which changes have been drawn."""
        return self._block * BLOCK_S

    def block(self) -> Changes:
        """The changes of the next `BLOCK_S` seconds; `occupied` is then the state at their end."""
        rng = self._rng(self._block)
        self._block += 1
        end = self.until
        spaces, times, states = [], [], []
        due = np.flatnonzero(self._next < end)
        while due.size:
            at, taken = self._next[due], ~self.occupied[due]
            spaces.append(due)
            times.append(at)
            states.append(taken)
            self.occupied[due] = taken
            self._next[due] = self._draw(rng, due, at)
            due = due[self._next[due] < end]
        if not spaces:
            return Changes(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))
        at = np.concatenate(times)
        order = np.argsort(at, kind="stable")
        return Changes(np.concatenate(spaces)[order], at[order], np.concatenate(states)[order])

    def _draw(
        self, rng: np.random.Generator, spaces: NDArray[np.int64], at: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """When each space changes next, having changed `at`."""
        taken = self.occupied[spaces]
        waiting, leaving = spaces[~taken], spaces[taken]
        found = np.empty_like(at)
        dwell = rng.lognormal(self._dwell_mean[leaving], self._dwell_sigma[leaving])
        found[taken] = at[taken] + np.maximum(dwell, self._gap_s)
        since = at[~taken] + self._gap_s + self._week_s
        wait = rng.standard_exponential(waiting.size) / self._city.pull[waiting]
        found[~taken] = self._arrivals.next(since, use=self._city.use[waiting], wait=wait) - self._week_s
        return found

    def _warm_up(self) -> None:
        self._block = -int(WARM_UP_S / BLOCK_S)
        everyone = np.arange(self._city.spaces)
        self._next = self._draw(self._rng(self._block - 1), everyone, np.full(everyone.size, self.until))
        while self._block < 0:
            self.block()

    def _settle(self, settle_s: float) -> None:
        """Put the registered number of vehicles into each gated car park, and let the start pass in peace."""
        rng = self._rng(1 << 20)
        for site in self._city.sites:
            if site.gates:
                self._fill(rng, np.arange(site.first, site.first + site.capacity), site.initial_count)
        early = np.flatnonzero(self._next < settle_s)
        self._next[early] = settle_s + rng.uniform(0, settle_s + self._gap_s, early.size)

    def _fill(self, rng: np.random.Generator, spaces: NDArray[np.int64], count: int) -> None:
        wanted = np.zeros(spaces.size, dtype=np.bool_)
        wanted[np.argsort(~self.occupied[spaces], kind="stable")[:count]] = True
        changed = spaces[wanted != self.occupied[spaces]]
        self.occupied[spaces] = wanted
        self._next[changed] = self._draw(rng, changed, np.zeros(changed.size))

    def _rng(self, block: int) -> np.random.Generator:
        return np.random.default_rng([self._city.seed, _STREAM, block + (1 << 24)])


def plan(city: City, start: datetime, horizon_s: float, *, gap_s: float = 2.0) -> Plan:
    """Every change of the city from `start` (local time) for `horizon_s` city seconds, in one go."""
    demand = Demand(city, start, gap_s=gap_s)
    initial = demand.occupied.copy()
    blocks = []
    while demand.until < horizon_s:
        blocks.append(demand.block())
    if not blocks:
        return Plan(initial, Changes(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_)))
    joined = Changes(
        np.concatenate([block.space for block in blocks]),
        np.concatenate([block.at for block in blocks]),
        np.concatenate([block.occupied for block in blocks]),
    )
    return Plan(initial, joined.where(joined.at < horizon_s))
