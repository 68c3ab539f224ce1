"""A city that is lived through without a clock and without a broker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from sensors_sim.city import City, build_city
from sensors_sim.faults import Faults
from sensors_sim.ledger import Final, Ledger, Message, Record, Start, collect, utc
from sensors_sim.outgoing import Outgoing
from sensors_sim.speech import Clock
from sensors_sim.stream import Stream
from sensors_sim.tally import Tally

EPOCH = 1_750_000_000.0


@dataclass
class Notes:
    """A journal in memory."""

    records: list[Record] = field(default_factory=list)

    def write(self, record: Record) -> None:
        self.records.append(record)


@dataclass
class Life:
    """What a city did: each message with the time at which it was sent and its payload."""

    city: City
    stream: Stream
    sent: list[tuple[float, Outgoing, bytes]]
    ledger: Ledger
    final: Final


def live(
    *,
    bays: int = 120,
    sites: int = 6,
    seed: int = 1,
    speed: float = 60.0,
    duration: float = 90.0,
    heartbeat_s: float = 30.0,
    faults: Faults | None = None,
    boot: int = 7,
    epoch: float = EPOCH,
    step: float | None = None,
) -> Life:
    """Live through `duration` wall seconds; `step`: look at the clock as seldom as a slow process."""
    city = build_city(seed=seed, bays=bays, sites=sites, heartbeat_s=heartbeat_s)
    clock = Clock(epoch=epoch, start=datetime(2025, 3, 5, 9, 0), speed=speed)
    notes = Notes()
    stream = Stream(city, clock, boot=boot, faults=faults or Faults(), journal=notes)
    tally = Tally(city, stream.initial)
    notes.write(Start(at=utc(epoch), seed=seed, boot=boot, bays=bays, inside=tally.inside, options={}))
    notes.records.insert(0, notes.records.pop())
    sent: list[tuple[float, Outgoing, bytes]] = []

    def take(now: float) -> None:
        while messages := stream.take(now):
            for message in messages:
                payload = message.render(now)
                tally.add(message)
                sent.append((now, message, payload))
                notes.write(_receipt(message, epoch + now, payload))

    now = 0.0
    while now < duration:
        now = min(duration, max(now + (step or 0.0), stream.next_due()))
        take(now)
    stream.stop(duration)
    while not stream.done:
        now = max(now, stream.next_due())
        take(now)
    final = tally.final(utc(epoch + now), truth=stream.truth(), passed=stream.passed, silent=stream.silent())
    notes.write(final)
    return Life(city, stream, sent, collect(iter(notes.records)), final)


def _receipt(message: Outgoing, unix: float, payload: bytes) -> Message:
    return Message(
        at=utc(unix),
        number=message.number,
        copy=message.copy,
        topic=message.topic,
        sha256="",
        size=len(payload),
        events=message.events,
        read=message.read.event_id if message.read else None,
        faults=message.faults,
    )


@pytest.fixture(scope="session")
def calm() -> Life:
    """A city without faults."""
    return live()


@pytest.fixture
def living() -> Callable[..., Life]:
    """Live through a city of one's own."""
    return live
