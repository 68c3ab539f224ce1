"""What finding a space nearby costs in process, at 10,000 and at 100,000 bays: `python -m bench.nearby`.

Cities of 50 bays a street, as dense as each other (the larger one is larger), and the dense one: as many bays
on a tenth of the ground. Each question is asked at another place of the city, with filters, and encoded.
Where other programs want the processor too, `cpu` (this thread's own time) tells what a question costs.
"""

import argparse
import gc
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from api.bodies import Nearby as NearbyBody
from api.bodies import encode
from api.clock import DatabaseClock
from api.fit import Needs
from api.live import LiveView
from api.nearby import Nearby, Query
from api.places import Wanted
from bench.figures import Figure, Goal
from parking.chance import TurnoverChances
from parking.db.live import BayFacts, BayNow, Confirmation, Everything, SiteFacts
from parking.details import SiteDetails, Tariff
from parking.model import Counting, Occupancy, SiteStatus, Snapshot
from tests.support.live import columns

BAYS_PER_SITE = 50
METRE = 1 / 111_195
HERE = (-3.176, 51.482)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CATEGORIES = ("standard", "standard", "standard", "disabled", "electric", "loading")
P99_MS = Goal(must=5, aim=2, lower_is_better=True)
GROWTH = Goal(must=2, aim=1.3, lower_is_better=True)


@dataclass(frozen=True, slots=True)
class City:
    """A made-up city of `bays` bays on `side_m` x `side_m` metres."""

    name: str
    bays: int
    side_m: float


CITIES = (
    City("10,000 bays", 10_000, 4_000),
    City("100,000 bays, same density", 100_000, 4_000 * 10**0.5),
    City("100,000 bays, tenfold density", 100_000, 4_000),
)
QUESTIONS = {
    "plain, 500 m": {"radius_m": 500.0},
    "filters, 500 m": {"radius_m": 500.0, "categories": frozenset({"disabled", "electric"}), "stay_min": 60},
    "filters, 2 km": {"radius_m": 2000.0, "categories": frozenset({"standard"}), "stay_min": 60},
}


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds of one kind of question in one city, and how many results there were on average."""

    city: str
    question: str
    p50_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p99_ms: float
    results: float


def view_of(city: City) -> LiveView:
    """A live view with that city, all numbers fresh."""
    random = np.random.default_rng(1)
    sites, bays = [], []
    for number in range(city.bays // BAYS_PER_SITE):
        x, y = random.uniform(-city.side_m / 2, city.side_m / 2, 2)
        states = random.choice(
            [Occupancy.VACANT, Occupancy.OCCUPIED, Occupancy.UNKNOWN], BAYS_PER_SITE, p=(0.3, 0.6, 0.1)
        )
        sites.append(_site(f"site-{number:05}", _place(x, y), number, states.tolist()))
        angle = random.uniform(0, 2 * np.pi)
        for bay, state in enumerate(states):
            along = (bay - BAYS_PER_SITE / 2) * 6
            at = _place(x + along * np.cos(angle), y + along * np.sin(angle))
            kind = CATEGORIES[bay % len(CATEGORIES)]
            facts = BayFacts(
                f"site-{number:05}-{bay:02}", f"site-{number:05}", kind, at, (None, 30, 120)[bay % 3]
            )
            bays.append((facts, BayNow(Occupancy(state), NOW, False, 1)))
    clock = DatabaseClock()
    view = LiveView(clock=clock, stale_after_s=3600)
    clock.sync(NOW, asked_at=clock.elapsed())
    view.replace(Everything(Confirmation(NOW, NOW, 1, 1), sites, columns(bays), []))
    return view


def _place(x_m: float, y_m: float) -> tuple[float, float]:
    return float(HERE[0] + x_m * METRE / np.cos(np.radians(HERE[1]))), float(HERE[1] + y_m * METRE)


def _site(id: str, at: tuple[float, float], number: int, states: list[str]) -> tuple[SiteFacts, Snapshot]:
    vacant, occupied, unknown = (states.count(state) for state in Occupancy)
    details = SiteDetails(
        opening_hours="Mo-Sa 07:00-19:00" if number % 3 else None,
        max_height_m=2.1 if number % 4 == 0 else None,
        tariff=Tariff(per_hour=1.0 + number % 3) if number % 5 else None,
    )
    facts = SiteFacts(
        id=id,
        name=id,
        kind="on_street" if number % 4 else "off_street",
        counting=Counting.BAYS,
        timezone="Europe/London",
        location=at,
        details=details,
    )
    number_now = Snapshot(
        site_id=id,
        revision=1,
        status=SiteStatus.OPEN,
        capacity=len(states),
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        free_min=vacant,
        free_max=vacant + unknown,
        as_of=NOW,
    )
    return facts, number_now


def ask(city: City, nearby: Nearby, question: str, *, times: int) -> Timing:
    """Ask so often, each time at another place."""
    random = np.random.default_rng(2)
    needs = Needs(NOW + timedelta(minutes=20), height_m=2.0, max_price=2.5)
    took, worked, results = [], [], 0
    for x, y in random.uniform(-city.side_m / 2.5, city.side_m / 2.5, (times, 2)):
        lon, lat = _place(x, y)
        wanted = Wanted(lat=lat, lon=lon, **QUESTIONS[question])  # type: ignore[arg-type]
        began, began_work = time.perf_counter(), time.thread_time()
        found = nearby.find(Query(wanted=wanted, needs=needs, limit=20))
        encode(NearbyBody(found, needs.arrival))
        took.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.thread_time() - began_work))
        results += len(found)
    wall, work = sorted(took), sorted(worked)
    half, most = times // 2, int(times * 0.99)
    return Timing(city.name, question, wall[half], wall[most], work[half], work[most], results / times)


def bench(*, times: int = 1000) -> list[Timing]:
    """All questions in all cities."""
    timings = []
    for city in CITIES:
        nearby = Nearby(view_of(city), TurnoverChances())
        for question in QUESTIONS:
            ask(city, nearby, question, times=20)
            gc.collect()
            timings.append(ask(city, nearby, question, times=times))
    return timings


def figures(timings: list[Timing]) -> list[Figure]:
    """The slowest p99 at 100,000 bays, and what 100,000 bays cost over 10,000 (the median, same density)."""
    by = {(timing.city, timing.question): timing for timing in timings}
    small, large, dense = (city.name for city in CITIES)
    found = []
    for question in QUESTIONS:
        of = [by[city, question] for city in (small, large, dense)]
        found.append(
            Figure(
                name=f"nearby {question}",
                what="p99 at 100,000 bays, the worse of both densities",
                unit="ms",
                values=[max(of[1].p99_ms, of[2].p99_ms)],
                goal=P99_MS,
                details={
                    **{f"p50 ms, {timing.city}": timing.p50_ms for timing in of},
                    "p99 ms of processor time": max(of[1].cpu_p99_ms, of[2].cpu_p99_ms),
                },
            )
        )
        found.append(
            Figure(
                name=f"nearby growth {question}",
                what="p50 at 100,000 bays over p50 at 10,000, same density",
                unit="x",
                values=[of[1].p50_ms / of[0].p50_ms],
                goal=GROWTH,
                details={
                    "x at tenfold density": of[2].p50_ms / of[0].p50_ms,
                    "x in processor time": of[1].cpu_p50_ms / of[0].cpu_p50_ms,
                },
            )
        )
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--times", type=int, default=1000, help="questions of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    timings = bench(times=arguments.times)
    if arguments.json:
        print(msgspec.json.encode(timings).decode())
        return
    print(f"{'city':30} {'question':16} {'p50 ms':>7} {'p99 ms':>7} {'cpu p50':>7} {'cpu p99':>7} results")
    for one in timings:
        print(
            f"{one.city:30} {one.question:16} {one.p50_ms:7.2f} {one.p99_ms:7.2f}"
            f" {one.cpu_p50_ms:7.2f} {one.cpu_p99_ms:7.2f} {one.results:7.1f}"
        )
    for figure in figures(timings):
        print(f"{figure.name}: {figure.value:.2f} {figure.unit} ({figure.verdict})")


if __name__ == "__main__":
    main()
