"""What we rely on from the broker: nothing is dropped while the ingestor is away or the broker restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiomqtt
import pytest

from tests.conftest import Broker

UPLINKS = "parking/v1/+/bay/+/up"
UPLINK = "parking/v1/site/bay/device/up"


@asynccontextmanager
async def connected(url: str, *, session: str | None = None) -> AsyncIterator[aiomqtt.Client]:
    parts = urlsplit(url)
    client = aiomqtt.Client(
        parts.hostname or "",
        parts.port or 0,
        username=parts.username,
        password=parts.password,
        identifier=session,
        clean_session=session is None,
        max_queued_incoming_messages=100_000,
    )
    async with client:
        yield client


async def subscribe(url: str, session: str) -> None:
    async with connected(url, session=session) as client:
        await client.subscribe(UPLINKS, qos=1)


async def publish(url: str, count: int, *, qos: int = 1) -> None:
    async with connected(url) as sensors:
        for number in range(count):
            await sensors.publish(UPLINK, number.to_bytes(4, "big"), qos=qos)


async def receive(url: str, session: str, count: int) -> list[int]:
    numbers: list[int] = []
    async with asyncio.timeout(60), connected(url, session=session) as client:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            numbers.append(int.from_bytes(message.payload, "big"))
            if len(numbers) == count:
                return numbers
    return numbers


@pytest.mark.mosquitto
async def test_a_backlog_far_over_the_usual_limit_waits_for_the_ingestor(broker: Broker) -> None:
    await subscribe(broker.url, "ingestor")
    await publish(broker.url, 3000)
    assert await receive(broker.url, "ingestor", 3000) == list(range(3000))


@pytest.mark.mosquitto
async def test_a_backlog_survives_a_clean_restart_of_the_broker(broker: Broker) -> None:
    await subscribe(broker.url, "ingestor")
    await publish(broker.url, 1500)
    await broker.stop()
    await broker.start()
    assert sorted(await receive(broker.url, "ingestor", 1500)) == list(range(1500))


@pytest.mark.mosquitto
async def test_more_messages_are_in_flight_than_a_batch_holds(broker: Broker) -> None:
    await subscribe(broker.url, "ingestor")
    await publish(broker.url, 2500)
    parts = urlsplit(broker.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(_connect(parts.username or "", parts.password or "", session="ingestor"))
    seen = b""
    async with asyncio.timeout(20):
        while seen.count(UPLINK.encode()) < 2000:
            seen += await reader.read(65536)
    writer.close()
    await writer.wait_closed()


def _connect(user: str, password: str, *, session: str) -> bytes:
    """An MQTT 3.1.1 CONNECT for a persistent session, from a client that will never acknowledge anything."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    body = text("MQTT") + b"\x04\xc0\x00\x00" + text(session) + text(user) + text(password)
    return b"\x10" + bytes([len(body)]) + body
