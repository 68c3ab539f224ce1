"""The month of `bench.counting` through the real code and a database: `python -m bench.count_month`.

Each read is a camera's message, decoded, admitted and written as the ingestor does it; the books are kept as
it keeps them, an hour of the month at a time; tokens and keys are removed when their time has come. Each hour
the published count is held against the truth.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.counting import CAPACITY, FAULTS, START, WINDOW, Told, car_park, tell
from ingest.admit import Admission, Rules
from ingest.clock import Clock
from ingest.faultpoint import FaultPoint
from ingest.metrics import Metrics
from ingest.source import Message
from ingest.writer import Writer
from parking.columns import microseconds
from parking.db.books import keep_books
from parking.db.connect import Connection, connect
from parking.db.migrate import migrate
from parking.db.registry import import_registry
from parking.db.write import forget_tokens
from parking.lanes import Lanes
from parking.plates import PlateKeys
from parking.registry import parse_registry
from parking.settings import load_settings
from sensors_sim.demand import plan
from sensors_sim.gates import Gates
from sensors_sim.profiles import Use

HOUR = timedelta(hours=1)
LATE = timedelta(days=7)
SITE = "car-park"


@dataclass(frozen=True, slots=True)
class Lived:
    """The true number inside at the end of each hour, and what the cameras told, in order of time."""

    truth: NDArray[np.int64]
    inside_at_start: int
    cameras: tuple[tuple[str, str], ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The count at the end of each hour less the truth: as published, and as it would be without rules.

    `every_read` counts every read, `joined` every passage; `held` is the share of hours in which the truth
    lay between the published bounds.
    """

    published: NDArray[np.int64]
    every_read: NDArray[np.int64]
    joined: NDArray[np.int64]
    held: float
    corrections: dict[str, int]
    visits: dict[str, int]


def mean_error(errors: NDArray[np.int64]) -> float:
    """Mean absolute error, percent of the capacity."""
    return float(np.abs(errors).mean() * 100 / CAPACITY)


def live(use: Use, seed: int, *, days: int) -> Lived:
    """Live through it."""
    city = car_park(use, seed)
    open_plan = replace(city, sites=(replace(city.sites[0], gates=()),))
    lived = plan(open_plan, START.replace(tzinfo=None), days * 86_400.0)
    hour = np.minimum((lived.changes.at // 3600).astype(np.int64), days * 24 - 1)
    moves = np.where(lived.changes.occupied, 1, -1)
    net = np.bincount(hour, weights=moves, minlength=days * 24).astype(np.int64)
    before = int(lived.initial.sum())
    told = tell(city, Gates(city, lived.initial, faults=FAULTS).block(lived.changes), FAULTS)
    return Lived(
        truth=before + np.cumsum(net),
        inside_at_start=before,
        cameras=tuple((gate.camera, gate.direction) for gate in city.sites[0].gates),
        told=tuple(sorted(told, key=lambda one: one.at)),
    )


async def store(database_url: str, lived: Lived, keys: PlateKeys) -> Outcome:
    """Take it all through the real code into a migrated, empty database."""
    async with connect(database_url, name="month", autocommit=True) as connection:
        await _open(connection, lived)
        rules = Rules(late=LATE, early=timedelta(minutes=2), pairing=WINDOW)
        lanes = Lanes()
        hours = len(lived.truth)
        counts, bounds = np.empty(hours, dtype=np.int64), np.empty((hours, 2), dtype=np.int64)
        async with Writer(
            database_url,
            Metrics(),
            lambda known: Admission(known, rules, keys, lanes),
            clock=Clock(),
            faults=FaultPoint(None),
        ) as writer:
            for hour, messages in enumerate(_by_hour(lived)):
                now = START + (hour + 1) * HOUR
                if messages:
                    await writer.write(messages, lambda snapshots: None)
                lanes.forget(now)
                await keep_books(connection, now=now, window=WINDOW, late=LATE)
                await forget_tokens(connection, now=now, window=WINDOW)
                keys.destroy_old(now, WINDOW)
                (row,) = await _rows(connection, "SELECT inside, free_min, free_max FROM site_state")
                counts[hour], *bounds[hour] = row
        free = CAPACITY - lived.truth
        within = (bounds[:, 0] <= free) & (free <= bounds[:, 1])
        return Outcome(
            published=counts - lived.truth,
            every_read=await _uncorrected(connection, "told", lived),
            joined=await _uncorrected(connection, "gate_event", lived),
            held=float(within.mean()),
            corrections=dict(
                await _rows(connection, "SELECT rule, count(*) FROM count_correction GROUP BY 1 ORDER BY 1")
            ),
            visits=dict(await _rows(connection, "SELECT outcome, count(*) FROM visit GROUP BY 1 ORDER BY 1")),
        )


async def _open(connection: Connection, lived: Lived) -> None:
    """Register the car park, which has counted since the month began."""
    site = {
        "id": SITE,
        "name": "Car park",
        "kind": "off_street",
        "counting": "gates",
        "timezone": "UTC",
        "capacity": CAPACITY,
        "initial_count": min(lived.inside_at_start, CAPACITY),
        "gates": [{"camera": camera, "direction": way} for camera, way in lived.cameras],
    }
    await import_registry(connection, parse_registry({"sites": [site]}, source="the month"))
    await connection.execute("UPDATE count_correction SET corrected_at = %s", (START,))


def _by_hour(lived: Lived) -> Iterator[list[Message]]:
    hours: list[list[Message]] = [[] for _ in lived.truth]
    for one in lived.told:
        hours[min(int(one.at // 3600), len(hours) - 1)].append(_message(one))
    yield from hours


def _message(one: Told) -> Message:
    """As OpenALPR's agent tells it, a second later."""
    at = START + timedelta(seconds=one.at)
    body = {
        "data_type": "alpr_group",
        "best_uuid": one.event_id,
        "camera_id": 1,
        "best_plate_number": one.plate,
        "best_confidence": 90.0,
        "epoch_start": int(at.timestamp() * 1000),
    }
    topic = f"parking/v1/{SITE}/anpr/{one.camera}/read"
    arrived = microseconds(at + timedelta(seconds=1))
    return Message(topic, json.dumps(body).encode(), arrived, False, 1, 1)


async def _uncorrected(connection: Connection, what: str, lived: Lived) -> NDArray[np.int64]:
    """The error of a count that starts right and that nothing corrects."""
    ways = dict(lived.cameras)
    if what == "told":
        passed = [(one.at, ways[one.camera]) for one in lived.told]
    else:
        rows = await _rows(connection, "SELECT event_at, direction FROM gate_event")
        passed = [((at - START).total_seconds(), way) for at, way in rows]
    hours = np.array([min(int(at // 3600), len(lived.truth) - 1) for at, _ in passed])
    weights = np.array([1 if way == "in" else -1 for _, way in passed])
    net = np.bincount(hours, weights=weights, minlength=len(lived.truth)).astype(np.int64)
    return min(lived.inside_at_start, CAPACITY) + np.cumsum(net) - lived.truth


async def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query.encode())
    return await cursor.fetchall()


async def _run(use: Use, seed: int, days: int) -> None:
    url = load_settings().require_database_url()
    await migrate(url)
    lived = live(use, seed, days=days)
    with TemporaryDirectory() as folder:
        outcome = await store(url, lived, PlateKeys(Path(folder) / "keys"))
    print(f"{use.name.lower()}: {CAPACITY} spaces, {days} days, {len(lived.told)} reads")
    print("mean absolute error of the count, percent of the capacity, by the hour:")
    print(f"  every read counted           {mean_error(outcome.every_read):6.2f}")
    print(f"  repeat reads joined          {mean_error(outcome.joined):6.2f}")
    print(f"  as published, with the rules {mean_error(outcome.published):6.2f}")
    print(f"the truth lay within the published bounds in {outcome.held:.0%} of the hours")
    print(f"corrections: {outcome.corrections}; visits: {outcome.visits}")


def main() -> None:
    """Run and print. The database of PARKING_DATABASE_URL must be empty."""
    parser = argparse.ArgumentParser(prog="python -m bench.count_month", description=__doc__)
    parser.add_argument("--use", choices=[use.name.lower() for use in Use], default="office")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    asyncio.run(_run(Use[arguments.use.upper()], arguments.seed, arguments.days))


if __name__ == "__main__":
    main()
