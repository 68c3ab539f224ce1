"""A publisher with every freedom of MQTT 5, for messages that no decent client sends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

Publish = Callable[..., Awaitable[None]]


@asynccontextmanager
async def publishing(mqtt_url: str) -> AsyncIterator[Publish]:
    """Gives `publish(topic, payload, qos=1, retain=False, expiry=None, user=())`."""
    parts = urlsplit(mqtt_url)
    client = aiomqtt.Client(
        parts.hostname or "",
        parts.port or 1883,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        protocol=aiomqtt.ProtocolVersion.V5,
    )

    async def publish(
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
        yield publish
