"""What holding back short states does to the published view: `python -m bench.flapping [--seed N] [--json]`.

Hours of a simulated street go through the code that works out what is published, second by second, for
several settings of PARKING_DEBOUNCE_S. Some sensors flap in two ways: those of the simulator bounce after a
real change, as where a vehicle manoeuvres; others report, now and then, a short state in the middle of a
long one. What really happened is known. Rules and writer are the real ones; there is no database.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.ailing_city import columns_of
from parking.columns import (
    NOTHING,
    OCCUPIED,
    UNKNOWN,
    VACANT,
    Observations,
    Positions,
    column_types,
    microseconds,
    positions,
    take,
)
from parking.db.bays import BayChanges, plan, plan_due
from parking.db.table import BayTable
from sensors_sim.city import build_city
from sensors_sim.demand import BLOCK_S, Changes, Demand
from sensors_sim.faults import Faults, SensorFaults
from sensors_sim.sensors import GAP_S, Reports, Sensors

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
SETTINGS_S = (0.0, 5.0, 10.0, 20.0, 30.0)
SHARE = 0.1
"""Of the bays: so many bounce, and as many glitch."""
GLITCHES_PER_H, GLITCH_S = 6.0, 4.0
"""Short states of a glitching sensor, and how long they last on average."""
TURN_S = 2
"""How often the ingestor looks at what changes with the time."""
SETTLE_S = 60
_STREAM = 91

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One kind of sensor: real changes, those that it told, those that were published.

    `wrong_s` is for how many seconds of an hour, on average, another state than the true one was published.
    """

    real: int
    told: int
    published: int
    wrong_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One setting. `count_error` is how far the published count was from the true one, as a share of the
    bays, on average.
    """

    debounce_s: float
    sound: Group
    bouncing: Group
    glitching: Group
    count_error: float


class Street:
    """What happened in the bays, what sensors told of it, and which of them flap how."""

    def __init__(self, *, seed: int, bays: int, hours: float) -> None:
        rng = np.random.default_rng([seed, _STREAM])
        city = build_city(seed=seed, bays=bays, sites=3, heartbeat_s=3600)
        city = replace(city, radio=np.zeros_like(city.radio), gateway=np.full_like(city.gateway, -1))
        order, count = rng.permutation(bays), max(1, round(SHARE * bays))
        self.bays, self.end_s = bays, int(hours * 3600)
        self.bouncing, self.glitching = np.zeros((2, bays), dtype=np.bool_)
        self.bouncing[order[:count]] = self.glitching[order[count : 2 * count]] = True
        demand = Demand(city, START, gap_s=GAP_S, settle_s=10)
        self.initial = demand.occupied[:bays].copy()
        never = np.full(bays, np.inf)
        broken = SensorFaults(never, np.where(self.bouncing, 0.0, np.inf), never)
        sensors = Sensors(city, self.initial.copy(), faults=Faults(), broken=broken, spread_s=3.0)
        drawn = []
        while demand.until < self.end_s:
            changes = demand.block()
            drawn.append(changes.where(changes.space < bays))
        self.real = _joined(drawn)
        seen = _joined([self.real, self._glitches(rng, demand.until)])
        reports = []
        for begin in np.arange(0.0, demand.until, BLOCK_S):
            within = (seen.at >= begin) & (seen.at < begin + BLOCK_S)
            reports.append(sensors.block(seen.where(within), begin=begin, end=begin + BLOCK_S))
        self.due, self.told = _told(reports)

    def _glitches(self, rng: np.random.Generator, end: float) -> Changes:
        """Short states in the middle of long ones, far from any change."""
        bays, times, states = [], [], []
        for bay in np.flatnonzero(self.glitching).tolist():
            mine = self.real.where(self.real.space == bay)
            order = np.argsort(mine.at)
            changed, state = mine.at[order], mine.occupied[order]
            at = float(SETTLE_S)
            while (at := at + SETTLE_S + rng.exponential(3600 / GLITCHES_PER_H)) < end - SETTLE_S:
                number = int(np.searchsorted(changed, at))
                lasts = GAP_S + rng.exponential(GLITCH_S)
                near = changed[max(number - 1, 0) : number + 1]
                if np.any(np.abs(near - at) < SETTLE_S) or lasts > SETTLE_S / 2:
                    continue
                now = bool(state[number - 1]) if number else bool(self.initial[bay])
                bays += [bay, bay]
                times += [at, at + lasts]
                states += [not now, now]
        return Changes(
            np.array(bays, dtype=self.real.space.dtype), np.array(times), np.array(states, dtype=np.bool_)
        )

    def kinds(self) -> dict[str, Bools]:
        """Which bays are of which kind."""
        sound = ~self.bouncing & ~self.glitching
        return {"sound": sound, "bouncing": self.bouncing, "glitching": self.glitching}


class View:
    """What is published of a street, as it becomes known."""

    def __init__(self, bays: int, debounce_s: float) -> None:
        names = [f"bay-{bay}" for bay in range(bays)]
        values: dict[str, object] = dict.fromkeys(column_types(Positions), np.zeros(bays))
        values |= dict.fromkeys(("state", "reported"), np.full(bays, UNKNOWN))
        values |= dict.fromkeys(
            ("since", "seen_at", "event_at", "placed_at", "held", "session", "silent_until"),
            np.full(bays, NOTHING),
        )
        values |= dict.fromkeys(("silent", "settled"), np.ones(bays))
        self.table = BayTable(
            slots={name: slot for slot, name in enumerate(names)},
            bays=names,
            devices=list(names),
            sites=["street"],
            site_of=np.zeros(bays, dtype=np.int64),
            ttl_us=np.full(bays, 86_400_000_000),
            positions=positions(values),  # type: ignore[arg-type]
            hold_us=round(debounce_s * 1e6),
        )
        self.published = np.zeros(bays, dtype=np.int64)

    def tell(self, batch: Observations, now: datetime) -> None:
        """These messages come now."""
        if len(batch):
            changes = plan(self.table, batch, now=now)
            assert not len(changes.merged.rebuild), "messages come in order"
            self._keep(changes)

    def turn(self, now: datetime) -> None:
        """Look at what changes with the time."""
        self._keep(plan_due(self.table, now=now))

    def _keep(self, changes: BayChanges) -> None:
        self.published[changes.slots[changes.published(self.table)]] += 1
        changes.keep(self.table)


def measure(street: Street, debounce_s: float) -> Outcome:
    """Live through the hours, and hold what was published against what happened."""
    view, truth = View(street.bays, debounce_s), street.initial.copy()
    order = np.argsort(street.real.at, kind="stable")
    at, bay, occupied = street.real.at[order], street.real.space[order], street.real.occupied[order]
    wrong_s, errors, done, told = np.zeros(street.bays), [], 0, 0
    for second in range(street.end_s):
        now = START + timedelta(seconds=second)
        upto = int(np.searchsorted(street.due, second, side="right"))
        view.tell(take(street.told, np.arange(told, upto)), now)
        told = upto
        if second % TURN_S == 0:
            view.turn(now)
        happened = int(np.searchsorted(at, second, side="right"))
        truth[bay[done:happened]] = occupied[done:happened]
        done = happened
        if second < SETTLE_S:
            view.published[:] = 0
            continue
        state = view.table.positions.state
        wrong_s += state != np.where(truth, OCCUPIED, VACANT)
        errors.append(abs(int(np.count_nonzero(state == OCCUPIED)) - int(np.count_nonzero(truth))))
    told_changes = _changes_of(street.told, street.bays, after_us=microseconds(START) + SETTLE_S * 1_000_000)
    real = np.bincount(bay[(at >= SETTLE_S) & (at < street.end_s)], minlength=street.bays)
    spent = street.end_s - SETTLE_S
    groups = {
        kind: Group(
            real=int(real[mine].sum()),
            told=int(told_changes[mine].sum()),
            published=int(view.published[mine].sum()),
            wrong_s=float(wrong_s[mine].sum() / max(1, np.count_nonzero(mine)) / spent * 3600),
        )
        for kind, mine in street.kinds().items()
    }
    return Outcome(debounce_s=debounce_s, count_error=float(np.mean(errors)) / street.bays, **groups)


def _changes_of(told: Observations, bays: int, *, after_us: int) -> NDArray[np.int64]:
    """How often each bay's reported state changed."""
    order = np.lexsort((told.seq, told.session, told.bay))
    bay, state, seen = told.bay[order], told.state[order], told.seen_us[order]
    changed = (bay[1:] == bay[:-1]) & (state[1:] != state[:-1]) & (seen[1:] >= after_us)
    return np.bincount(bay[1:][changed], minlength=bays)


def _joined(parts: list[Changes]) -> Changes:
    names = ("space", "at", "occupied")
    return Changes(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _told(reports: list[Reports]) -> tuple[NDArray[np.float64], Observations]:
    """When each report is due (seconds), and the reports as columns, in that order."""
    names = ("bay", "occupied", "since", "due", "session", "seq")
    told = {name: np.concatenate([getattr(part, name) for part in reports]) for name in names}
    order = np.argsort(told["due"], kind="stable")
    told = {name: values[order] for name, values in told.items()}
    begin = microseconds(START)
    seen_us = begin + (told["due"] * 1e6).astype(np.int64)
    event_us = begin + (told["since"] * 1e6).astype(np.int64)
    return told["due"], columns_of(
        len(order),
        bay=told["bay"],
        session=told["session"],
        seq=told["seq"],
        event_us=event_us,
        seen_us=seen_us,
        received_us=seen_us,
        age_s=(seen_us - event_us) // 1_000_000,
        state=np.where(told["occupied"], OCCUPIED, VACANT),
    )


def show(outcomes: list[Outcome]) -> None:
    """A table of each kind of sensor."""
    print(
        f"{'debounce':>8}  {'sensors':<10} {'real':>6} {'told':>6} {'published':>9}  {'wrong, s/bay/h':>14}"
    )
    for outcome in outcomes:
        for kind in ("sound", "bouncing", "glitching"):
            group: Group = getattr(outcome, kind)
            print(
                f"{outcome.debounce_s:>6g} s  {kind:<10} {group.real:>6} {group.told:>6} "
                f"{group.published:>9}  {group.wrong_s:>10.1f}"
            )
        print(f"{'':>10}published count off by {100 * outcome.count_error:.2f} % of the bays on average")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.flapping", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bays", type=int, default=400)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    street = Street(seed=arguments.seed, bays=arguments.bays, hours=arguments.hours)
    outcomes = [measure(street, debounce_s) for debounce_s in SETTINGS_S]
    if arguments.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes]))
    else:
        show(outcomes)


if __name__ == "__main__":
    main()
