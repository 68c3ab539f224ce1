"""What the open-data documents of a large city cost, and how hot reads fare: `python -m bench.open_data`.

In process: the city is 500 sites of 40 bays, every fifth of them unknown. A document is made five times, the
best counts. Then all are made over and over in the thread they are made in, while the event loop answers a
hot read every millisecond: how late that is tells what a driver notices.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from api.clock import DatabaseClock
from api.codings import ENCODERS, Coding
from api.live import LiveView
from api.opendata.city import City, Publisher, take
from api.opendata.documents import DOCUMENTS
from api.opendata.store import OpenData
from api.prepared import Answers
from parking.db.live import BayFacts, BayNow, Confirmation, Everything, SiteFacts
from parking.details import SiteDetails, Tariff
from parking.model import Counting, Occupancy, SiteStatus, Snapshot
from parking.outlook import NoForecasts
from parking.signs import SignRules
from tests.support.live import columns

SITES, BAYS = 500, 40
ROUNDS = 5
LISTEN_S = 10.0
CATEGORIES = ("standard", "standard", "standard", "disabled", "electric")
STATES = (Occupancy.VACANT, Occupancy.OCCUPIED, Occupancy.OCCUPIED, Occupancy.OCCUPIED, Occupancy.UNKNOWN)
PUBLISHER = Publisher(name="Town", licence_url="https://example.org/licence", licence="A licence")


class Cost(msgspec.Struct, frozen=True):
    """Of one document: milliseconds to make it, its bytes, and those of its zstd form."""

    path: str
    ms: float
    bytes: int
    zstd_bytes: int


class Lateness(msgspec.Struct, frozen=True):
    """Milliseconds by which a read that was due came later than due, and how many documents were made."""

    making: bool
    p50_ms: float
    p99_ms: float
    most_ms: float
    documents: int


def _site(number: int, now: datetime) -> tuple[SiteFacts, Snapshot]:
    states = [STATES[(number + bay) % len(STATES)] for bay in range(BAYS)]
    vacant, occupied = states.count(Occupancy.VACANT), states.count(Occupancy.OCCUPIED)
    unknown = BAYS - vacant - occupied
    facts = SiteFacts(
        id=f"site-{number}",
        name=f"Street number {number}",
        kind="on_street",
        counting=Counting.BAYS,
        timezone="Europe/London",
        location=(-3.2 + number / 5000, 51.48),
        details=SiteDetails(
            zone="centre", max_stay_min=120, tariff=Tariff(per_hour=2.4, text="£2.40 an hour")
        ),
        registered_at=now - timedelta(days=100),
    )
    return facts, Snapshot(
        site_id=facts.id,
        revision=1000 + number,
        status=SiteStatus.OPEN,
        capacity=BAYS,
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        free_min=vacant,
        free_max=vacant + unknown,
        as_of=now,
    )


def _bays(number: int, now: datetime) -> Iterator[tuple[BayFacts, BayNow]]:
    for bay in range(BAYS):
        at = (-3.2 + number / 5000, 51.48 + bay / 20_000)
        facts = BayFacts(
            f"site-{number}-{bay:03}", f"site-{number}", CATEGORIES[bay % len(CATEGORIES)], at, 120
        )
        yield facts, BayNow(STATES[(number + bay) % len(STATES)], now, False, 1)


def large_view() -> LiveView:
    """A live view of the city, confirmed just now."""
    view = LiveView(clock=DatabaseClock(), stale_after_s=3600, withheld=frozenset({"disabled", "resident"}))
    now = datetime.now(UTC)
    view.replace(
        Everything(
            Confirmation(now, now, 1, 1),
            [_site(number, now) for number in range(SITES)],
            columns(bay for number in range(SITES) for bay in _bays(number, now)),
            [],
        )
    )
    return view


def costs(city: City) -> list[Cost]:
    """What each document costs."""
    found = []
    for document in DOCUMENTS:
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            body = document.render(city)
            took.append(time.perf_counter() - began)
        zstd = len(ENCODERS[Coding.ZSTD](body))
        found.append(Cost(document.path, round(min(took) * 1000, 1), len(body), zstd))
    return found


async def lateness(view: LiveView, *, making: bool) -> Lateness:
    """How late hot reads are while documents are made, as fast as one after the other can be."""
    data, answers = OpenData(view, PUBLISHER, forecasts=NoForecasts()), Answers(view, SignRules())
    made, late, until = 0, [], time.perf_counter() + LISTEN_S

    async def make() -> None:
        nonlocal made
        while making:
            for document in DOCUMENTS:
                data.forget()
                await data.get(document, b"zstd")
                made += 1

    task = asyncio.create_task(make(), name="documents")
    while (began := time.perf_counter()) < until:
        await asyncio.sleep(0.001)
        answers.site("site-7")
        late.append((time.perf_counter() - began - 0.001) * 1000)
    task.cancel()
    data.close()
    p50, p99 = np.percentile(late, [50, 99]).round(2).tolist()
    return Lateness(making, p50, p99, round(max(late), 1), made)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.open_data", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    view = large_view()
    began = time.perf_counter()
    city = take(view, PUBLISHER, forecasts=NoForecasts())
    taken_ms = round((time.perf_counter() - began) * 1000, 2)
    documents = costs(city)
    reads = [asyncio.run(lateness(view, making=making)) for making in (False, True)]
    if arguments.json:
        print(json.dumps(msgspec.to_builtins({"taken_ms": taken_ms, "documents": documents, "reads": reads})))
        return
    print(
        f"{SITES} sites, {SITES * BAYS} bays; the picture of the city takes {taken_ms} ms of the event loop\n"
    )
    print(f"{'document':<50}{'ms':>8}{'kB':>8}{'zstd kB':>9}")
    for one in documents:
        print(f"{one.path:<50}{one.ms:>8}{one.bytes / 1000:>8.0f}{one.zstd_bytes / 1000:>9.0f}")
    print(f"\n{'a hot read is late by (ms)':<40}{'p50':>8}{'p99':>8}{'most':>8}")
    for read in reads:
        name = f"while {read.documents} documents are made" if read.making else "with nothing else to do"
        print(f"{name:<40}{read.p50_ms:>8}{read.p99_ms:>8}{read.most_ms:>8}")


if __name__ == "__main__":
    main()
