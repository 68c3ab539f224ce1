"""The main loop on a real database: what it acknowledges when, in which order, and when it is current."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from ingest import consumer as consumer_module
from ingest.admit import Admission, Rules
from ingest.clock import Clock
from ingest.consumer import Consumer
from ingest.faultpoint import FaultPoint
from ingest.metrics import Metrics
from ingest.share import Share
from ingest.source import Message
from ingest.writer import Writer
from parking.columns import microseconds
from parking.db.connect import connect
from parking.registry import parse_registry
from parking.settings import Settings
from tests.support.city import load, small_registry
from tests.support.polling import until

RULES = Rules(late=timedelta(days=7), early=timedelta(minutes=2))
SECOND = {
    "id": "street-1",
    "name": "Street 1",
    "kind": "on_street",
    "counting": "bays",
    "bays": [{"id": "street-1-0", "sensor": {"id": "sensor-1-0", "codec": "parking-v1"}}],
}
STATES = (State.OCCUPIED, State.VACANT)


@dataclass
class Hose:
    """A source that the test fills. `acknowledged` are packet ids in their order."""

    connected: bool = True
    generation: int = 1
    full: bool = False
    messages: deque[Message] = field(default_factory=deque)
    acknowledged: list[int] = field(default_factory=list)
    sent: int = 0

    @property
    def waiting(self) -> int:
        """Not yet taken."""
        return len(self.messages)

    @property
    def unacknowledged(self) -> int:
        """Not yet acknowledged."""
        return self.sent - len(self.acknowledged)

    async def run(self) -> None:
        """Nothing runs."""

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """What is there; waits while nothing is."""
        await until(lambda: self.messages, timeout=60, every=0.002, what="a message")
        return [self.messages.popleft() for _ in range(min(most, len(self.messages)))]

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Note it."""
        self.acknowledged += [message.mid for message in messages]

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Nobody listens."""
        return True

    def send(self, topic: str, payload: bytes) -> None:
        """A message arrives."""
        self.sent += 1
        now = microseconds(datetime.now(UTC))
        self.messages.append(Message(topic, payload, now, False, 1, self.sent))

    def frame(self, seq: int, *, site: int = 0, bay: int = 0) -> None:
        """A sensor's event arrives."""
        self.send(f"parking/v1/street-{site}/bay/sensor-{site}-{bay}/up", event(seq))


def event(seq: int) -> bytes:
    """A sensor's event `seq`."""
    return codec.encode(StateFrame(type=FrameType.EVENT, state=STATES[seq % 2], boot=1, seq=seq, age_s=0))


@asynccontextmanager
async def consuming(
    database_url: str, hose: Hose, *, share: Share | None = None, **settings: int
) -> AsyncIterator[Consumer]:
    """A consumer at work."""
    metrics, clock, faults = Metrics(), Clock(), FaultPoint(None)
    async with Writer(
        database_url, metrics, lambda known: Admission(known, RULES, None), clock=clock, faults=faults
    ) as writer:
        made = Consumer(
            Settings(**settings),  # type: ignore[arg-type]
            hose,
            writer,
            lambda _: None,
            metrics,
            clock=clock,
            share=share or Share(),
            faults=faults,
        )
        task = asyncio.create_task(made.run())
        yield made
        assert not task.done(), task
        task.cancel()
        await asyncio.wait((task,))


async def stored(database_url: str) -> int:
    """How many events are."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        row = await (await connection.execute("SELECT count(*) FROM bay_event")).fetchone()
        assert row is not None
        return int(row[0])


@asynccontextmanager
async def held_up(database_url: str) -> AsyncIterator[None]:
    """While open, no batch of the first street can be committed."""
    async with connect(database_url, name="other") as other:
        await other.execute("SELECT 1 FROM site_state WHERE site_id = 'street-0' FOR UPDATE")
        yield
        await other.rollback()


async def test_all_is_acknowledged_in_order_and_nothing_before_it_is_committed(
    database_url: str,
) -> None:
    await load(database_url, small_registry(sites=2, heartbeat_s=86_400))
    hose = Hose()
    async with consuming(database_url, hose, batch_size=7) as consumer:
        async with held_up(database_url):
            for seq in range(1, 101):
                hose.frame(seq)
            await until(lambda: consumer.waiting == 100 and hose.waiting < 100, what="it has begun")
            await asyncio.sleep(0.1)
            assert hose.acknowledged == []
            assert await stored(database_url) == 0
        await until(lambda: hose.unacknowledged == 0, what="all are acknowledged")
        assert hose.acknowledged == list(range(1, 101))
        assert await stored(database_url) == 100
        assert consumer.idle


async def test_bundles_are_stored_in_transactions_of_bounded_size_and_acknowledged_whole(
    database_url: str,
) -> None:
    await load(database_url, small_registry(sites=2, heartbeat_s=86_400))
    hose = Hose()
    for turn in range(20):
        entries = [
            BundleEntry("sensor-0-0", 0, codec.decode(event(turn * 30 + number))) for number in range(1, 31)
        ]
        hose.send("parking/v1/street-0/gateway/g/up", codec.encode_bundle(Bundle(tuple(entries))))
    async with consuming(database_url, hose, batch_events=100):
        await until(lambda: hose.unacknowledged == 0, timeout=20, what="all are acknowledged")
    assert hose.acknowledged == list(range(1, 21))
    assert await stored(database_url) == 600


async def test_it_is_current_while_it_keeps_up_and_not_while_the_broker_has_more(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "CAUGHT_UP_S", 0.5)
    await load(database_url, small_registry(heartbeat_s=86_400))
    hose = Hose()
    seq = 0
    async with consuming(database_url, hose) as consumer:

        async def flow(seen: Callable[[], bool], what: str) -> None:
            """Messages come without a pause, until this is seen 50 times on end."""
            on_end = 0

            def one_more() -> bool:
                nonlocal seq, on_end
                seq += 1
                hose.frame(seq)
                on_end = on_end + 1 if seen() else 0
                return on_end == 50

            await until(one_more, timeout=60, every=0.002, what=what)

        for _ in range(10):
            await flow(consumer.current, "current, though there is always something under way")
        hose.full = True  # as if the broker might not send more before we acknowledge
        await flow(lambda: not consumer.current(), "not current: the broker may have more")
        hose.full = False
        await flow(consumer.current, "current again")
        async with held_up(database_url):
            await flow(lambda: not consumer.current(), "not current: nothing is stored")
        await until(lambda: consumer.idle, what="it has caught up")
        assert consumer.current()
        hose.connected = False
        assert not consumer.current()


async def test_messages_of_other_shares_are_acknowledged_and_not_stored(database_url: str) -> None:
    await load(database_url, small_registry(sites=4, heartbeat_s=86_400))
    mine = {
        number: {site for site in range(4) if Share(number, 2).owns_site(f"street-{site}")}
        for number in (1, 2)
    }
    assert all(mine.values())
    for number in (1, 2):
        hose = Hose()
        for site in range(4):
            hose.frame(1, site=site)
        async with consuming(database_url, hose, share=Share(number, 2)):
            await until(lambda h=hose: h.unacknowledged == 0, what="all are acknowledged")  # type: ignore[misc]
        assert hose.acknowledged == [1, 2, 3, 4]
        assert await stored(database_url) == len(mine[1]) + (len(mine[2]) if number == 2 else 0)


async def test_a_change_of_the_registry_reaches_what_was_decoded_before_it(database_url: str) -> None:
    """Messages that wait behind a batch that is held up are of a bay that is loaded meanwhile."""
    await load(database_url, small_registry(heartbeat_s=86_400))
    hose = Hose()
    async with consuming(database_url, hose, batch_size=1) as consumer:
        hose.frame(1)
        await until(lambda: hose.unacknowledged == 0, what="the registry is known by heart")
        async with held_up(database_url):
            hose.frame(2)
            await until(lambda: not hose.waiting, what="it is under way")
            hose.frame(1, site=1)
            await until(lambda: not hose.waiting, what="the next is decoded")
            await load(database_url, parse_registry({"sites": [SECOND]}, source="test"))
            consumer._writer.forget()  # as the keeper does when it hears of it
        await until(lambda: hose.unacknowledged == 0, what="all are acknowledged")
    assert await stored(database_url) == 3
