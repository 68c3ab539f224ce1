"""Messages from an MQTT broker through paho-mqtt, acknowledged by hand.

Theory of operation. Each connection has a paho client of its own, numbered by `generation`, with the same
client id and a persistent session. So an acknowledgement can never meet another connection's message of the
same number: it goes to its own client, or nowhere. paho's network thread fills the inbox; the event loop
takes batches and acknowledges them. Over MQTT 5 the receive maximum bounds what is unacknowledged.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from firmware_protocol.layout import MESSAGE_EXPIRY_S
from ingest.inbox import Inbox
from ingest.source import SUBSCRIPTIONS, Message
from parking.errors import SettingsError
from parking.settings import Settings

log = structlog.get_logger()

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
BACKOFF_S = (0.2, 15.0)
SESSION_FOR_EVER = 0xFFFF_FFFF
EXPIRY_PROPERTY = "expiry"
"""User property with the message expiry interval as sent (SPEC [M-4]): what is left tells the wait."""
MAX_DIGITS = 10
"""Digits of the longest interval of MQTT; Python refuses to read numbers of very many."""


@dataclass(slots=True)
class _Connection:
    """One connection: its client, and what its network thread tells the event loop."""

    client: paho.Client
    generation: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refused_protocol: bool = False
    reason: str = "no answer"


class PahoSource:
    """A `Source` over paho-mqtt 2, MQTT 5 or 3.1.1."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = urlsplit(settings.require_mqtt_url())
        self._inbox = Inbox(settings.mqtt_receive_maximum)
        self._loop = asyncio.get_running_loop()
        self._tls = tls_context(settings) if self._url.scheme == "mqtts" else None
        self._connection: _Connection | None = None
        self._generation = 0
        self._protocol = MQTTProtocolVersion.MQTTv311
        if settings.mqtt_protocol != "3.1.1":
            self._protocol = MQTTProtocolVersion.MQTTv5

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted our subscriptions and the connection stands."""
        connection = self._connection
        return connection is not None and connection.ready.is_set() and not connection.ended.is_set()

    @property
    def generation(self) -> int:
        """Counts connections."""
        return self._generation

    @property
    def waiting(self) -> int:
        """Messages that have arrived and were not yet taken."""
        return len(self._inbox)

    async def run(self) -> None:
        """Connect, and reconnect with jittered backoff for as long as the task lives."""
        low, high = BACKOFF_S
        pause = low
        try:
            while True:
                was_ready = await self._one_connection()
                pause = low if was_ready else min(pause * 2, high)
                await asyncio.sleep(random.uniform(pause / 2, pause))
        finally:
            self._inbox.close()

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """A batch: see `Source`."""
        return await self._inbox.take(most=most, wait_s=wait_s)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge those of the present connection; the others come again."""
        connection = self._connection
        if connection is None or connection.ended.is_set():
            return
        ack = connection.client.ack
        for message in messages:
            if message.generation == connection.generation and message.mid:
                ack(message.mid, 1)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a message to the broker at QoS 1."""
        connection = self._connection
        if connection is None or not self.connected:
            return False
        return (
            connection.client.publish(topic, payload, qos=1, retain=retain).rc
            == MQTTErrorCode.MQTT_ERR_SUCCESS
        )

    async def _one_connection(self) -> bool:
        """Live through one connection; whether it was ever ready."""
        self._generation += 1
        connection = _Connection(self._make_client(self._generation), self._generation)
        self._connection = connection
        self._wire(connection)
        client = connection.client
        try:
            await asyncio.to_thread(self._connect, client)
            client.loop_start()
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await _either(connection.ready, connection.ended)
            if connection.ready.is_set():
                log.info(
                    "connected to the broker",
                    protocol=self._protocol.name,
                    session=self._settings.mqtt_client_id,
                )
            await connection.ended.wait()
        except (OSError, TimeoutError, ValueError) as error:
            connection.reason = str(error) or type(error).__name__
        finally:
            connection.ended.set()
            self._inbox.forget(connection.generation)
            await asyncio.shield(asyncio.to_thread(_stop, client))
        ready = connection.ready.is_set()
        if not ready and self._settings.mqtt_protocol == "auto":
            self._try_other_protocol(connection)
        log.warning("no connection to the broker", reason=connection.reason, will="retry")
        return ready

    def _try_other_protocol(self, connection: _Connection) -> None:
        """Brokers that do not speak MQTT 5 refuse it or hang up: next time speak the other version."""
        if connection.refused_protocol or self._protocol is MQTTProtocolVersion.MQTTv311:
            five = self._protocol is MQTTProtocolVersion.MQTTv5
            self._protocol = MQTTProtocolVersion.MQTTv311 if five else MQTTProtocolVersion.MQTTv5

    def _make_client(self, generation: int) -> paho.Client:
        five = self._protocol is MQTTProtocolVersion.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.mqtt_client_id,
            protocol=self._protocol,
            clean_session=None if five else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if self._url.username is not None:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._tls is not None:
            client.tls_set_context(self._tls)
        return client

    def _connect(self, client: paho.Client) -> None:
        five = self._protocol is MQTTProtocolVersion.MQTTv5
        port = self._url.port or (8883 if self._url.scheme == "mqtts" else 1883)
        properties = None
        if five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_FOR_EVER
            properties.ReceiveMaximum = self._settings.mqtt_receive_maximum
        client.connect(
            str(self._url.hostname),
            port,
            keepalive=KEEPALIVE_S,
            clean_start=False if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )

    def _wire(self, connection: _Connection) -> None:
        """Callbacks of the network thread: they only pass things on."""
        client, put, generation = connection.client, self._inbox.put, connection.generation

        def on_connect(_client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                connection.reason = str(reason)
                connection.refused_protocol = "protocol version" in str(reason).lower()
                self._tell(connection.ended)
            else:
                client.subscribe(self._filters())

        def on_subscribe(_client: Any, _user: Any, _mid: int, reasons: Any, _properties: Any) -> None:
            refused = [
                topic for topic, reason in zip(SUBSCRIPTIONS, reasons, strict=False) if reason.is_failure
            ]
            if refused:
                connection.reason = f"the broker refused to let us subscribe to {', '.join(refused)}"
                self._tell(connection.ended)
            else:
                self._tell(connection.ready)

        def on_disconnect(_client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            connection.reason = str(reason)
            connection.refused_protocol = connection.refused_protocol or not connection.ready.is_set()
            self._tell(connection.ended)

        def on_message(_client: Any, _user: Any, message: paho.MQTTMessage) -> None:
            put(_message(message, generation))

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = on_message

    def _filters(self) -> Any:
        if self._protocol is MQTTProtocolVersion.MQTTv5:
            # No messages of our own back, and no replay of retained ones, which are old news.
            options = SubscribeOptions(
                qos=1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
            )
            return [(topic, options) for topic in SUBSCRIPTIONS]
        return [(topic, 1) for topic in SUBSCRIPTIONS]

    def _tell(self, event: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(event.set)


def _message(message: paho.MQTTMessage, generation: int) -> Message:
    """Our own form; a topic that is not UTF-8 is shown with replacement characters and will be rejected."""
    received_us = time.time_ns() // 1000
    if message.properties is not None:
        received_us -= _held_s(message.properties) * 1_000_000
    topic = bytes(message._topic).decode("utf-8", "replace")
    mid = message.mid if message.qos else 0
    return Message(topic, bytes(message.payload), received_us, message.retain, generation, mid)


def _held_s(properties: Properties) -> int:
    """How many seconds the broker held a message whose publisher noted the expiry interval that it set."""
    left = getattr(properties, "MessageExpiryInterval", None)
    sent = dict(getattr(properties, "UserProperty", ())).get(EXPIRY_PROPERTY)
    if left is None or sent is None or len(sent) > MAX_DIGITS or not sent.isdecimal():
        return 0
    held: int = int(sent) - left
    # Nothing is held for longer than its expiry: where that is not the one of the SPEC, do not believe it.
    return held if 0 < held <= MESSAGE_EXPIRY_S else 0


def tls_context(settings: Settings) -> ssl.SSLContext:
    """What we trust on mqtts://. Raises SettingsError."""
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca_file)
    except OSError as error:
        raise SettingsError(
            f"PARKING_MQTT_CA_FILE: {settings.mqtt_ca_file} holds no certificates: {error}",
            hint="It must be a file of certificates in PEM form.",
        ) from error


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _stop(client: paho.Client) -> None:
    """End the connection without waiting for the broker, and the network thread with it."""
    client.disconnect()
    client.loop_stop()
