"""The publisher: always the latest snapshot of each site, and again over each new connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.metrics import Metrics
from ingest.publisher import Publisher
from ingest.share import Share
from ingest.source import Message, Source
from parking.model import SiteStatus, Snapshot
from tests.support.polling import until

WHOLE = Share()
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass
class Wire:
    """A source whose connection the test makes and breaks; it only publishes."""

    connected: bool = True
    generation: int = 1
    waiting: int = 0
    unacknowledged: int = 0
    full: bool = False
    sent: list[tuple[int, str, int]] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)

    async def run(self) -> None:
        """Nothing runs."""

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """Nothing arrives."""
        return []

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Nothing came."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Keep what a broker would retain."""
        if not self.connected:
            return False
        assert retain
        self.retained[topic] = payload
        self.sent.append((self.generation, topic.split("/")[2], json.loads(payload)["revision"]))
        return True


def snapshot(site: str, revision: int) -> Snapshot:
    """A number of a site."""
    return Snapshot(
        site_id=site,
        revision=revision,
        status=SiteStatus.OPEN,
        capacity=10,
        vacant=revision % 10,
        occupied=10 - revision % 10,
        unknown=0,
        free_min=revision % 10,
        free_max=revision % 10,
        as_of=NOON,
    )


@asynccontextmanager
async def running(source: Source, share: Share = WHOLE) -> AsyncIterator[Publisher]:
    """A publisher at work."""
    publisher = Publisher(source, Metrics(), share)
    task = asyncio.create_task(publisher.run())
    yield publisher
    assert not task.done()
    task.cancel()


async def test_a_snapshot_is_retained_as_plain_json() -> None:
    wire = Wire()
    async with running(wire) as publisher:
        publisher.offer([snapshot("a", 3)])
        await until(lambda: wire.sent, what="it is published")
    assert json.loads(wire.retained["parking/v1/a/availability"]) == {
        "site": "a",
        "revision": 3,
        "status": "open",
        "capacity": 10,
        "vacant": 3,
        "occupied": 7,
        "unknown": 0,
        "free_min": 3,
        "free_max": 3,
        "as_of": "2026-03-04T12:00:00Z",
    }


async def test_only_the_latest_of_each_site_is_published() -> None:
    wire = Wire()
    async with running(wire) as publisher:
        publisher.offer([snapshot("a", 1), snapshot("b", 5)])
        publisher.offer([snapshot("a", 3), snapshot("a", 2), snapshot("b", 5)])
        await until(lambda: len(wire.sent) == 2, what="both are published")
        publisher.offer([snapshot("a", 2), replace(snapshot("b", 5), vacant=0, occupied=10)])
        publisher.offer([snapshot("c", 1)])
        await until(lambda: len(wire.sent) == 3, what="the third is published")
    assert wire.sent == [(1, "a", 3), (1, "b", 5), (1, "c", 1)]


async def test_after_a_new_connection_everything_is_published_again() -> None:
    wire = Wire()
    async with running(wire) as publisher:
        publisher.offer([snapshot("a", 1), snapshot("b", 1)])
        await until(lambda: len(wire.sent) == 2, what="both are published")
        wire.connected, wire.retained = False, {}
        publisher.offer([snapshot("a", 2)])
        publisher.offer([snapshot("a", 3)])
        wire.connected, wire.generation = True, 2
        publisher.offer([])  # the keeper's next round
        await until(lambda: len(wire.sent) == 4, timeout=5, what="both are published again")
    assert sorted(wire.sent[2:]) == [(2, "a", 3), (2, "b", 1)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), min_size=1, max_size=30))
def test_what_is_retained_in_the_end_is_the_highest_revision(offers: list[tuple[str, int]]) -> None:
    latest = {site: max(revision for s, revision in offers if s == site) for site, _ in offers}

    async def offered() -> None:
        wire = Wire()
        async with running(wire) as publisher:
            for number, (site, revision) in enumerate(offers):
                publisher.offer([snapshot(site, revision)])
                if number % 3 == 0:
                    await asyncio.sleep(0)
            await until(lambda: revisions(wire) == latest, what="the highest are retained")

    asyncio.run(offered())


def revisions(wire: Wire) -> dict[str, int]:
    """What is retained, by site."""
    return {topic.split("/")[2]: json.loads(text)["revision"] for topic, text in wire.retained.items()}


async def test_of_several_ingestors_one_publishes_a_site() -> None:
    sites = [f"street-{number}" for number in range(12)]
    found: list[set[str]] = []
    for number in (1, 2, 3):
        wire, share = Wire(), Share(number, 3)
        async with running(wire, share) as publisher:
            publisher.offer([snapshot(site, 1) for site in sites])
            mine = {site for site in sites if share.owns_site(site)}
            await until(lambda w=wire, m=mine: set(revisions(w)) == m, what="its own are published")  # type: ignore[misc]
        found.append(set(revisions(wire)))
    assert sorted(site for part in found for site in part) == sorted(sites)
