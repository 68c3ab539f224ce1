"""A simulated city whose devices fail at known times, as columns for the writer.

Demand and sensors are those of the simulator; stuck, flapping and silent devices too. Added here are devices
that are deaf (they miss most arrivals), that call themselves faulty, that have another heartbeat than the
registry says, and batteries that run down.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parking.columns import (
    KIND_CODES,
    NOTHING,
    OCCUPIED,
    UNKNOWN,
    UNSAID,
    VACANT,
    Observations,
    column_types,
    microseconds,
)
from parking.health.battery import EMPTY_V
from parking.health.model import Rule
from parking.model import EventKind
from sensors_sim.city import City, build_city
from sensors_sim.demand import BLOCK_S, Changes, Demand
from sensors_sim.faults import Faults, SensorFaults
from sensors_sim.sensors import GAP_S, Kind, Reports, Sensors

DAY_S = 86_400.0
BATTERY_DAYS, LIFE_DAYS = 70, 21
"""Days of which only the batteries are told, then days of vehicles too."""
FAULTS_BEGIN, FAULTS_END = 5.0, 14.0
"""Days of life within which faults begin."""
FAULTS = ("stuck", "flapping", "silent", "deaf", "faulty")
MISSED = 0.85
"""Share of the arrivals that a deaf device misses."""
OTHER_HEARTBEAT_S = 7200
_KINDS = np.array([KIND_CODES[kind] for kind in (EventKind.CHANGE, EventKind.HEARTBEAT, EventKind.BOOT)])
_STREAM = 90

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ills:
    """What is wrong with whom: when each fault begins (seconds of life, infinity for never), and batteries.

    `empty_day` is when each battery will be empty, in days of life.
    """

    onset: dict[str, Floats]
    other_heartbeat: NDArray[np.bool_]
    empty_day: Floats


class AilingCity:
    """The city from `start` on; `share` of its devices have each fault."""

    def __init__(self, start: datetime, *, seed: int, bays: int, sites: int, share: float) -> None:
        city = build_city(seed=seed, bays=bays, sites=sites, heartbeat_s=3600)
        self.city: City = replace(
            city,
            radio=np.zeros_like(city.radio),
            gateway=np.full_like(city.gateway, -1),
            heartbeat_s=np.full(bays, 3600.0),
        )
        self.start = start
        self.life_at = start + timedelta(days=BATTERY_DAYS)
        self._rng = np.random.default_rng([seed, _STREAM])
        self.ills = self._draw(share)
        self.demand = Demand(self.city, self.life_at, gap_s=GAP_S, settle_s=10)
        onset = self.ills.onset
        self._sensors = Sensors(
            self.city,
            self.demand.occupied[:bays].copy(),
            faults=Faults(),
            broken=SensorFaults(onset["stuck"], onset["flapping"], onset["silent"]),
            spread_s=3.0,
        )
        self._hidden = np.zeros(bays, dtype=np.bool_)
        self.reported = self.demand.occupied[:bays].copy()

    def registry(self) -> dict[str, Any]:
        """The registry file's document."""
        return self.city.registry()

    def truth(self, rule: Rule, day: float) -> set[str]:
        """The bays of which `rule` should be found at the end of a day of life."""
        onset, at = self.ills.onset, day * DAY_S
        stuck = onset["stuck"] < at
        marked = {
            Rule.SILENT: onset["silent"] < at - 2.5 * 3600,
            Rule.FAULT: onset["faulty"] < at,
            Rule.LOW_BATTERY: self.ills.empty_day - day <= 30,
            Rule.FLAPPING: onset["flapping"] < at,
            Rule.STUCK_OCCUPIED: stuck & self.reported,
            Rule.STUCK_VACANT: stuck & ~self.reported,
            Rule.DISAGREES: onset["deaf"] < at,
            Rule.OTHER_HEARTBEAT: self.ills.other_heartbeat,
            Rule.LEARNING: np.full(self.city.bays, day + BATTERY_DAYS < 3),
        }[rule]
        return {self.city.bay_ids[bay] for bay in np.flatnonzero(marked).tolist()}

    def sound(self) -> set[str]:
        """The bays whose devices do not fail, whatever their batteries and heartbeats."""
        begins = np.min(list(self.ills.onset.values()), axis=0)
        return {self.city.bay_ids[bay] for bay in np.flatnonzero(np.isinf(begins)).tolist()}

    def began(self, rule: Rule, bay: str) -> float | None:
        """When the fault behind a finding began, in days of life; None for what has no beginning here."""
        fault = {
            Rule.SILENT: "silent",
            Rule.FAULT: "faulty",
            Rule.FLAPPING: "flapping",
            Rule.STUCK_OCCUPIED: "stuck",
            Rule.STUCK_VACANT: "stuck",
            Rule.DISAGREES: "deaf",
        }.get(rule)
        if fault is None:
            return None
        return float(self.ills.onset[fault][self.city.bay_ids.index(bay)]) / DAY_S

    def batteries(self, day: int) -> Observations:
        """What each device says of its battery at the end of a day, counted from `start`."""
        life_day = day + 1 - BATTERY_DAYS
        left = self.ills.empty_day - life_day
        season = 0.02 * np.sin(day / 14)
        level = EMPTY_V + 0.012 * np.clip(left, 0, 62) + 0.0001 * np.maximum(left - 62, 0)
        level += season + self._rng.normal(0, 0.015, len(level))
        bay = np.flatnonzero(self.ills.onset["silent"] > life_day * DAY_S)
        at = np.full(len(bay), microseconds(self.start + timedelta(days=day + 1)) - 1_000_000)
        words = {"bay": bay, "event_us": at, "seen_us": at, "received_us": at, "state": UNSAID}
        return columns_of(len(bay), **words, battery_v=level[bay], temperature_c=10.0)

    def days(self) -> Iterator[Observations]:
        """What is told of the bays, a day of life at a time."""
        for day in range(LIFE_DAYS):
            reports = []
            while self.demand.until < (day + 1) * DAY_S:
                begin = self.demand.until
                drawn = self.demand.block()
                heard = self._heard(drawn.where(drawn.space < self.city.bays))
                reports.append(self._sensors.block(heard, begin=begin, end=begin + BLOCK_S))
            yield self._tell(reports)

    def _draw(self, share: float) -> Ills:
        """Each device has one fault at most, and its battery besides."""
        bays, rng = self.city.bays, self._rng
        order, count = rng.permutation(bays), max(2, round(share * bays))
        onset = {}
        for number, fault in enumerate(FAULTS):
            chosen = order[number * count : (number + 1) * count]
            onset[fault] = np.full(bays, np.inf)
            onset[fault][chosen] = rng.uniform(FAULTS_BEGIN, FAULTS_END, len(chosen)) * DAY_S
        other = np.zeros(bays, dtype=np.bool_)
        other[order[len(FAULTS) * count : (len(FAULTS) + 1) * count]] = True
        empty_day = LIFE_DAYS + rng.uniform(400, 3000, bays)
        low = rng.permutation(bays)[: 2 * count]
        empty_day[low] = LIFE_DAYS + rng.uniform(2, 60, len(low))
        return Ills(onset, other, empty_day)

    def _heard(self, changes: Changes) -> Changes:
        """Without the arrivals that a deaf device misses, and their departures."""
        keep = np.ones(len(changes), dtype=np.bool_)
        for row in np.flatnonzero(changes.at >= self.ills.onset["deaf"][changes.space]).tolist():
            bay = int(changes.space[row])
            if changes.occupied[row]:
                self._hidden[bay] = self._rng.random() < MISSED
                keep[row] = not self._hidden[bay]
            else:
                keep[row] = not self._hidden[bay]
                self._hidden[bay] = False
        return changes.where(keep)

    def _tell(self, reports: list[Reports]) -> Observations:
        def column(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in reports])

        bay, occupied, decided = column("bay"), column("occupied"), column("decided")
        self.reported[bay] = occupied  # each bay's rows are in order, so that its last one stays
        fault = (column("kind") == Kind.CHANGE) & (decided >= self.ills.onset["faulty"][bay])
        begin = microseconds(self.life_at)
        seen_us = begin + (column("due") * 1e6).astype(np.int64)
        event_us = begin + (column("since") * 1e6).astype(np.int64)
        previous = column("previous")
        return columns_of(
            len(bay),
            bay=bay,
            session=column("session"),
            seq=column("seq"),
            event_us=event_us,
            seen_us=seen_us,
            received_us=seen_us,
            age_s=(seen_us - event_us) // 1_000_000,
            previous_s=np.where(np.isnan(previous), NOTHING, np.nan_to_num(previous)),
            state=np.where(fault, UNKNOWN, np.where(occupied, OCCUPIED, VACANT)),
            kind=_KINDS[column("kind")],
            fault=fault,
        )


def columns_of(size: int, **given: Any) -> Observations:
    """Columns of these values, the others empty."""
    empty = {"previous_s": NOTHING, "battery_v": np.nan, "temperature_c": np.nan}
    return Observations(
        **{
            name: np.broadcast_to(np.asarray(given.get(name, empty.get(name, 0)), dtype=kind), size).copy()
            for name, kind in column_types(Observations).items()
        }
    )
