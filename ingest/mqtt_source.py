"""Messages from an MQTT broker, straight from the socket to the batch.

Theory of operation. One connection at a time, numbered by `generation`, with the same client id and a
persistent session. A message carries the generation by which it came; an acknowledgement for an earlier one
is forgotten, as the broker sends that message again. Over MQTT 5 the receive maximum bounds what the broker
may have unacknowledged with us; over 3.1.1 we stop reading the socket when as many wait.
"""

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

from firmware_protocol.layout import MESSAGE_EXPIRY_S
from ingest import mqtt
from ingest.source import SUBSCRIPTIONS, Message
from parking.errors import SettingsError
from parking.settings import Settings

log = structlog.get_logger()

KEEP_ALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
BACKOFF_S = (0.2, 15.0)
SUBSCRIBE_ID = 1
MAX_PUBLISHING = 500
"""Messages of ours that the broker may have unacknowledged; further ones wait with the publisher."""
EXPIRY_PROPERTY = "expiry"
"""User property with the message expiry interval as sent (SPEC [M-4]): what is left tells the wait."""
MAX_DIGITS = 10


class MqttSource:
    """A `Source` by MQTT 5 or 3.1.1."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = urlsplit(settings.require_mqtt_url())
        self._tls = tls_context(settings) if self._url.scheme == "mqtts" else None
        self._inbox: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._connection: _Connection | None = None
        self._generation = 0
        self._version = mqtt.V311 if settings.mqtt_protocol == "3.1.1" else mqtt.V5

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
        while True:
            was_ready = await self._one_connection()
            pause = low if was_ready else min(pause * 2, high)
            await asyncio.sleep(random.uniform(pause / 2, pause))

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """A batch: see `Source`."""
        inbox = self._inbox
        await self._fill(most, wait_s)
        while not inbox:  # none has come yet, or its connection ended meanwhile
            self._arrived.clear()
            await self._arrived.wait()
            await self._fill(most, wait_s)
        taken = [inbox.popleft() for _ in range(min(most, len(inbox)))]
        if self._connection is not None:
            self._connection.resume()
        return taken

    async def _fill(self, most: int, wait_s: float) -> None:
        """Wait until there are `most` or the time is up, looking a few times only."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        # An event for each message is the cost that this avoids.
        while 0 < len(self._inbox) < most and (left := deadline - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, wait_s / 4))

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge those of the present connection; the others come again."""
        connection = self._connection
        if connection is None or connection.ended.is_set():
            return
        generation = connection.generation
        ids = [message.mid for message in messages if message.generation == generation and message.mid]
        if ids:
            connection.send(mqtt.pubacks(ids))

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a message to the broker at QoS 1."""
        connection = self._connection
        if connection is None or not self.connected or connection.publishing >= MAX_PUBLISHING:
            return False
        connection.publish(topic, payload, retain=retain)
        return True

    async def _one_connection(self) -> bool:
        """Live through one connection; whether it was ever ready."""
        self._generation += 1
        connection = _Connection(
            self._generation, self._version, self._settings, self._url, self._inbox, self._arrived
        )
        self._connection = connection
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._open(connection)
                await connection.settled.wait()
            if connection.ready.is_set():
                log.info(
                    "connected to the broker",
                    protocol="MQTT 5" if self._version == mqtt.V5 else "MQTT 3.1.1",
                    session=self._settings.mqtt_client_id,
                )
            await connection.ended.wait()
        except (OSError, TimeoutError) as error:
            connection.reason = str(error) or "no answer"
        finally:
            connection.close()
            self._inbox.clear()
        ready = connection.ready.is_set()
        if not ready and self._settings.mqtt_protocol == "auto":
            self._try_other_version(connection)
        log.warning("no connection to the broker", reason=connection.reason, will="retry")
        return ready

    async def _open(self, connection: "_Connection") -> None:
        port = self._url.port or (8883 if self._tls else 1883)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: connection, str(self._url.hostname), port, ssl=self._tls)

    def _try_other_version(self, connection: "_Connection") -> None:
        """Brokers that do not speak MQTT 5 refuse it or hang up: next time speak the other version."""
        if connection.refused_version or self._version == mqtt.V311:
            self._version = mqtt.V311 if self._version == mqtt.V5 else mqtt.V5


class _Connection(asyncio.Protocol):
    """One connection, from CONNECT to its end. `settled` is set when it is ready or has ended."""

    def __init__(
        self,
        generation: int,
        version: int,
        settings: Settings,
        url: Any,
        inbox: deque[Message],
        arrived: asyncio.Event,
    ) -> None:
        self.generation = generation
        self.ready, self.ended, self.settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.refused_version = False
        self.reason = "no answer"
        self.publishing = 0
        self._version = version
        self._settings = settings
        self._url = url
        self._inbox = inbox
        self._arrived = arrived
        self._buffer = b""
        self._ids = mqtt.packet_ids()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._received_us = 0
        self._keep_alive_s = KEEP_ALIVE_S
        self._heard = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open: introduce ourselves."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        user, password = self._url.username, self._url.password
        self.send(
            mqtt.connect(
                version=self._version,
                client_id=self._settings.mqtt_client_id,
                keep_alive_s=KEEP_ALIVE_S,
                receive_maximum=self._settings.mqtt_receive_maximum,
                user=None if user is None else unquote(user),
                password=None if password is None else unquote(password),
            )
        )
        self._tick()

    def data_received(self, data: bytes) -> None:
        """Read all whole packets; keep the rest for later."""
        self._heard = time.monotonic()
        self._received_us = time.time_ns() // 1000
        buffer = self._buffer + data if self._buffer else data
        try:
            others, read = mqtt.read(buffer, self._version, self._receive)
            for packet in others:
                self._handle(packet)
        except (mqtt.MqttError, IndexError) as error:
            self._fail(str(error))
            return
        self._buffer = buffer[read:]
        if self._inbox:
            self._arrived.set()
            if len(self._inbox) >= self._settings.mqtt_receive_maximum and self._transport is not None:
                self._transport.pause_reading()
                self._paused = True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if not self.ended.is_set():
            self._fail(str(exc) if exc else "the broker closed the connection")

    def send(self, data: bytes) -> None:
        """Write without waiting: what waits here is bounded by what the broker may have in flight."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Send a message at QoS 1."""
        self.publishing += 1
        self.send(mqtt.publish(topic, payload, next(self._ids), retain=retain, version=self._version))

    def resume(self) -> None:
        """There is room again: read on."""
        if self._paused and len(self._inbox) < self._settings.mqtt_receive_maximum:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def close(self) -> None:
        """End the connection; the broker keeps the session."""
        self.ended.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self.send(mqtt.GOODBYE)
            self._transport.close()

    def _receive(
        self, topic: bytes, payload: bytes, mid: int, retained: bool, known: dict[int, Any] | None
    ) -> None:
        received_us = self._received_us
        if known:
            received_us -= _held_s(known) * 1_000_000
        name = topic.decode("utf-8", "replace")
        self._inbox.append(Message(name, payload, received_us, retained, self.generation, mid))

    def _handle(self, packet: mqtt.Packet) -> None:
        if packet.kind == mqtt.PUBACK:
            self.publishing -= 1
        elif packet.kind == mqtt.CONNACK:
            self._accepted(mqtt.read_connack(packet.body, self._version))
        elif packet.kind == mqtt.SUBACK:
            self._subscribed(mqtt.read_suback(packet.body, self._version))
        elif packet.kind == mqtt.DISCONNECT:
            self._fail(mqtt.read_disconnect(packet.body))
        elif packet.kind != mqtt.PINGRESP:
            raise mqtt.MqttError(f"a packet of type {packet.kind >> 4} that we did not ask for")

    def _accepted(self, answer: mqtt.Connack) -> None:
        if answer.refused:
            self.refused_version = answer.refused_version
            self._fail(answer.refused)
            return
        self._keep_alive_s = answer.properties.get(mqtt.SERVER_KEEP_ALIVE, KEEP_ALIVE_S) or KEEP_ALIVE_S
        next(self._ids)
        self.send(mqtt.subscribe(SUBSCRIBE_ID, SUBSCRIPTIONS, version=self._version))

    def _subscribed(self, codes: list[int]) -> None:
        refused = [topic for topic, code in zip(SUBSCRIPTIONS, codes, strict=False) if code >= 0x80]
        if refused:
            self._fail(f"the broker refused to let us subscribe to {', '.join(refused)}")
        else:
            self.ready.set()
            self.settled.set()

    def _tick(self) -> None:
        """Ping twice in each keep-alive; a broker that has not answered for one and a half is gone."""
        silent = time.monotonic() - self._heard
        if silent > 1.5 * self._keep_alive_s and not self._paused:
            self._fail(f"the broker has been silent for {silent:.0f} s")
            return
        if self.ready.is_set():
            self.send(mqtt.PINGREQ)
        self._timer = asyncio.get_running_loop().call_later(self._keep_alive_s / 2, self._tick)

    def _fail(self, reason: str) -> None:
        if not self.ready.is_set() and not self._heard_anything:
            self.refused_version = True
        self.reason = reason
        self.ended.set()
        self.settled.set()
        if self._transport is not None:
            self._transport.abort()

    @property
    def _heard_anything(self) -> bool:
        return self._received_us != 0


def tls_context(settings: Settings) -> ssl.SSLContext:
    """What we trust on mqtts://. Raises SettingsError."""
    try:
        return ssl.create_default_context(cafile=settings.mqtt_ca_file)
    except OSError as error:
        raise SettingsError(
            f"PARKING_MQTT_CA_FILE: {settings.mqtt_ca_file} holds no certificates: {error}",
            hint="It must be a file of certificates in PEM form.",
        ) from error


def _held_s(known: dict[int, Any]) -> int:
    """How many seconds the broker held a message whose publisher noted the expiry interval that it set."""
    left = known.get(mqtt.MESSAGE_EXPIRY)
    sent = dict(known.get(mqtt.USER_PROPERTY, ())).get(EXPIRY_PROPERTY, "")
    if left is None or len(sent) > MAX_DIGITS or not (sent.isascii() and sent.isdecimal()):
        return 0
    held: int = int(sent) - left
    # Nothing is held for longer than its expiry: where that is not the one of the SPEC, do not believe it.
    return held if 0 < held <= MESSAGE_EXPIRY_S else 0
