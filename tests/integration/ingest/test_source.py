"""The source on a real broker: what they hand over, what they survive, how they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.embedded import EmbeddedBroker
from cli.embedded.nats import MAX_ACK_PENDING
from ingest.clock import Clock
from ingest.mqtt_source import MqttSource
from ingest.source import Message
from parking.settings import Settings
from tests.conftest import Broker
from tests.support.polling import until
from tests.support.publishing import Publish

TOPIC = "parking/v1/street-0/bay/sensor-0-0/up"


@asynccontextmanager
async def running(url: str, **settings: object) -> AsyncIterator[MqttSource]:
    """A connected source, ended by cancelling, as the ingestor ends it."""
    source = MqttSource(Settings(mqtt_url=SecretStr(url), **settings), Clock())  # type: ignore[arg-type]
    task = asyncio.create_task(source.run())
    try:
        await until(lambda: source.connected, what="the source is connected")
        yield source
    finally:
        task.cancel()
        done, _ = await asyncio.wait((task,), timeout=10)
        assert done, "the source does not end"


async def take(source: MqttSource, count: int, *, acknowledge: bool = True) -> list[Message]:
    """This many messages."""
    taken: list[Message] = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            batch = await source.take(most=count - len(taken), wait_s=0.01)
            if acknowledge:
                source.acknowledge(batch)
            taken += batch
    return taken


@pytest.mark.mosquitto
async def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(
    mqtt_url: str, publish: Publish
) -> None:
    async with running(mqtt_url) as source:
        for number in range(4):
            await publish(TOPIC, bytes([number]))
        first = await take(source, 4, acknowledge=False)
        source.acknowledge(first[:2])
    async with running(mqtt_url) as source:
        again = await take(source, 2)
        await publish(TOPIC, b"new")
        new = await take(source, 1)
    assert [message.payload for message in again] == [b"\2", b"\3"]
    assert [message.payload for message in new] == [b"new"]


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_every_quality_of_service_arrives(mqtt_url: str, publish: Publish, qos: int) -> None:
    async with running(mqtt_url) as source:
        await publish(TOPIC, b"x", qos=qos)
        await publish(TOPIC, b"y", qos=1)
        assert [message.payload for message in await take(source, 2)] == [b"x", b"y"]


async def test_an_acknowledgement_of_an_earlier_connection_is_forgotten(
    mqtt_url: str, publish: Publish
) -> None:
    async with running(mqtt_url) as source:
        await publish(TOPIC, b"old")
        old = await take(source, 1, acknowledge=False)
    async with running(mqtt_url) as source:
        other = MqttSource(Settings(mqtt_url=SecretStr(mqtt_url)), Clock())
        other.acknowledge(old)  # not connected: nothing happens
        (again,) = await take(source, 1, acknowledge=False)
        source.acknowledge([Message(TOPIC, b"", again.received_us, False, again.generation - 1, again.mid)])
    async with running(mqtt_url) as source:
        assert [message.payload for message in await take(source, 1)] == [b"old"]


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    ("expiry", "sent", "held_s"),
    [
        (604_800, "604800", 0),
        (601_200, "604800", 3600),
        (1, "604800", 604_799),
        (1, "4294967295", 0),
        (1, "9" * 5000, 0),
        (100, "50", 0),
        (100, "-50", 0),
        (100, "a week", 0),
        (None, "604800", 0),
    ],
)
async def test_the_wait_in_the_broker_is_taken_off_unless_it_makes_no_sense(
    mqtt_url: str, publish: Publish, expiry: int | None, sent: str, held_s: int
) -> None:
    async with running(mqtt_url) as source:
        await publish(TOPIC, b"odd", expiry=expiry, user=(("expiry", sent),))
        await publish(TOPIC, b"next")
        odd, following = await take(source, 2)
    assert following.payload == b"next"
    held = datetime.now(UTC) - odd.received_at
    assert timedelta(seconds=held_s - 1) <= held < timedelta(seconds=held_s + 10)


async def test_it_ends_though_its_inbox_is_full_and_nobody_takes(mqtt_url: str, publish: Publish) -> None:
    async with running(mqtt_url, mqtt_receive_maximum=5) as source:
        for number in range(200):
            await publish(TOPIC, bytes([number]), qos=0)
        await until(lambda: source.waiting == 5, what="the inbox is full")


async def test_it_comes_back_with_the_broker_while_a_consumer_waits(broker: Broker) -> None:
    async with running(broker.url) as source:
        before = source.generation
        taking = asyncio.create_task(take(source, 1))
        await broker.stop()
        await until(lambda: not source.connected, what="the loss is noticed")
        assert not source.publish("parking/v1/street-0/availability", b"x", retain=True)
        await broker.start()
        await until(lambda: source.connected, timeout=30, what="it is connected again")
        assert source.generation > before
        assert source.publish(TOPIC.replace("/up", "/down"), b"x", retain=False)
        taking.cancel()


async def test_a_retained_message_of_before_is_not_replayed_and_a_new_one_is_no_replay(
    mqtt_url: str, publish: Publish
) -> None:
    await publish(TOPIC, b"old", retain=True)
    async with running(mqtt_url) as source:
        await publish(TOPIC, b"new", retain=True)
        (message,) = await take(source, 1)
    assert (message.payload, message.retained) == (b"new", False)


async def test_a_backlog_behind_retained_messages_comes_whole_from_the_embedded_broker(
    tmp_path: Path,
) -> None:
    """nats-server held back the last of what waited when it also replayed what was retained."""
    count = MAX_ACK_PENDING + 100
    async with EmbeddedBroker(tmp_path) as broker:
        for _ in range(3):
            async with running(broker.url) as source:
                for site in range(20):
                    assert source.publish(f"parking/v1/street-{site}/availability", b"{}", retain=True)
            async with running(broker.url, mqtt_client_id="publisher") as publisher:
                for number in range(count):
                    send = partial(publisher.publish, TOPIC, str(number).encode(), retain=False)
                    await until(send, every=0.002, what="there is room for the next")
                await until(lambda: publisher.unpublished == 0, what="all are acknowledged")
            async with running(broker.url) as source:
                found = [int(message.payload) for message in await take(source, count)]
            assert found == list(range(count))
