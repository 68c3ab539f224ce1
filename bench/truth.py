"""How far what is published is from the truth, under each fault: `python -m bench.truth [--quick] [--json]`.

Two streets and a car park live through a day of the simulator's time, without faults and with each of them at
several rates. Their messages go through decoding, admission and the writer into a real database, and what is
published and reported is held against what happened. docs/accuracy.md has the table and says what it means.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.ground import Ground, ground
from bench.true_city import START, car_park, live, streets
from bench.truth_run import follow
from bench.truth_scores import Bays, Occupancy, Use, bays, occupancy, use
from sensors_sim.faults import Faults

NONE: Final = "none"
ALL: Final = "all"
OUTAGE: Final = "outage"
OUTAGES_H: Final = (1.0, 4.0)
"""For how long no ingestor runs, in hours."""
OUTAGE_AFTER_H: Final = 1.0
WAY: Final[dict[str, tuple[float, ...]]] = {
    "duplicate": (0.05, 0.3),
    "late": (0.05, 0.3),
    "lost": (0.01, 0.1),
}
"""What befalls messages, and at which rates."""
SENSORS: Final[dict[str, tuple[float, ...]]] = {
    "silent": (0.02, 0.1),
    "stuck": (0.02, 0.1),
    "flapping": (0.02, 0.1),
    "reboot": (0.1, 1.0),
}
GATES: Final[dict[str, tuple[float, ...]]] = {
    "misread": (0.05, 0.2),
    "missed": (0.02, 0.05),
    "double": (0.03, 0.1),
}
TOGETHER: Final = Faults(
    duplicate=0.05,
    late=0.05,
    lost=0.01,
    silent=0.01,
    stuck=0.01,
    flapping=0.01,
    reboot=0.02,
    misread=0.05,
    missed=0.02,
    double=0.03,
)
"""A bad but believable town."""
STREET_STEP_S, GATE_STEP_S = 300, 1800
"""How often what is published is looked at."""
HOURS, BAYS = 24.0, 160
LEAST_HOURS, LEAST_BAYS = 2.0, 10
_BEGIN, _END = "<!-- written by: python -m bench.truth --into docs/accuracy.md -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at a rate; `NONE` and `ALL` have none of their own."""

    fault: str
    rate: float
    faults: Faults
    outage_h: float = 0.0

    @property
    def outage_s(self) -> tuple[float, float]:
        """From when until when no ingestor runs, seconds from the start."""
        return OUTAGE_AFTER_H * 3600, (OUTAGE_AFTER_H + self.outage_h) * 3600

    @property
    def title(self) -> str:
        """For a row of the table."""
        if self.fault in (NONE, ALL):
            return {NONE: "no fault", ALL: "all together"}[self.fault]
        if self.fault == OUTAGE:
            return f"outage of {self.outage_h:g} h"
        return (
            f"{self.fault} {self.rate:g} an hour"
            if self.fault == "reboot"
            else f"{self.fault} {self.rate:.0%}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """One case on the streets."""

    case: Case
    occupancy: Occupancy
    bays: Bays
    use: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """One case in the car park that is counted at its gates."""

    case: Case
    occupancy: Occupancy


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All cases, and what they were measured on."""

    seed: int
    hours: float
    bays: int
    capacity: int
    database: str
    streets: list[Street]
    parks: list[Park]


def cases(
    known: dict[str, tuple[float, ...]], names: Sequence[str], rates: Sequence[float]
) -> Iterator[Case]:
    """The cases of these faults (all if none are named), at rates of their own or at others."""
    if not names or NONE in names:
        yield Case(NONE, 0.0, Faults())
    for fault, own in known.items():
        for rate in (rates or own) if not names or fault in names else ():
            yield Case(fault, rate, replace(Faults(), **{fault: rate}))
    if not names or OUTAGE in names:
        for hours in OUTAGES_H:
            yield Case(OUTAGE, 0.0, Faults(), hours)
    if not names or ALL in names:
        yield Case(ALL, 0.0, TOGETHER)


async def street(on: Ground, case: Case, *, seed: int, number: int, hours: float) -> Street:
    """Live one case on streets of so many bays."""
    _tell(f"streets, {case.title}")
    lived = await asyncio.to_thread(live, streets(seed=seed, bays=number), case.faults, hours=hours)
    url = on.databases.create()
    try:
        outcome = await follow(url, lived, every_s=STREET_STEP_S, outage_s=case.outage_s)
    finally:
        on.databases.drop(url)
    seen = outcome.samples
    return Street(
        case=case, occupancy=occupancy(seen), bays=bays(seen), use=use(outcome.stays, lived.stays())
    )


async def park(on: Ground, case: Case, *, seed: int, hours: float) -> Park:
    """Live one case in the car park."""
    _tell(f"car park, {case.title}")
    lived = await asyncio.to_thread(live, car_park(seed=seed), case.faults, hours=hours)
    url = on.databases.create()
    try:
        outcome = await follow(url, lived, every_s=GATE_STEP_S, outage_s=case.outage_s)
    finally:
        on.databases.drop(url)
    return Park(case=case, occupancy=occupancy(outcome.samples))


async def measure(
    *, seed: int, number: int, hours: float, names: Sequence[str] = (), rates: Sequence[float] = ()
) -> Measured:
    """Live through every case."""
    async with ground(broker=False) as on:

        async def all_streets() -> list[Street]:
            chosen = cases(WAY | SENSORS, names, rates)
            return [await street(on, case, seed=seed, number=number, hours=hours) for case in chosen]

        async def all_parks() -> list[Park]:
            return [await park(on, case, seed=seed, hours=hours) for case in cases(WAY | GATES, names, rates)]

        async with asyncio.TaskGroup() as group:
            on_streets, in_parks = group.create_task(all_streets()), group.create_task(all_parks())
        return Measured(
            seed=seed,
            hours=hours,
            bays=number,
            capacity=car_park(seed=seed).sites[0].capacity,
            database=on.database_kind,
            streets=on_streets.result(),
            parks=in_parks.result(),
        )


def _tell(what: str) -> None:
    """Show on a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


_STREET_HEAD: Final = (
    "streets",
    "occupancy off, % of capacity",
    "unknown, % of bay time",
    "wrong, % of bay time",
    "longest wrong, min",
    "truth within bounds, % of time",
    "promised too much, % of capacity",
    "stays, %",
    "dwell, min",
    "dwell, %",
    "overstays found / true",
    "precision, %",
    "recall, %",
)
_PARK_HEAD: Final = (
    "car park with gates",
    "count off, % of capacity",
    "truth within bounds, % of time",
    "promised too much, % of capacity",
)


def markdown(found: Measured) -> str:
    """Both tables, and the command that made them."""
    command = f"python -m bench.truth --seed {found.seed} --bays {found.bays} --hours {found.hours:g}"
    town = f"{found.bays} bays in two streets, a car park of {found.capacity} spaces"
    when = f"{found.hours:g} hours from {START:%A %H:%M} on"
    lines = [f"`{command}`: {town}, {when}; {found.database}.", ""]
    if found.streets:
        lines += [*_table(_STREET_HEAD, map(_street_cells, found.streets)), ""]
    if found.parks:
        lines += [*_table(_PARK_HEAD, map(_park_cells, found.parks)), ""]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" + "|--:" * (len(head) - 1) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _street_cells(row: Street) -> list[str]:
    seen, each, made = row.occupancy, row.bays, row.use
    return [
        row.case.title,
        f"{seen.error:.2f}",
        f"{each.unknown:.2f}",
        f"{each.wrong:.2f}",
        f"{each.longest_wrong_s / 60:.0f}",
        f"{seen.within:.1f}",
        f"{seen.promised:.2f}",
        _signed(made.stays, 1),
        _signed(made.dwell_min, 2),
        _signed(made.dwell, 2),
        f"{made.found} / {made.overstays}",
        f"{made.precision:.1f}",
        f"{made.recall:.1f}",
    ]


def _park_cells(row: Park) -> list[str]:
    seen = row.occupancy
    return [row.case.title, f"{seen.error:.2f}", f"{seen.within:.1f}", f"{seen.promised:.2f}"]


def _signed(value: float, digits: int) -> str:
    """With its sign, but zero without one."""
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def put_into(file: Path, table: str) -> None:
    """Replace what stands between the marks of a page. Raises SystemExit if it has none."""
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{file} has no lines {_BEGIN.strip()} and {_END.strip()} to put the table between")
    file.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def as_json(found: Measured) -> dict[str, Any]:
    """For machines."""
    return asdict(found)


def main() -> None:
    """Measure and print."""
    known = [NONE, *WAY, *SENSORS, *GATES, OUTAGE, ALL]
    parser = argparse.ArgumentParser(prog="python -m bench.truth", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bays", type=int, default=BAYS, help="in the streets")
    parser.add_argument("--hours", type=float, default=HOURS, help="of the city's life in each case")
    parser.add_argument("--faults", nargs="+", choices=known, default=[], help="these alone")
    parser.add_argument("--rates", nargs="+", type=float, default=[], help="instead of each fault's own")
    parser.add_argument("--quick", action="store_true", help="two hours of 40 bays: whether it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="put the tables between the marks of a page"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print the tables as a page has them (default)"
    )
    arguments = parser.parse_args()
    try:
        list(cases(WAY | SENSORS | GATES, arguments.faults, arguments.rates))
    except ValueError as error:
        parser.error(f"--rates: {error}")
    if arguments.hours < LEAST_HOURS or arguments.bays < LEAST_BAYS:
        parser.error(f"--hours must be at least {LEAST_HOURS:g} and --bays at least {LEAST_BAYS}")
    number, hours = (40, 2.0) if arguments.quick else (arguments.bays, arguments.hours)
    found = asyncio.run(
        measure(
            seed=arguments.seed,
            number=number,
            hours=hours,
            names=arguments.faults,
            rates=arguments.rates,
        )
    )
    _tell("")
    if arguments.into:
        put_into(arguments.into, markdown(found))
    elif arguments.json:
        print(json.dumps(as_json(found)))
    else:
        print(markdown(found))


if __name__ == "__main__":
    main()
