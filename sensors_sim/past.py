"""What a city did before now: its demand of some weeks as stays of bays and passages at gates, in columns.

Made up like everything here, and told at once: without sensors, messages or faults. Times are microseconds
since 1970. The days are those of the town's clock at the beginning; a change of the clocks meanwhile is not
followed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sensors_sim.city import City
from sensors_sim.demand import Plan, plan

_OTHER_DAYS = 1
"""Added to the seed, so that the days to come are not those that were."""
_LEVELLED_S = 7200.0

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stays:
    """One row for each; `bay` is its number in the city. An end that was not seen is that of the past."""

    bay: Ints
    start_us: Ints
    end_us: Ints
    start_seen: Bools
    end_seen: Bools


@dataclass(frozen=True, slots=True)
class Passages:
    """Vehicles at gates in order of time; `gate` is its number among the gates of the site."""

    site: Ints
    gate: Ints
    at_us: Ints


@dataclass(frozen=True, slots=True)
class Past:
    """All of it. `counts` are the vehicles in each gated site (its number) at each of `quarters_us`."""

    stays: Stays
    passages: Passages
    quarters_us: Ints
    counts: dict[int, Ints]


def past(city: City, *, until: datetime, days: int) -> Past:
    """So many days before a local time, which has its zone. Gated sites end with their initial count."""
    start = until - timedelta(days=days)
    horizon_s = (until.timestamp() - start.timestamp()) // 1
    made = plan(replace(city, seed=city.seed + _OTHER_DAYS), start.replace(tzinfo=None), horizon_s)
    begin_us = round(start.timestamp()) * 1_000_000
    at_us = begin_us + np.rint(made.changes.at * 1e6).astype(np.int64)
    end_us = begin_us + round(horizon_s) * 1_000_000
    gates, counts = [], {}
    quarters = np.arange(-(-begin_us // 900_000_000) + 1, end_us // 900_000_000 + 1) * 900_000_000
    for number, site in enumerate(city.sites):
        if site.gates:
            found, inside = _passed(city, number, made, at_us, end_us)
            gates.append(found)
            entering = found.gate < len(site.gates) // 2
            net = np.concatenate(([0], np.cumsum(np.where(entering, 1, -1))))
            counts[number] = inside + net[np.searchsorted(found.at_us, quarters, side="right")]
    return Past(_stays(city, made, at_us, begin_us, end_us), _in_order(gates), quarters, counts)


def _stays(city: City, made: Plan, at_us: Ints, begin_us: int, end_us: int) -> Stays:
    """Those of bays: from each change to taken until the next of the bay, or the end of it all."""
    of_bays = made.changes.space < city.bays
    first = np.flatnonzero(made.initial[: city.bays])
    bay = np.concatenate((first, made.changes.space[of_bays]))
    at = np.concatenate((np.full(len(first), begin_us), at_us[of_bays]))
    taken = np.concatenate((np.ones(len(first), dtype=np.bool_), made.changes.occupied[of_bays]))
    seen = np.arange(len(bay)) >= len(first)
    order = np.lexsort((at, bay))
    bay, at, taken, seen = bay[order], at[order], taken[order], seen[order]
    more = np.append(bay[1:] == bay[:-1], False)
    end = np.where(more, np.append(at[1:], end_us), end_us)
    some = taken & (end > at)
    return Stays(bay[some], at[some], end[some], seen[some], more[some])


def _passed(city: City, number: int, made: Plan, at_us: Ints, end_us: int) -> tuple[Passages, int]:
    """The passages at the gates of one site, and how many vehicles were in it before them."""
    site = city.sites[number]
    mine = made.changes.space - site.first
    here = (mine >= 0) & (mine < site.capacity)
    changes, at = made.changes.where(here), at_us[here]
    before = int(made.initial[site.first : site.first + site.capacity].sum())
    after = before + int(np.where(changes.occupied, 1, -1).sum())
    missing = site.initial_count - after
    # What differs from the count with which the city starts comes or goes in the last two hours.
    extra = end_us - np.linspace(_LEVELLED_S * 1e6, 1e6, abs(missing)).astype(np.int64)
    lanes = len(site.gates) // 2
    lane = np.concatenate((changes.space, np.arange(abs(missing)))) % lanes
    entering = np.concatenate((changes.occupied, np.full(abs(missing), missing > 0)))
    gate = np.where(entering, lane, lane + lanes)
    passages = Passages(np.full(len(gate), number), gate, np.concatenate((at, extra)))
    return _in_order([passages]), before


def _in_order(parts: list[Passages]) -> Passages:
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Passages(none, none, none)
    site, gate, at = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("site", "gate", "at_us")
    )
    order = np.argsort(at, kind="stable")
    return Passages(site[order], gate[order], at[order])
