"""What the acknowledged messages tell: the numbers that a system without a fault of its own must show."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from sensors_sim.city import City, Site
from sensors_sim.ledger import Counts, Final, GateCounts
from sensors_sim.outgoing import Outgoing
from sensors_sim.speech import state_name

_PASSAGES_KEPT = 200_000
"""Passages that are remembered as told; a message about an older one would be hours late."""


class Tally:
    """Counts acknowledgements. `occupied` is the state of all spaces at the start."""

    def __init__(self, city: City, occupied: NDArray[np.bool_]) -> None:
        self._city = city
        self._order = np.full(city.bays, -np.inf)
        self._occupied = np.zeros(city.bays, dtype=np.bool_)
        self._start = {
            index: int(occupied[site.first : site.first + site.capacity].sum())
            for index, site in enumerate(city.sites)
            if site.gates
        }
        self._told: dict[int, None] = {}
        self._passed = np.zeros((len(city.sites), 2), dtype=np.int64)
        self.acknowledged = 0

    @property
    def occupied(self) -> int:
        """Bays that are occupied as far as told."""
        return int(self._occupied.sum())

    @property
    def inside(self) -> dict[str, int]:
        """Vehicles in each gated site at the start."""
        return {self._city.sites[index].id: count for index, count in self._start.items()}

    def add(self, message: Outgoing) -> None:
        """The broker has acknowledged a message."""
        self.acknowledged += 1
        for told in message.told:
            if told.order >= self._order[told.bay]:
                self._order[told.bay] = told.order
                self._occupied[told.bay] = told.occupied
        read = message.read
        if read is not None and read.passage not in self._told:
            self._told[read.passage] = None
            self._passed[read.site, int(read.entering)] += 1
            if len(self._told) > _PASSAGES_KEPT:
                del self._told[next(iter(self._told))]

    def final(
        self, at: datetime, *, truth: NDArray[np.bool_], passed: NDArray[np.int64], silent: list[int]
    ) -> Final:
        """The ledger's last word, given the true state of all spaces and the passages (left, entered)."""
        states = [
            state_name(bool(taken)) if known else "unknown"
            for taken, known in zip(self._occupied, np.isfinite(self._order), strict=True)
        ]
        sites = enumerate(self._city.sites)
        return Final(
            at=at,
            bays=dict(zip(self._city.bay_ids, states, strict=True)),
            truth={bay: state_name(bool(truth[index])) for index, bay in enumerate(self._city.bay_ids)},
            sites={site.id: self._counts(index, site, states) for index, site in sites},
            gates={self._city.sites[index].id: self._gates(index, truth, passed) for index in self._start},
            silent=tuple(self._city.bay_ids[bay] for bay in silent),
        )

    def _counts(self, index: int, site: Site, states: list[str]) -> Counts:
        if site.gates:
            inside = self._start[index] + int(self._passed[index, 1] - self._passed[index, 0])
            return Counts(vacant=site.capacity - inside, occupied=inside)
        mine = states[site.first : site.first + site.capacity]
        return Counts(
            vacant=mine.count("vacant"), occupied=mine.count("occupied"), unknown=mine.count("unknown")
        )

    def _gates(self, index: int, truth: NDArray[np.bool_], passed: NDArray[np.int64]) -> GateCounts:
        site = self._city.sites[index]
        left, entered = passed[index].tolist()
        told_left, told_entered = self._passed[index].tolist()
        return GateCounts(
            entered=entered,
            left=left,
            inside=int(truth[site.first : site.first + site.capacity].sum()),
            told_entered=told_entered,
            told_left=told_left,
            told_inside=self._start[index] + told_entered - told_left,
        )
