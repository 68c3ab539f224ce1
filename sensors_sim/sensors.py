"""What the sensors say of their bays: changes, heartbeats and boots, numbered as the devices number them.

Theory of operation. A sensor *decides* a change once the bay has held its new state for `DEBOUNCE_S`; it
sends after a radio delay that is its own and never varies, so its words stay in order. For each block, the
rows of all sensors (decided changes, heartbeats, boots) are sorted by sensor and time of decision. Behind one
carried row for each sensor (what it knew at the end of the last block), states are filled forward and
counters are running sums.

All times here are wall seconds from the start of the simulation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors_sim.city import City, Radio
from sensors_sim.demand import Changes
from sensors_sim.faults import Faults, SensorFaults

DEBOUNCE_S = 2.0
GAP_S = 2.5
"""Least time between two changes of a bay: the debounce and some."""
HEARTBEAT_JITTER = 0.1
_BURST = 3
"""A flapping sensor adds up to so many pairs of changes to each real one."""
_STREAM = 40

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


class Kind(IntEnum):
    """Why a sensor speaks."""

    CHANGE = 0
    HEARTBEAT = 1
    BOOT = 2


class Report(NamedTuple):
    """One word of one sensor.

    `since` is when its state began for it, `previous` how long the state before lasted (NaN: not known),
    `session` counts its starts from 0, `seq` is the transition sequence of our sensors, the frame counter of
    LoRaWAN ones.
    """

    bay: int
    kind: int
    occupied: bool
    since: float
    previous: float
    decided: float
    due: float
    session: int
    seq: int


@dataclass(frozen=True, slots=True)
class Reports:
    """Columns of reports, in no particular order."""

    bay: _Ints
    kind: _Ints
    occupied: NDArray[np.bool_]
    since: _Floats
    previous: _Floats
    decided: _Floats
    due: _Floats
    session: _Ints
    seq: _Ints

    def __iter__(self) -> Iterator[Report]:
        columns = (self.bay, self.kind, self.occupied, self.since, self.previous)
        more = (self.decided, self.due, self.session, self.seq)
        return map(Report._make, zip(*(column.tolist() for column in (*columns, *more)), strict=True))

    def __len__(self) -> int:
        return len(self.bay)


@dataclass(slots=True)
class _Rows:
    """Columns before numbering; `at` is when the state began, for changes."""

    bay: _Ints
    kind: _Ints
    occupied: NDArray[np.bool_]
    at: _Floats
    decided: _Floats

    def where(self, keep: NDArray[np.bool_]) -> "_Rows":
        return _Rows(self.bay[keep], self.kind[keep], self.occupied[keep], self.at[keep], self.decided[keep])


class Sensors:
    """All sensors of a city. `occupied` is the bays' state at the start; all start within `spread_s`."""

    def __init__(
        self,
        city: City,
        occupied: NDArray[np.bool_],
        *,
        faults: Faults,
        broken: SensorFaults,
        spread_s: float,
    ) -> None:
        self._city = city
        self._faults = faults
        self._broken = broken
        self._spread_s = spread_s
        self._counts_uplinks = city.radio >= Radio.TTS
        rng = self._rng(-1)
        self._radio_s = rng.uniform(0.05, 0.6, city.bays)
        self._boots = rng.uniform(0, spread_s, city.bays)
        self._beat = self._boots + rng.uniform(0.05, 1.0, city.bays) * city.heartbeat_s
        self._occupied = occupied.copy()
        self._since = np.zeros(city.bays)
        self._previous = np.full(city.bays, np.nan)
        self._session = np.full(city.bays, -1, dtype=np.int64)
        self._seq = np.zeros(city.bays, dtype=np.int64)
        self._pending = _rows(0)
        self._block = 0

    def block(self, changes: Changes, *, begin: float, end: float) -> Reports:
        """What is decided from `begin` to `end`, given the bays' changes in that time."""
        rng = self._rng(self._block)
        self._block += 1
        changes = self._flapped(rng, self._not_stuck(changes), end)
        rows = _join(self._pending, _changes(changes))
        beats = self._heartbeats(rng, end)
        boots = self._restarts(rng, rows, begin, end)
        late = rows.decided >= end
        self._pending = rows.where(late)
        rows = _join(rows.where(~late), beats, boots)
        rows = rows.where(rows.decided < self._broken.silent[rows.bay])
        # Nothing is heard of a sensor before its first start.
        rows = rows.where(rows.decided >= self._boots[rows.bay])
        return self._numbered(rows)

    def _not_stuck(self, changes: Changes) -> Changes:
        return changes.where(changes.at < self._broken.stuck[changes.space])

    def _flapped(self, rng: np.random.Generator, changes: Changes, end: float) -> Changes:
        """Add pairs of changes behind those of flapping sensors, as many as fit before the bay's next one."""
        mine = np.flatnonzero(changes.at >= self._broken.flapping[changes.space])
        if not mine.size:
            return changes
        order = np.lexsort((changes.at, changes.space))
        following = np.full(len(changes), np.inf)
        same = changes.space[order][1:] == changes.space[order][:-1]
        following[order[:-1][same]] = changes.at[order][1:][same]
        gaps = GAP_S + rng.exponential(2.0, (mine.size, 2 * _BURST))
        at = changes.at[mine, None] + np.cumsum(gaps, axis=1)
        fits = at[:, 1::2] + GAP_S < following[mine, None]
        # The bay's next change may be at the start of the next block.
        fits &= at[:, 1::2] + GAP_S < end
        keep = np.repeat(fits, 2, axis=1).ravel()
        flips = np.tile(np.arange(2 * _BURST) % 2 == 0, mine.size)
        more = Changes(
            np.repeat(changes.space[mine], 2 * _BURST)[keep],
            at.ravel()[keep],
            (np.repeat(changes.occupied[mine], 2 * _BURST) ^ flips)[keep],
        )
        return Changes(
            np.concatenate([changes.space, more.space]),
            np.concatenate([changes.at, more.at]),
            np.concatenate([changes.occupied, more.occupied]),
        )

    def _heartbeats(self, rng: np.random.Generator, end: float) -> _Rows:
        bays, times = [], []
        due = np.flatnonzero(self._beat < end)
        while due.size:
            bays.append(due)
            times.append(self._beat[due])
            jitter = rng.uniform(1 - HEARTBEAT_JITTER, 1 + HEARTBEAT_JITTER, due.size)
            self._beat[due] += self._city.heartbeat_s[due] * jitter
            due = due[self._beat[due] < end]
        return _spoken(bays, times, Kind.HEARTBEAT)

    def _restarts(self, rng: np.random.Generator, changes: _Rows, begin: float, end: float) -> _Rows:
        """First starts, and reboots at random except while a change is being decided."""
        first = np.flatnonzero((self._boots >= begin) & (self._boots < end))
        count = rng.poisson(self._faults.reboot * (end - begin) / 3600, self._city.bays)
        bay = np.repeat(np.arange(self._city.bays), count)
        at = rng.uniform(begin, end, bay.size)
        allowed = at > self._spread_s + DEBOUNCE_S
        if len(changes.bay) and bay.size:
            # One key for bay and time makes the last change before each reboot one search.
            span = end + GAP_S - begin + 2 * GAP_S
            keys = np.sort(changes.bay * span + (changes.at - begin + 2 * GAP_S))
            mine = bay * span + (at - begin + 2 * GAP_S)
            before = np.searchsorted(keys, mine, side="right") - 1
            allowed &= (before < 0) | (mine - keys[np.maximum(before, 0)] > GAP_S)
        return _spoken([first, bay[allowed]], [self._boots[first], at[allowed]], Kind.BOOT)

    def _numbered(self, rows: _Rows) -> Reports:
        """Fill states forward and number the rows; remember where each sensor stands."""
        bays = self._city.bays
        carried = _Rows(
            np.arange(bays), np.full(bays, -1), self._occupied, self._since, np.full(bays, -np.inf)
        )
        rows = _join(carried, rows)
        order = np.lexsort((rows.decided, rows.bay))
        bay, kind, occupied = rows.bay[order], rows.kind[order], rows.occupied[order]
        at, decided = rows.at[order], rows.decided[order]
        index = np.arange(bay.size)
        head = kind == -1
        change, boot = kind == Kind.CHANGE, kind == Kind.BOOT
        known = np.maximum.accumulate(np.where(head | change, index, 0))
        occupied = occupied[known]
        at = np.where(boot, decided, at)
        began = np.maximum.accumulate(np.where(head | change | boot, index, 0))
        since = at[began]
        previous = np.where(change, at - np.roll(since, 1), np.nan)
        previous[head] = self._previous
        previous = previous[began]
        starts = np.cumsum(boot)
        first = np.maximum.accumulate(np.where(head, index, 0))
        session = self._session[bay] + starts - starts[first]
        counted = np.cumsum(change | (self._counts_uplinks[bay] & ~head))
        base = np.maximum.accumulate(np.where(head | boot, index, 0))
        seq = counted - counted[base] + np.where(boot[base], 0, self._seq[bay])
        last = np.append(np.flatnonzero(head)[1:] - 1, bay.size - 1)[:bays]
        self._occupied, self._since, self._previous = occupied[last], since[last], previous[last]
        self._session, self._seq = session[last], seq[last]
        due = decided + self._radio_s[bay]
        columns = (bay, kind, occupied, since, previous, decided, due, session, seq)
        return Reports(*(column[~head] for column in columns))

    def _rng(self, block: int) -> np.random.Generator:
        return np.random.default_rng([self._city.seed, _STREAM, block + 1])


def _rows(size: int) -> _Rows:
    ints = np.empty(size, np.int64)
    return _Rows(ints, ints, np.empty(size, np.bool_), np.empty(size), np.empty(size))


def _changes(changes: Changes) -> _Rows:
    kind = np.full(len(changes), Kind.CHANGE, dtype=np.int64)
    return _Rows(changes.space, kind, changes.occupied, changes.at, changes.at + DEBOUNCE_S)


def _spoken(bays: list[_Ints], times: list[_Floats], kind: Kind) -> _Rows:
    """Rows that tell no change."""
    if not bays:
        return _rows(0)
    bay, at = np.concatenate(bays), np.concatenate(times)
    return _Rows(bay, np.full(bay.size, kind, dtype=np.int64), np.zeros(bay.size, np.bool_), at, at)


def _join(*parts: _Rows) -> _Rows:
    return _Rows(
        np.concatenate([part.bay for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.occupied for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.decided for part in parts]),
    )
