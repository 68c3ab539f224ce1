"""A publisher with every freedom of MQTT 5, for messages that no decent client sends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote, urlsplit

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

Publish = Callable[..., Awaitable[None]]


@pytest.fixture
async def publish(mqtt_url: str) -> AsyncIterator[Publish]:
    """Publish `(topic, payload, qos=1, retain=False, expiry=None, user=())` to the test's broker."""
    parts = urlsplit(mqtt_url)
    client = aiomqtt.Client(
        parts.hostname or "",
        parts.port or 1883,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        protocol=aiomqtt.ProtocolVersion.V5,
    )

    async def send(
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry: int | None = None,
        user: tuple[tuple[str, str], ...] = (),
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry is not None:
            properties.MessageExpiryInterval = expiry
        if user:
            properties.UserProperty = list(user)
        await client.publish(topic, payload, qos=qos, retain=retain, properties=properties)

    async with client:
        yield send
