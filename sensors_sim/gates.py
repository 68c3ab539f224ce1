"""Vehicles that pass the gates of counted car parks, from the changes of their spaces."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors_sim.city import City
from sensors_sim.demand import Changes
from sensors_sim.faults import Faults

_STREAM = 50
DOUBLE_AFTER_S = 3.0
"""A vehicle that is read twice is read again so much later."""


class Passage(NamedTuple):
    """One vehicle through one gate at `at` (wall seconds from the start). `number` counts passages from 0."""

    number: int
    site: int
    gate: int
    entering: bool
    at: float
    vehicle: int
    missed: bool
    double: bool
    misread: bool

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the faults that apply."""
        return tuple(name for name in ("missed", "double", "misread") if getattr(self, name))


class Gates:
    """All gates of a city. `occupied` is the state of all spaces at the start."""

    def __init__(self, city: City, occupied: NDArray[np.bool_], *, faults: Faults) -> None:
        self._city = city
        self._faults = faults
        self._vehicle = np.full(city.spaces, -1, dtype=np.int64)
        inside = np.flatnonzero(occupied)
        inside = inside[inside >= city.bays]
        self._vehicle[inside] = np.arange(inside.size)
        self._vehicles = inside.size
        self._passages = 0
        self._block = 0
        self._lanes = np.array([max(1, len(site.gates) // 2) for site in city.sites], dtype=np.int64)

    def block(self, changes: Changes) -> Iterator[Passage]:
        """The passages behind the changes of unwatched spaces, in order of time."""
        rng = np.random.default_rng([self._city.seed, _STREAM, self._block])
        self._block += 1
        size = len(changes)
        site = self._city.site_of[changes.space]
        lane = (rng.random(size) * self._lanes[site]).astype(np.int64)
        gate = np.where(changes.occupied, lane, lane + self._lanes[site])
        drawn = rng.random((3, size))
        columns = (
            np.arange(self._passages, self._passages + size),
            site,
            gate,
            changes.occupied,
            changes.at,
            self._vehicles_of(changes),
            drawn[0] < self._faults.missed,
            drawn[1] < self._faults.double,
            drawn[2] < self._faults.misread,
        )
        self._passages += size
        return map(Passage._make, zip(*(column.tolist() for column in columns), strict=True))

    def _vehicles_of(self, changes: Changes) -> NDArray[np.int64]:
        """Arriving vehicles get new numbers; a departing one is whichever stood in the space."""
        entering = changes.occupied
        numbers = np.empty(len(changes), dtype=np.int64)
        numbers[entering] = self._vehicles + np.arange(int(entering.sum()))
        self._vehicles += int(entering.sum())
        order = np.lexsort((changes.at, changes.space))
        space = changes.space[order]
        came = entering[order]
        left = np.flatnonzero(~came)
        # Changes of a space alternate, so who leaves came just before, or was there when the block began.
        here = (left > 0) & (space[left - 1] == space[left])
        numbers[order[left[here]]] = numbers[order[left[here] - 1]]
        numbers[order[left[~here]]] = self._vehicle[space[left[~here]]]
        stays = order[came]
        self._vehicle[changes.space[stays]] = numbers[stays]
        return numbers
