"""The writer on a real database: it isolates what cannot be stored, and tries again what may pass."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.errors import DeadlockDetected

from firmware_protocol import codec
from firmware_protocol.frames import FrameType, State, StateFrame
from ingest.admit import Admission
from ingest.metrics import Metrics
from ingest.source import Message
from ingest.writer import SPLIT_EVENTS, Admitted
from parking.columns import microseconds
from parking.db.connect import Connection, connect
from parking.db.records import Batch
from parking.model import Snapshot
from parking.registry import parse_registry
from tests.support.city import load, read_back, small_registry
from tests.support.databases import Databases
from tests.support.polling import until
from tests.support.writing import writing_to

EUI = "a84041000181c061"
STATES = (State.OCCUPIED, State.VACANT)


def heard(bay: int, seq: int, *, site: int = 0, at: datetime) -> Message:
    """A sensor of a small registry tells of its event `seq`."""
    frame = StateFrame(type=FrameType.EVENT, state=STATES[seq % 2], boot=1, seq=seq, age_s=0)
    topic = f"parking/v1/street-{site}/bay/sensor-{site}-{bay}/up"
    return Message(topic, codec.encode(frame), microseconds(at), False, 1, 1)


def poison(at: datetime) -> Message:
    """A well-formed uplink, of which `Spoiling` makes what the database cannot hold."""
    uplink = {"deviceInfo": {"devEui": EUI}, "fCnt": 1, "data": "FWYB"}
    return Message(
        f"application/1/device/{EUI}/event/up", json.dumps(uplink).encode(), microseconds(at), False, 1, 1
    )


class Spoiling(Admission):
    """Gives the event of `poison` a part that is greater than its column holds."""

    def batch(self, messages: Sequence[Message]) -> Batch:
        batch = super().batch(messages)
        batch.bays[:] = [
            replace(record, observation=replace(record.observation, part=1 << 15))
            if record.observation.device == EUI
            else record
            for record in batch.bays
        ]
        return batch


async def rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        return await (await connection.execute(query)).fetchall()


async def test_a_message_that_cannot_be_stored_stands_alone_and_the_others_are_stored(
    each_database_url: str,
) -> None:
    placepod = {"id": "p1", "sensor": {"id": EUI, "codec": "pni-placepod"}}
    street = {"id": "pods", "name": "Pods", "kind": "on_street", "counting": "bays", "bays": [placepod]}
    await load(each_database_url, small_registry(bays=4))
    await load(each_database_url, parse_registry({"sites": [street]}, source="test"))
    now = datetime.now(UTC)
    good = [heard(number % 4, number // 4 + 1, at=now) for number in range(6)]
    messages = [*good[:2], poison(now), *good[2:]]
    snapshots: list[Snapshot] = []

    async with writing_to(each_database_url, admission=Spoiling) as writer:
        await writer.write(messages, snapshots.extend)
        assert len(await rows(each_database_url, "SELECT 1 FROM bay_event WHERE bay_id <> 'p1'")) == 6
        assert await rows(each_database_url, "SELECT code, size, payload FROM rejected_message") == [
            ("not_storable", len(messages[2].payload), None)
        ]
        assert await rows(each_database_url, "SELECT 1 FROM bay_event WHERE bay_id = 'p1'") == []
        # It goes on afterwards, on a good connection.
        await writer.write([heard(0, 9, at=now)], snapshots.extend)
        assert len(await rows(each_database_url, "SELECT 1 FROM bay_event")) == 7
    assert {snapshot.site_id for snapshot in snapshots} == {"street-0"}


async def test_a_rejection_whose_topic_no_text_can_hold_is_recorded_all_the_same(database_url: str) -> None:
    message = Message("parking/\0", b"", microseconds(datetime.now(UTC)), False, 1, 1)
    async with writing_to(database_url) as writer:
        await writer.write([message], lambda _: None)
    assert await rows(database_url, "SELECT code FROM rejected_message") == [("unknown_topic",)]


async def _lock_site(connection: Connection, site: str) -> None:
    await connection.execute("SELECT 1 FROM site_state WHERE site_id = %s FOR UPDATE", (site,))


async def _waiters(connection: Connection) -> int:
    cursor = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("order", ["bay first", "site first"])
async def test_a_deadlock_with_another_transaction_is_tried_again(database_url: str, order: str) -> None:
    await load(database_url, small_registry())
    metrics, now = Metrics(), datetime.now(UTC)
    lock_bay = "SELECT 1 FROM bay_state WHERE bay_id = 'street-0-0' FOR UPDATE"
    async with (
        connect(database_url, name="other") as other,
        connect(database_url, name="watch", autocommit=True) as watch,
        writing_to(database_url, metrics) as writer,
    ):
        # Whichever order the writer takes its locks in, one of the two makes a circle.
        if order == "bay first":
            await other.execute(lock_bay)
        else:
            await _lock_site(other, "street-0")
        writing = asyncio.create_task(writer.write([heard(0, 2, at=now)], lambda _: None))

        async def it_waits() -> bool:
            return await _waiters(watch) == 1

        await until(it_waits, what="the writer waits for us")
        with suppress(DeadlockDetected):  # the server chooses which of the two has to give way
            if order == "bay first":
                await _lock_site(other, "street-0")
            else:
                await other.execute(lock_bay)
        await other.rollback()
        async with asyncio.timeout(20):
            await writing
    assert await rows(database_url, "SELECT bay_id, state FROM bay_event") == [("street-0-0", "occupied")]
    assert await rows(database_url, "SELECT state FROM bay_state WHERE bay_id = 'street-0-0'") == [
        ("occupied",)
    ]


async def test_a_connection_that_is_cut_in_mid_batch_is_made_anew(database_url: str) -> None:
    await load(database_url, small_registry())
    now = datetime.now(UTC)
    async with (
        connect(database_url, name="other") as other,
        connect(database_url, name="watch", autocommit=True) as watch,
        writing_to(database_url) as writer,
    ):
        await _lock_site(other, "street-0")
        writing = asyncio.create_task(writer.write([heard(0, 2, at=now)], lambda _: None))

        async def it_waits() -> bool:
            return await _waiters(watch) == 1

        await until(it_waits, what="the writer waits for us")
        await watch.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'parking ingest'"
        )
        await other.rollback()
        async with asyncio.timeout(20):
            await writing
    assert await rows(database_url, "SELECT bay_id, state FROM bay_event") == [("street-0-0", "occupied")]


async def test_what_another_ingestor_has_stored_meanwhile_is_no_fault_of_a_message(database_url: str) -> None:
    await load(database_url, small_registry())
    start = datetime.now(UTC) - timedelta(minutes=10)
    told = [heard(0, seq, at=start + timedelta(minutes=seq)) for seq in range(1, 6)]
    async with writing_to(database_url) as one, writing_to(database_url) as other:
        await other.write(told[:2], lambda _: None)  # it knows by heart where the bay stands, as of now
        await one.write(told[:4], lambda _: None)
        await other.write(told[4:], lambda _: None)
    assert await rows(database_url, "SELECT code FROM rejected_message") == []
    assert await rows(database_url, "SELECT seq FROM bay_event ORDER BY 1") == [(1,), (2,), (3,), (4,), (5,)]
    assert await rows(database_url, "SELECT count(*) FROM stay") == [(2,)]
    assert await rows(database_url, "SELECT state FROM bay_state WHERE bay_id = 'street-0-0'") == [
        ("vacant",)
    ]


async def test_two_ingestors_on_the_same_bays_end_as_one(databases: Databases, database_url: str) -> None:
    alone = databases.create()
    registry = small_registry(bays=5, sites=2, heartbeat_s=86_400)
    start = datetime.now(UTC) - timedelta(hours=1)
    messages = [
        heard(bay, seq, site=site, at=start + timedelta(seconds=seq * 60 + bay))
        for seq in range(1, 25)
        for site in range(2)
        for bay in range(5)
    ]
    parts = [messages[first : first + 17] for first in range(0, len(messages), 17)]

    async def ingest(url: str, mine: list[list[Message]]) -> None:
        async with writing_to(url) as writer:
            for part in mine:
                await writer.write(part, lambda _: None)

    for url in (alone, database_url):
        await load(url, registry)
    await ingest(alone, parts)
    async with asyncio.TaskGroup() as tasks:
        # Each has half of the parts, one from the end on, and both have some.
        tasks.create_task(ingest(database_url, [*parts[::2], *parts[1:4]]))
        tasks.create_task(ingest(database_url, [*reversed(parts[1::2]), *parts[2:5]]))

    async with (
        connect(alone, name="test", autocommit=True) as one,
        connect(database_url, name="test", autocommit=True) as two,
    ):
        expected, actual = await read_back(one), await read_back(two)
    databases.drop(alone)
    assert len(expected.events) == len(messages)
    assert len(expected.stays) == 10 * 12
    assert actual == expected


async def test_in_a_large_batch_one_bad_message_stands_alone_too(database_url: str) -> None:
    placepod = {"id": "p1", "sensor": {"id": EUI, "codec": "pni-placepod"}}
    street = {"id": "pods", "name": "Pods", "kind": "on_street", "counting": "bays", "bays": [placepod]}
    await load(database_url, small_registry(bays=5, sites=4, heartbeat_s=86_400))
    await load(database_url, parse_registry({"sites": [street]}, source="test"))
    start = datetime.now(UTC) - timedelta(hours=1)
    messages = [
        heard(bay, seq, site=site, at=start + timedelta(seconds=seq))
        for seq in range(1, 61)
        for site in range(4)
        for bay in range(5)
    ]
    messages.insert(700, poison(start))
    async with writing_to(database_url, admission=Spoiling) as writer:
        await writer.write(messages[:1], lambda _: None)
        admission = await writer.learn()
        for _ in range(2):  # and a copy of all of it changes nothing
            admitted = Admitted(admission.batch(messages), admission)
            assert admitted.batch.observations > SPLIT_EVENTS
            await writer.write(messages, lambda _: None, admitted)
            assert len(writer.backend_pids) == 2
            assert await rows(database_url, "SELECT count(*) FROM bay_event") == [(1200,)]
            assert await rows(database_url, "SELECT count(*) FROM stay") == [(20 * 30,)]
            assert await rows(database_url, "SELECT code FROM rejected_message") == [("not_storable",)]


async def test_a_rejection_is_recorded_once_however_often_its_message_is_delivered(database_url: str) -> None:
    now = datetime.now(UTC)
    bad = Message("parking/v1/nowhere", b"x", microseconds(now), False, 1, 7)
    later = bad._replace(received_us=bad.received_us + 60_000_000)
    async with writing_to(database_url) as writer:
        await writer.write([bad], lambda _: None)
        await writer.write([bad], lambda _: None)  # the commit's answer was lost: tried again
        await writer.write([later._replace(again=True, generation=2)], lambda _: None)
        assert await rows(database_url, "SELECT count(*) FROM rejected_message") == [(1,)]
        await writer.write([later], lambda _: None)  # another one that only looks the same
        await writer.write(
            [later._replace(mid=8, again=True)], lambda _: None
        )  # its first delivery came to nothing
        assert await rows(database_url, "SELECT count(*) FROM rejected_message") == [(3,)]
