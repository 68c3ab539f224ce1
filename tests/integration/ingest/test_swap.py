"""Sensors that change bays while messages flow: history stays with the bay, on the real database."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from ingest.admit import Admission, Rules
from ingest.clock import Clock
from ingest.faultpoint import FaultPoint
from ingest.metrics import Metrics
from ingest.source import Message
from ingest.writer import Writer
from parking.columns import microseconds
from parking.db.connect import connect
from parking.registry import Registry, parse_registry
from tests.support.city import load
from tests.support.polling import until

RULES = Rules(late=timedelta(days=7), early=timedelta(minutes=2))
STATES = (State.OCCUPIED, State.VACANT)


def street(*sensors: str | None) -> Registry:
    """A street whose bays have these sensors."""
    bays = [
        {"id": f"bay-{number}", **({"sensor": {"id": sensor, "heartbeat_s": 86_400}} if sensor else {})}
        for number, sensor in enumerate(sensors)
    ]
    site = {"id": "street", "name": "Street", "kind": "on_street", "counting": "bays", "bays": bays}
    return parse_registry({"sites": [site]}, source="test")


def frame(seq: int, *, boot: int = 1, age_s: int = 0) -> StateFrame:
    """A sensor's event `seq`: odd ones say vacant."""
    return StateFrame(type=FrameType.EVENT, state=STATES[seq % 2], boot=boot, seq=seq, age_s=age_s)


def heard(device: str, told: StateFrame, *, at: datetime) -> Message:
    """A sensor is heard now."""
    topic = f"parking/v1/street/bay/{device}/up"
    return Message(topic, codec.encode(told), microseconds(at), False, 1, 1)


def held_up(device: str, told: StateFrame, *, delay_s: int, at: datetime) -> Message:
    """A gateway passes on what it heard so long ago."""
    bundle = codec.encode_bundle(Bundle((BundleEntry(device, delay_s, told),)))
    return Message("parking/v1/street/gateway/gw/up", bundle, microseconds(at), False, 1, 1)


def writing_to(database_url: str) -> Writer:
    """A writer as the ingestor makes it."""
    return Writer(
        database_url,
        Metrics(),
        lambda known: Admission(known, RULES, None),
        clock=Clock(),
        faults=FaultPoint(None),
    )


async def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        return await (await connection.execute(query)).fetchall()


async def swapped_at(database_url: str) -> datetime:
    """When the registry was last changed."""
    ((at,),) = await rows(
        database_url, "SELECT max(from_at) FROM device_assignment WHERE from_at > '-infinity'"
    )
    assert isinstance(at, datetime)
    return at


EVENTS = "SELECT bay_id, device_id, seq FROM bay_event WHERE kind <> 'unwatched' ORDER BY bay_id, event_at"


async def test_what_a_moved_sensor_says_goes_to_the_bay_where_it_was(each_database_url: str) -> None:
    url = each_database_url
    await load(url, street("s", None))
    async with writing_to(url) as writer:
        await writer.write([heard("s", frame(2), at=datetime.now(UTC))], lambda _: None)
        # Nobody tells the writer of the change: it finds out by itself, before it books anything wrongly.
        await load(url, street(None, "s"))
        swap = await swapped_at(url)
        now = swap + timedelta(seconds=40)
        await writer.write([held_up("s", frame(3), delay_s=60, at=now)], lambda _: None)
        assert await rows(url, EVENTS) == [("bay-0", "s", 2)]
        assert await rows(url, "SELECT code FROM rejected_message") == [("before_swap",)]
        # A repeated word about a state that began before the swap holds in the new bay from the swap on.
        for later in (41, 50):
            at = swap + timedelta(seconds=later)
            await writer.write([heard("s", frame(4, age_s=3600), at=at)], lambda _: None)
        await writer.write([heard("s", frame(5), at=now + timedelta(seconds=20))], lambda _: None)
    assert await rows(url, EVENTS) == [("bay-0", "s", 2), ("bay-1", "s", 4), ("bay-1", "s", 5)]
    stays = await rows(url, "SELECT bay_id, ended_at, end_seen FROM stay ORDER BY bay_id")
    assert stays == [("bay-0", swap, False), ("bay-1", now + timedelta(seconds=20), True)]
    ((first,),) = await rows(
        url, "SELECT min(event_at) FROM bay_event WHERE bay_id = 'bay-1' AND kind <> 'unwatched'"
    )
    assert first == swap
    states = await rows(url, "SELECT bay_id, state FROM bay_state ORDER BY bay_id")
    assert states == [("bay-0", "unknown"), ("bay-1", "vacant")]


async def test_two_sensors_change_places_while_messages_flow(database_url: str) -> None:
    await load(database_url, street("s0", "s1"))
    told = {"s0": 0, "s1": 0}
    stop = asyncio.Event()

    async def flow(writer: Writer) -> None:
        while not stop.is_set():
            batch: Sequence[Message] = []
            for device in told:
                told[device] += 1
                batch = [*batch, heard(device, frame(told[device]), at=datetime.now(UTC))]
            await writer.write(batch, lambda _: None)

    async def more(messages: int) -> None:
        goal = min(told.values()) + messages
        await until(lambda: min(told.values()) >= goal, what="more messages")

    async with writing_to(database_url) as writer:
        flowing = asyncio.create_task(flow(writer))
        for order in (("s1", "s0"), ("s0", "s1"), ("s0", None), ("s0", "s1")):
            await more(20)
            await load(database_url, street(*order))
        await more(20)
        stop.set()
        await flowing

    # Each event is there once, or its rejection is; and each lies in a time in which its device was there.
    ((events,),) = await rows(database_url, "SELECT count(*) FROM bay_event WHERE kind <> 'unwatched'")
    ((rejected,),) = await rows(database_url, "SELECT count(*) FROM rejected_message")
    ((distinct,),) = await rows(
        database_url, "SELECT count(DISTINCT (device_id, seq)) FROM bay_event WHERE kind <> 'unwatched'"
    )
    assert events == distinct
    assert events + rejected == sum(told.values())
    assert set(await rows(database_url, "SELECT DISTINCT code FROM rejected_message")) <= {
        ("before_swap",),
        ("unassigned_device",),
    }
    stray = await rows(
        database_url,
        "SELECT * FROM bay_event e WHERE kind <> 'unwatched' AND NOT EXISTS (SELECT FROM device_assignment a"
        " WHERE (a.device_id, a.bay_id) = (e.device_id, e.bay_id)"
        " AND e.event_at >= a.from_at AND e.event_at <= coalesce(a.until_at, 'infinity'))",
    )
    assert stray == []
    overlapping = await rows(
        database_url,
        "SELECT * FROM stay a JOIN stay b ON a.bay_id = b.bay_id AND a.started_at < b.started_at"
        " AND coalesce(a.ended_at, 'infinity') > b.started_at",
    )
    assert overlapping == []
