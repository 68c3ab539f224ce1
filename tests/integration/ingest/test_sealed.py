"""Sealed frames in the transaction: each counts once, through copies, crashes, restarts and new keys."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ingest.authentic import Verifier
from ingest.metrics import Metrics
from ingest.source import Message
from ingest.writer import Admitted, Writer
from parking.db.connect import Connection, connect
from parking.device_keys import DeviceKeys
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry
from tests.support.sealing import event, sealed
from tests.support.writing import writing_to

DEVICE, SECRET, NEXT = "sensor-0-0", bytes(range(16)), bytes(range(16, 32))
KEYS: DeviceKeys = {DEVICE: {1: SECRET}}
TOPIC = f"parking/v1/street-0/bay/{DEVICE}/up"


class Bench:
    """A database and what ingestors do to it."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url = url
        self.connection = connection
        self.packet_id = 0

    @asynccontextmanager
    async def writer(self, keys: DeviceKeys = KEYS, metrics: Metrics | None = None) -> AsyncIterator[Writer]:
        """An ingestor's writer that knows nothing by heart yet."""
        async with writing_to(self.url, metrics, verifier=Verifier(keys)) as writer:
            yield writer

    def message(self, payload: bytes, *, ago_s: float = 0, again: bool = False) -> Message:
        """A message of the device, as the broker gives it."""
        self.packet_id += not again
        received_us = int((time.time() - ago_s) * 1_000_000)
        return Message(TOPIC, payload, received_us, False, 1, self.packet_id, again)

    async def store(self, *payloads: bytes, keys: DeviceKeys = KEYS) -> None:
        """Give these to an ingestor that has just started."""
        async with self.writer(keys) as writer:
            await writer.write([self.message(payload) for payload in payloads], lambda _: None)

    async def stored(self) -> list[int]:
        """The sequence numbers of the events that messages told of."""
        query = "SELECT seq FROM bay_event WHERE kind <> 'inferred' ORDER BY session, seq"
        found = await rows(self.connection, query)
        return [seq for (seq,) in found]

    async def rejected(self) -> Counter[str]:
        """How many messages are on record as rejected, by code."""
        return Counter(code for (code,) in await rows(self.connection, "SELECT code FROM rejected_message"))

    async def state(self) -> tuple[object, ...]:
        """Where the bay stands."""
        found = await rows(
            self.connection,
            "SELECT state, seq, seen_at, version FROM bay_state WHERE bay_id = 'street-0-0'",
        )
        return found[0]


@pytest.fixture
async def bench(each_database_url: str) -> AsyncIterator[Bench]:
    await load(each_database_url, small_registry(bays=3))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        yield Bench(each_database_url, connection)


def own(seq: int, counter: int, *, key: int = 1, secret: bytes = SECRET) -> bytes:
    return sealed(event(seq), counter, secret=secret, device=DEVICE, key=key)


async def test_a_used_counter_is_a_copy_if_its_frame_is_stored_and_else_a_replay(bench: Bench) -> None:
    await bench.store(own(1, 10), own(2, 11))
    before = await bench.state()
    # The very same frame; then other frames under counters that were used, sealed with the device's own key.
    await bench.store(own(2, 11), own(1, 10))
    assert (await bench.rejected(), await bench.state()) == (Counter(), before)
    await bench.store(own(3, 11), own(4, 10))
    assert await bench.rejected() == Counter(replayed=2)
    assert (await bench.stored(), await bench.state()) == ([1, 2], before)
    details = await rows(bench.connection, "SELECT detail FROM rejected_message ORDER BY detail")
    assert details == [
        (f"counter {n} of key 1 of device '{DEVICE}' was used for what is not stored",) for n in (10, 11)
    ]


async def test_a_copy_says_nothing_of_when_the_device_was_heard(bench: Bench) -> None:
    async with bench.writer() as writer:
        frame = own(1, 10)
        await writer.write([bench.message(frame, ago_s=600)], lambda _: None)
        before = await bench.state()
        await writer.write([bench.message(frame, again=True)], lambda _: None)
    assert await bench.state() == before


async def test_two_copies_in_one_batch_are_one(bench: Bench) -> None:
    await bench.store(own(1, 10), own(1, 10), own(1, 10))
    assert (await bench.stored(), await bench.rejected()) == ([1], Counter())


async def test_the_window_outlives_a_restart(bench: Bench) -> None:
    await bench.store(own(100, 100))
    await bench.store(own(37, 37))
    await bench.store(own(36, 36), own(99, 37))
    assert await bench.stored() == [37, 100]
    assert await bench.rejected() == Counter(replayed=2)
    assert await rows(bench.connection, "SELECT device_id, key_number, highest, used FROM sealed_window") == [
        (DEVICE, 1, 100, -(2**63) + 1)
    ]


async def test_what_a_crash_lets_come_again_is_a_copy_or_new(bench: Bench) -> None:
    async with bench.writer() as doomed:
        first = bench.message(own(1, 10))
        await doomed.write([first], lambda _: None)
        # It takes this one and is killed before the commit: nothing of it is in the database.
        (await doomed.learn()).batch([bench.message(own(2, 11))])
    async with bench.writer() as writer:
        again = [first._replace(again=True), bench.message(own(2, 11), again=True)]
        await writer.write(again, lambda _: None)
    assert (await bench.stored(), await bench.rejected()) == ([1, 2], Counter())


async def test_two_ingestors_that_know_the_window_from_before_take_a_counter_once(bench: Bench) -> None:
    metrics = Metrics()
    async with bench.writer() as one, bench.writer(metrics=metrics) as other:
        await one.learn()
        admission = await other.learn()
        await one.write([bench.message(own(1, 10))], lambda _: None)
        messages = [bench.message(own(1, 10)), bench.message(own(2, 10)), bench.message(own(3, 12))]
        await other.write(messages, lambda _: None, Admitted(admission.batch(messages), admission))
    assert (await bench.stored(), await bench.rejected()) == ([1, 3], Counter(replayed=1))
    totals = metrics.totals()
    assert (totals["copies"], totals["rejected"]) == (1, 1)


async def test_keys_change_without_a_gap_and_an_old_recording_is_worth_nothing(bench: Bench) -> None:
    old = own(1, 4_000_000_000)
    await bench.store(old)
    both: DeviceKeys = {DEVICE: {1: SECRET, 2: NEXT}}
    await bench.store(own(2, 4_000_000_001), own(3, 0, key=2, secret=NEXT), keys=both)
    only_new: DeviceKeys = {DEVICE: {2: NEXT}}
    await bench.store(own(4, 4_000_000_002), own(5, 1, key=2, secret=NEXT), keys=only_new)
    assert await bench.stored() == [1, 2, 3, 5]
    assert await bench.rejected() == Counter(unknown_key=1)
    # The number 1 with another secret counts from 0 again; what the old secret sealed is forged.
    again: DeviceKeys = {DEVICE: {1: b"n" * 16}}
    await bench.store(own(6, 0, secret=b"n" * 16), old, keys=again)
    assert await bench.stored() == [1, 2, 3, 5, 6]
    assert await bench.rejected() == Counter(unknown_key=1, forged=1)


async def test_plain_frames_count_no_longer_once_the_device_has_a_key(bench: Bench) -> None:
    await bench.store(event(1), keys={})
    await bench.store(event(2))
    await bench.store(own(2, 1))
    assert (await bench.stored(), await bench.rejected()) == ([1, 2], Counter(not_sealed=1))


async def test_what_the_registry_refuses_uses_no_counter(bench: Bench) -> None:
    frame = sealed(event(1, age_s=0), 10, secret=SECRET, device=DEVICE)
    elsewhere = bench.message(frame)._replace(topic=f"parking/v1/street-9/bay/{DEVICE}/up")
    async with bench.writer() as writer:
        await writer.write([elsewhere], lambda _: None)
        await writer.write([bench.message(frame)], lambda _: None)
    assert (await bench.stored(), await bench.rejected()) == ([1], Counter(wrong_site=1))


async def test_many_devices_in_one_large_batch_are_written_by_both_lanes(each_database_url: str) -> None:
    devices = [f"sensor-{site}-{bay}" for site in range(4) for bay in range(10)]
    keys = {device: {1: bytes([number]) * 16} for number, device in enumerate(devices)}
    await load(each_database_url, small_registry(bays=10, sites=4))
    messages: list[Message] = []
    for turn in range(1, 40):
        for device in devices:
            frame = sealed(event(turn), turn, secret=keys[device][1], device=device)
            topic = f"parking/v1/street-{device.split('-')[1]}/bay/{device}/up"
            messages.append(Message(topic, frame, time.time_ns() // 1000, False, 1, len(messages)))
    metrics = Metrics()
    async with writing_to(each_database_url, metrics, verifier=Verifier(keys), split_events=10) as writer:
        admission = await writer.learn()
        for again in range(2):
            await writer.write(messages, lambda _: None, Admitted(admission.batch(messages), admission))
            totals = metrics.totals()
            assert (totals["events"], totals["copies"]) == (len(messages), again * len(messages))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        assert await rows(connection, "SELECT count(*), min(highest), max(highest) FROM sealed_window") == [
            (40, 39, 39)
        ]
