"""How good a count at gates stays over a month: `python -m bench.counting`. No broker, no database, no clock.

A car park lives through a month of the simulator's demand. Its cameras misread plates, see some vehicles
twice and miss some exits. The reads go through the real rules (`parking.passages`, `visits`, `drift`); then
the count is compared with the truth every quarter of an hour, with ever more of the rules.
"""

import argparse
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parking.books import Books
from parking.drift import Correction, Inside
from parking.model import Direction
from parking.occupants import EVERY, Start, Stays, inside, stays
from parking.passages import Read, passages
from parking.plates import fold
from parking.visits import Crossing, Outcome, Visit, visits
from sensors_sim.city import City, Site, build_city
from sensors_sim.demand import plan
from sensors_sim.faults import Faults
from sensors_sim.gates import DOUBLE_AFTER_S, Gates, Passage
from sensors_sim.plates import misread, plate_of
from sensors_sim.profiles import Use

CAPACITY: Final = 380
DAYS: Final = 30
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. The town's clock is UTC, so that no day has 23 hours."""
WINDOW: Final = timedelta(hours=48)
"""The longest stay that is paired."""
STEP: Final = timedelta(minutes=15)
FAULTS: Final = Faults(misread=0.05, missed=0.02, double=0.03)
"""Shares of passages; `missed` is of exits alone."""
_RECENT: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Month:
    """The truth at every step, and what the cameras told: vehicles counted in and out, and visits."""

    truth: NDArray[np.int64]
    entries: NDArray[np.int64]
    exits: NDArray[np.int64]
    unjoined: NDArray[np.int64]
    visits: tuple[Visit, ...]
    window: timedelta
    vehicles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which rules correct the count. `by_hand`: someone counts every Monday at noon."""

    name: str
    join: bool = True
    bounds: bool = True
    nights: bool = True
    by_hand: bool = False
    tokens: bool = False


RULES: Final = (
    Rules(name="every read counted", join=False, bounds=False, nights=False),
    Rules(name="repeat reads joined", bounds=False, nights=False),
    Rules(name="capacity bounds", nights=False),
    Rules(name="bounds, nights"),
    Rules(name="bounds, nights, a count each week", by_hand=True),
    Rules(name="bounds, nights, missed exits", tokens=True),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Errors of the count against the truth, in vehicles, at each step."""

    errors: NDArray[np.int64]
    corrections: tuple[Correction, ...]

    @property
    def mean(self) -> float:
        """Mean absolute error, percent of the capacity."""
        return float(np.abs(self.errors).mean() * 100 / CAPACITY)

    @property
    def worst(self) -> float:
        """The error that 99 of 100 steps stay below, percent of the capacity."""
        return float(np.quantile(np.abs(self.errors), 0.99) * 100 / CAPACITY)


def car_park(use: Use, seed: int) -> City:
    """A town of one car park of `CAPACITY` spaces."""
    town = build_city(seed=seed, bays=0, sites=1)
    site: Site = replace(town.sites[0], capacity=CAPACITY, use=use)
    rng = np.random.default_rng([seed, int(use)])
    return replace(
        town,
        sites=(site,),
        site_of=np.zeros(CAPACITY, dtype=np.int32),
        use=np.full(CAPACITY, use, dtype=np.int8),
        pull=rng.uniform(0.6, 1.5, CAPACITY),
    )


def month(
    use: Use, seed: int, *, days: int = DAYS, faults: Faults = FAULTS, window: timedelta = WINDOW
) -> Month:
    """Live through it, and read what the cameras told by the real rules."""
    city = car_park(use, seed)
    # Without gates it starts as full as it would be, not with the number that a registry file says.
    open_plan = replace(city, sites=(replace(city.sites[0], gates=()),))
    lived = plan(open_plan, START.replace(tzinfo=None), days * 86_400.0)
    steps = days * int(timedelta(days=1) / STEP)
    moves = np.where(lived.changes.occupied, 1, -1)
    truth = int(lived.initial.sum()) + np.cumsum(_by_step(lived.changes.at, moves, steps))
    told_of = tell(city, Gates(city, lived.initial, faults=faults).block(lived.changes), faults)
    seen = [_read(one.camera, one.at, one.event_id, one.plate) for one in told_of]
    told = passages(seen)
    tokens = {(read.camera, read.at, read.event_id): read for read in seen}
    crossings = [
        _crossing(tokens[one.camera, one.at, one.event_id], one.token or b"", one.at, window) for one in told
    ]
    ways = np.array([_SIGNS[_way(one.camera)] for one in told])
    times = np.array([(one.at - START).total_seconds() for one in told])
    return Month(
        truth=truth,
        entries=_by_step(times[ways > 0], np.ones(int((ways > 0).sum()), dtype=np.int64), steps),
        exits=_by_step(times[ways < 0], np.ones(int((ways < 0).sum()), dtype=np.int64), steps),
        unjoined=_by_step(
            np.array([(read.at - START).total_seconds() for read in seen]),
            np.array([_SIGNS[_way(read.camera)] for read in seen]),
            steps,
        ),
        visits=visits(crossings, until=START + timedelta(days=days), window=window),
        window=window,
        vehicles=int((moves > 0).sum()),
    )


_SIGNS: Final = {Direction.IN: 1, Direction.OUT: -1}


def _way(camera: str) -> Direction:
    return Direction.IN if "-in-" in camera else Direction.OUT


def _by_step(seconds: NDArray[np.float64], weights: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    step = np.minimum((seconds // STEP.total_seconds()).astype(np.int64), steps - 1)
    return np.bincount(step, weights=weights, minlength=steps).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Told:
    """What a camera tells of a vehicle, so many seconds after the start."""

    camera: str
    at: float
    event_id: str
    plate: str


def tell(city: City, passed: Iterator[Passage], faults: Faults) -> Iterator[Told]:
    """What the cameras read, each vehicle under an id of its own, and a second one if it is read twice."""
    gates = city.sites[0].gates
    rng = np.random.default_rng([city.seed, 70])
    for one in passed:
        if one.missed and not one.entering:
            continue
        plate = plate_of(city.seed, one.vehicle)
        first = misread(plate, one.number) if one.misread else plate
        yield Told(gates[one.gate].camera, one.at, f"p-{one.number}", first)
        if one.double:
            again = misread(plate, -one.number) if rng.random() < faults.misread else plate
            yield Told(gates[one.gate].camera, one.at + DOUBLE_AFTER_S, f"d-{one.number}", again)


def _read(camera: str, at: float, event_id: str, plate: str) -> Read:
    moment = START + timedelta(seconds=at)
    folded = fold(plate)
    return Read(
        camera=camera,
        at=moment,
        event_id=event_id,
        folded=folded,
        token=_token(folded, moment),
        confidence=0.9,
    )


def _token(folded: str, at: datetime) -> bytes:
    """A stand-in for the keyed hash, of the same day and plate: pairing only compares."""
    return b"%d:%s" % (at.toordinal(), folded.encode())


def _crossing(read: Read, token: bytes, at: datetime, window: timedelta) -> Crossing:
    folded = token.partition(b":")[2].decode()
    days = range(-(-window // timedelta(days=1)) + 1)
    return Crossing(
        at=at,
        direction=_way(read.camera),
        passage=read.event_id,
        tokens=tuple(_token(folded, at - timedelta(days=day)) for day in days),
    )


def follow(lived: Month, rules: Rules) -> Result:
    """The month's count by these rules, step by step, knowing at each step only what was before."""
    if not rules.bounds:
        moves = lived.entries - lived.exits if rules.join else lived.unjoined
        return Result(np.cumsum(moves) - moves[0] - (lived.truth - lived.truth[0]), ())
    before = int(lived.truth[0] - lived.entries[0] + lived.exits[0])
    books = Books(CAPACITY, at=START, count=before, nights=rules.nights)
    memory = Memory(lived, inside_at_start=before)
    errors = np.empty(len(lived.truth), dtype=np.int64)
    corrections: list[Correction] = []
    columns = zip(lived.truth.tolist(), lived.entries.tolist(), lived.exits.tolist(), strict=True)
    for step, (truth, entries, exits) in enumerate(columns):
        now = START + (step + 1) * STEP
        known: list[Inside] = []
        if rules.tokens and (now - START) % EVERY == timedelta():
            known += memory.inside(now)
        if rules.by_hand and now.weekday() == 0 and (now.hour, now.minute) == (12, 0):
            known.append(Inside.counted(truth))
        correction = books.step(now, entries=entries, exits=exits, known=known)
        corrections += [correction] if correction else []
        errors[step] = books.count - truth
    return Result(errors, tuple(corrections))


class Memory:
    """What was known of visits at each time: one that was closed later was open then."""

    def __init__(self, lived: Month, *, inside_at_start: int) -> None:
        self._window = lived.window
        self._start = Start(START, inside_at_start)
        self._visits = [visit for visit in lived.visits if visit.entered_at is not None]
        self._entered = [visit.entered_at or START for visit in self._visits]
        self._stays: Stays | None = None
        self._day = START

    def inside(self, now: datetime) -> list[Inside]:
        """The vehicles that may still be inside, once enough is known."""
        if self._stays is None or now - self._day >= timedelta(days=1):
            self._stays = stays(self._as_of(now, _RECENT), now=now, window=self._window)
            self._day = now
        if self._stays is None:
            return []
        seen = self._as_of(now, self._window)
        waiting = [visit.entered_at for visit in seen if visit.entered_at and visit.outcome is Outcome.INSIDE]
        return [
            inside(
                waiting,
                self._stays,
                entries=len(seen),
                now=now,
                window=self._window,
                start=self._start,
            )
        ]

    def _as_of(self, now: datetime, back: timedelta) -> list[Visit]:
        recent = self._visits[bisect_left(self._entered, now - back) : bisect_right(self._entered, now)]
        return [
            visit
            if visit.closed_at is None or visit.closed_at <= now
            else Visit(outcome=Outcome.INSIDE, entered_at=visit.entered_at, left_at=None, closed_at=None)
            for visit in recent
        ]


def table(seeds: int, days: int, window: timedelta) -> Iterator[str]:
    """The lines of the table."""
    months = {use: [month(use, seed, days=days, window=window) for seed in range(seeds)] for use in Use}
    yield "| percent of the capacity | " + " | ".join(use.name.lower() for use in Use) + " |"
    yield "|---" * (len(Use) + 1) + "|"
    a_day = (np.mean([lived.vehicles for lived in months[use]]) / days for use in Use)
    yield "| vehicles a day | " + " | ".join(f"{number:.0f}" for number in a_day) + " |"
    for rules in RULES:
        found = [[follow(lived, rules) for lived in months[use]] for use in Use]
        yield f"| {rules.name} | " + " | ".join(map(_cell, found)) + " |"


def _cell(results: list[Result]) -> str:
    mean = np.mean([result.mean for result in results])
    worst = np.mean([result.worst for result in results])
    return f"{mean:.1f} ({worst:.1f})"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.counting", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="car parks of each kind")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--window", type=int, default=WINDOW // timedelta(hours=1), help="hours; pairing")
    arguments = parser.parse_args()
    print(f"{CAPACITY} spaces, {arguments.days} days, {arguments.seeds} car parks of each kind.")
    print(f"Of passages {FAULTS.misread:.0%} are misread and {FAULTS.double:.0%} seen twice,", end=" ")
    print(f"of exits {FAULTS.missed:.0%} missed.")
    print("Mean absolute error of the count, and what 99 of 100 quarter hours stay below:\n")
    for line in table(arguments.seeds, arguments.days, timedelta(hours=arguments.window)):
        print(line)


if __name__ == "__main__":
    main()
