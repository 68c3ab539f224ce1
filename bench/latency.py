"""How long a change takes from a sensor's publish to a reader of the event stream, at a steady rate."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import msgspec
import numpy as np

from bench import peers
from bench.figures import Figure, Goal
from bench.ground import Ground
from bench.stage import BenchFailed, Stage, ingesting, load, stage
from bench.traffic import BAYS_PER_SITE, Town, bundles, some
from cli.embedded.ports import choose_port
from tests.support.processes import ParkingProcess

GOAL = Goal(must=300, aim=100, lower_is_better=True)
_LEAD_S = 0.5
_LAST_WORD_S = 30.0


class _Site(msgspec.Struct):
    """What is needed of an event's data; other kinds of event have no id."""

    id: str = ""
    occupied: int = 0


@dataclass(slots=True)
class Sightings:
    """When the stream first showed each site with so many bays occupied (monotonic seconds).

    Each message makes one more bay of its site occupied and no bay is freed. So a site that shows n occupied
    has shown its first n messages, though several may have gone into one event.
    """

    seen: dict[str, list[float]] = field(default_factory=dict)
    total: int = 0

    def note(self, body: bytes, at: float) -> None:
        """Take the data of one event."""
        site = msgspec.json.decode(body, type=_Site)
        if site.id:
            times = self.seen.setdefault(site.id, [])
            new = site.occupied - len(times)
            times += [at] * new
            self.total += max(new, 0)


async def stream_latency(ground: Ground, *, rate: float, seconds: float) -> Figure:
    """p99 at `rate` messages a second for so many seconds, spread over all sites."""
    count = int(rate * seconds)
    sites = -(-count // BAYS_PER_SITE)
    town = Town(sites * BAYS_PER_SITE)
    # Site after site, so that a site has its next message after all others had theirs.
    bays = [site * BAYS_PER_SITE + turn for turn in range(BAYS_PER_SITE) for site in range(sites)][:count]
    async with (
        stage(ground, town) as made,
        ingesting(made, PARKING_DEBOUNCE_S="10") as ingestor,
        _serving(made) as (api, url),
    ):
        # A minute ago, so that no change is held back because the state before it was short.
        await load(made, ingestor, bundles(town, 1, held_s=60))
        meter = made.meter(ingestor, api)
        before = meter.read()
        started_at, sightings = await _watch(made, url, bays, rate)
        used = {name: value - before[name] for name, value in meter.read().items()}
    # From when a message was due, so that a publisher that is held up does not hide it.
    due = started_at + np.arange(count) / rate
    seen = [np.array(sightings.seen[site]) - due[number::sites] for number, site in enumerate(town.sites)]
    took = np.sort(1000 * np.concatenate(seen))
    busy = {f"{part} cores busy": value / seconds for part, value in used.items()}
    return Figure(
        name="latency",
        what=f"p99 from publish to the stream's reader, {rate:g} msg/s for {seconds:g} s, {sites} sites",
        unit="ms",
        values=[_percentile(took, 0.99)],
        goal=GOAL,
        details={
            "p50 ms": _percentile(took, 0.5),
            "p90 ms": _percentile(took, 0.9),
            "most ms": float(took[-1]),
            **busy,
        },
    )


@asynccontextmanager
async def _serving(made: Stage) -> AsyncIterator[tuple[ParkingProcess, str]]:
    """The real API, ready, and its address."""
    url = f"http://127.0.0.1:{choose_port()}"
    process = made.start("api", PARKING_API_PORT=str(urlsplit(url).port))
    try:
        await process.wait_for_http(f"{url}/readyz", timeout=60)
        yield process, url
    finally:
        await process.reap()


async def _watch(made: Stage, url: str, bays: list[int], rate: float) -> tuple[float, Sightings]:
    """Publish these bays' changes at a rate and read the stream until all were seen; when it began."""
    sightings = Sightings()
    packets = some(made.town, bays).packets
    async with (
        httpx.AsyncClient(trust_env=False, timeout=_LAST_WORD_S) as client,
        client.stream("GET", f"{url}/v1/stream") as answer,
        peers.publisher(made.ground.mqtt_url, packets, made.ground.folder, rate=rate) as peer,
    ):
        reading = asyncio.create_task(_read(answer, sightings, len(bays)), name="stream reader")
        started_at = time.monotonic() + _LEAD_S
        await peer.go(started_at)
        await peers.published(peer)
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await reading
        except TimeoutError as error:
            raise BenchFailed(f"the stream showed {sightings.total} of {len(bays)} changes") from error
    return started_at, sightings


async def _read(answer: httpx.Response, sightings: Sightings, count: int) -> None:
    left = b""
    async for chunk in answer.aiter_raw():
        at = time.monotonic()
        *lines, left = (left + chunk).split(b"\n")
        for body in _bodies(lines):
            sightings.note(body, at)
        if sightings.total >= count:
            return


def _bodies(lines: list[bytes]) -> Iterator[bytes]:
    return (line[6:] for line in lines if line.startswith(b"data: "))


def _percentile(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], share: float) -> float:
    """The value that this share does not exceed."""
    return float(ordered[min(len(ordered) - 1, int(np.ceil(share * len(ordered))) - 1)])
