"""A simulated city for which everything is known: what happened in it, and every message that told of it.

It lives at our own speed (a second is a second), in memory, so that a day takes some moments. The truth is
the demand that the simulator's stream drew its messages from, drawn once more from the same seed, and checked
against what the stream says itself at the end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.stage import BenchFailed
from sensors_sim.city import City, build_city
from sensors_sim.demand import Changes, Demand
from sensors_sim.faults import Faults
from sensors_sim.ledger import NoLedger
from sensors_sim.sensors import DEBOUNCE_S, GAP_S
from sensors_sim.speech import Clock
from sensors_sim.stream import Stream

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""A Monday morning in winter: the town's clock is UTC."""
MAX_STAY_MIN: Final = 120
"""How long one may stay in every bay."""
SPREAD_S: Final = 3.0
_BOOT: Final = 1

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Sent = tuple[float, str, bytes, bool]
"""When a message reached the broker (seconds from the start), its topic, its payload, and whether it expires.

One that expires tells, however long it waits at the broker, since when.
"""


@dataclass(frozen=True, slots=True)
class Stays:
    """Columns of stays, in seconds from the start: bay, begin, end, and which of the two were seen.

    What is open at either end of the time looked at is cut off there, and that end counts as not seen.
    """

    bay: NDArray[np.int64]
    begin: Floats
    end: Floats
    whole: Bools

    def over(self, limit_s: float) -> "Stays":
        """Those that lasted longer."""
        return self.where(self.end - self.begin > limit_s)

    def where(self, keep: Bools) -> "Stays":
        """The rows that `keep` marks."""
        return Stays(self.bay[keep], self.begin[keep], self.end[keep], self.whole[keep])


@dataclass(frozen=True, slots=True)
class Lived:
    """Some hours of a city: what happened, and what was told of it."""

    city: City
    end_s: float
    initial: Bools
    changes: Changes
    sent: list[Sent]

    def taken(self, at: Floats) -> Bools:
        """Which spaces were taken at these times, ascending: a row for each."""
        found = np.empty((len(at), len(self.initial)), dtype=np.bool_)
        now, done = self.initial.copy(), 0
        for row, until in enumerate(np.searchsorted(self.changes.at, at, side="right").tolist()):
            now[self.changes.space[done:until]] = self.changes.occupied[done:until]
            found[row], done = now, until
        return found

    def stays(self) -> Stays:
        """The stays in the bays with a sensor."""
        bays = np.arange(self.city.bays)
        mine = self.changes.where(self.changes.space < self.city.bays)
        space = np.concatenate([bays, mine.space, bays])
        at = np.concatenate([np.zeros(len(bays)), mine.at, np.full(len(bays), self.end_s)])
        occupied = np.concatenate([self.initial[bays], mine.occupied, np.zeros(len(bays), np.bool_)])
        # 0 and 2 are the edges of the time looked at, 1 is what happened in it.
        kind = np.repeat([0, 1, 2], [len(bays), len(mine), len(bays)])
        order = np.lexsort((kind, at, space))
        space, at, occupied, kind = space[order], at[order], occupied[order], kind[order]
        began = np.flatnonzero(occupied)
        whole = (kind[began] == 1) & (kind[began + 1] == 1)
        return Stays(space[began], at[began], at[began + 1], whole)


def streets(*, seed: int, bays: int) -> City:
    """Two streets, every bay with a sensor."""
    return build_city(seed=seed, bays=bays, sites=2)


def car_park(*, seed: int) -> City:
    """A car park that is counted at its gates."""
    return build_city(seed=seed, bays=0, sites=1)


def registry_of(city: City) -> dict[str, Any]:
    """Its registry file's document, with a limit of stay, and gates of a town that lives at our speed."""
    document = city.registry()
    for site in document["sites"]:
        for gate in site.get("gates", ()):
            del gate["repeat_s"]
        if "bays" in site:
            site["max_stay_min"] = MAX_STAY_MIN
    return document


def live(city: City, faults: Faults, *, hours: float) -> Lived:
    """Live so many hours from `START` on. Raises BenchFailed if truth and messages are not one city's."""
    clock = Clock(epoch=START.timestamp(), start=START.replace(tzinfo=None), speed=1.0)
    stream = Stream(city, clock, boot=_BOOT, faults=faults, journal=NoLedger(), spread_s=SPREAD_S)
    sent: list[Sent] = []
    now, end_s = 0.0, hours * 3600

    def take() -> None:
        while messages := stream.take(now):
            sent.extend((now, message.topic, message.render(now), message.expires) for message in messages)

    while now < end_s:
        now = min(end_s, stream.next_due())
        take()
    stream.stop(end_s)
    while not stream.done:
        now = max(now, stream.next_due())
        take()
    lived = _happened(city, clock, sent, end_s)
    if not np.array_equal(lived.taken(np.array([end_s]))[0], stream.truth()):
        raise BenchFailed("the truth is not that of the city that told its messages")
    return lived


def _happened(city: City, clock: Clock, sent: list[Sent], end_s: float) -> Lived:
    settle_s = SPREAD_S + DEBOUNCE_S + 1
    demand = Demand(city, clock.start, gap_s=GAP_S, settle_s=settle_s)
    initial, drawn = demand.occupied.copy(), []
    while demand.until < end_s:
        drawn.append(demand.block())
    columns = (
        np.concatenate([getattr(part, name) for part in drawn]) for name in ("space", "at", "occupied")
    )
    changes = Changes(*columns)
    return Lived(city, end_s, initial, changes.where(changes.at <= end_s), sent)


def capacity_of(city: City) -> NDArray[np.int64]:
    """Spaces of each site."""
    return np.array([site.capacity for site in city.sites], dtype=np.int64)


def by_site(city: City, taken: Bools) -> NDArray[np.int64]:
    """How many spaces of each site are taken, from rows of all spaces."""
    first = [site.first for site in city.sites]
    return np.add.reduceat(taken.astype(np.int64), first, axis=1)
