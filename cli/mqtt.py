"""A connection to the broker for commands that speak with devices, by MQTT 5 or, failing that, 3.1.1."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from urllib.parse import unquote, urlsplit

import aiomqtt
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from parking.errors import BrokerUnavailable
from parking.settings import Settings

CONNECT_S = 5.0
PROBE_S = 2.0
_PROTOCOLS = {
    "5": [ProtocolVersion.V5],
    "3.1.1": [ProtocolVersion.V311],
    "auto": [ProtocolVersion.V5, ProtocolVersion.V311],
}


class Broker:
    """One open connection. `five`: by MQTT 5, so that expiry and retain flags are seen."""

    def __init__(self, client: aiomqtt.Client, *, five: bool) -> None:
        self.client = client
        self.five = five

    async def subscribe(self, *filters: str) -> None:
        """Take what is published on these from now on, with the QoS and the retain flag of its publisher."""
        for topic in filters:
            if self.five:
                options = SubscribeOptions(
                    qos=2, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
                )
                await self.client.subscribe(topic, options=options)
            else:
                await self.client.subscribe(topic, qos=2)

    async def shows_qos(self) -> bool:
        """Whether messages keep the QoS of their publisher: a broker may raise it to the subscription's.

        Asks by a message to ourselves; if that does not come back, we take it that they do.
        """
        topic = f"parking-probe/{token_hex(8)}"
        await self.client.subscribe(topic, qos=2)
        await self.client.publish(topic, b"", qos=0)
        try:
            async with asyncio.timeout(PROBE_S):
                async for message in self.client.messages:
                    if str(message.topic) == topic:
                        return message.qos == 0
        except TimeoutError:
            return True
        finally:
            await self.client.unsubscribe(topic)
        return True

    async def publish(self, topic: str, payload: bytes, *, expiry_s: int) -> None:
        """Publish with QoS 1; where the protocol knows an expiry, the broker then forgets it."""
        properties = None
        if self.five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_s
        await self.client.publish(topic, payload, qos=1, properties=properties)


@asynccontextmanager
async def broker(settings: Settings) -> AsyncIterator[Broker]:
    """Connect, and leave at the end. Raises BrokerUnavailable that says why not, or what broke."""
    url = urlsplit(settings.require_mqtt_url())
    port = url.port or (8883 if url.scheme == "mqtts" else 1883)
    where = f"{url.hostname}:{port}"
    try:
        client, protocol = await _connected(settings)
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise BrokerUnavailable(
            f"{where} does not take the connection: {error}",
            hint="Check PARKING_MQTT_URL, and that the broker runs: `parking doctor`.",
        ) from error
    try:
        yield Broker(client, five=protocol == ProtocolVersion.V5)
    except aiomqtt.MqttError as error:
        raise BrokerUnavailable(f"the connection to {where} broke: {error}") from error
    finally:
        await _leave(client)


async def _connected(settings: Settings) -> tuple[aiomqtt.Client, ProtocolVersion]:
    protocols = _PROTOCOLS[settings.mqtt_protocol]
    for number, protocol in enumerate(protocols, 1):
        client = _client(settings, protocol)
        try:
            await client.__aenter__()
        except aiomqtt.MqttError:
            # A broker that does not speak MQTT 5 refuses it or hangs up.
            if number == len(protocols):
                raise
        else:
            return client, protocol
    raise AssertionError("no protocol to try")


def _client(settings: Settings, protocol: ProtocolVersion) -> aiomqtt.Client:
    url = urlsplit(settings.require_mqtt_url())
    secure = url.scheme == "mqtts"
    return aiomqtt.Client(
        str(url.hostname),
        url.port or (8883 if secure else 1883),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        identifier=f"parking-cli-{token_hex(4)}",
        protocol=protocol,
        timeout=CONNECT_S,
        tls_context=ssl.create_default_context(cafile=settings.mqtt_ca_file) if secure else None,
    )


async def _leave(client: aiomqtt.Client) -> None:
    try:
        await client.__aexit__(None, None, None)
    except aiomqtt.MqttError:
        return  # it had broken already
