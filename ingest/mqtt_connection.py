"""One connection to an MQTT broker, from CONNECT to its end."""

import asyncio
import enum
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote

from firmware_protocol.layout import MESSAGE_EXPIRY_S
from ingest import mqtt
from ingest.clock import Clock
from ingest.inbox import Inbox
from ingest.source import OTHERS, OWN_UPLINKS, WHOLE_PREFIX, Message

KEEP_ALIVE_S = 30
REQUEST_ID = 1
EXPIRY_PROPERTY = "expiry"
"""User property with the message expiry interval as sent (SPEC [M-4]): what is left tells the wait."""
MAX_DIGITS = 10


class Purpose(enum.Enum):
    """What a connection does with its session."""

    SERVE = "serve"
    """Subscribe, and take what comes."""
    EMPTY = "empty"
    """Unsubscribe, and take what still waits."""
    END = "end"
    """Forget it, and what waits in it."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection introduces itself with."""

    url: SplitResult
    session: str
    version: int
    receive_maximum: int


class MqttConnection(asyncio.Protocol):
    """Fills `inbox`. `ready` is set once the session is as its purpose has it; `settled` then, or at the end.

    `generation` is its number; `reason` says in words why it ended.
    """

    def __init__(
        self,
        login: Login,
        *,
        generation: int,
        purpose: Purpose,
        clock: Clock,
        inbox: Inbox,
    ) -> None:
        self.generation = generation
        self.ready, self.ended, self.settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.refused_version = False
        self.taken_over = False
        self.reason = "no answer"
        self.publishing = 0
        self.unacknowledged = 0
        self._login = login
        self._filters = (*(WHOLE_PREFIX if login.version == mqtt.V5 else OWN_UPLINKS), *OTHERS)
        self._purpose = purpose
        self._clock = clock
        self._inbox = inbox
        self._buffer = b""
        self._ids = mqtt.packet_ids()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._received_us = 0
        self._keep_alive_s = KEEP_ALIVE_S
        self._heard = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether the broker may have more for us than it may send now."""
        return self._paused or self.unacknowledged >= self._login.receive_maximum

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open: introduce ourselves."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        user, password = self._login.url.username, self._login.url.password
        self.send(
            mqtt.connect(
                version=self._login.version,
                client_id=self._login.session,
                keep_alive_s=KEEP_ALIVE_S,
                receive_maximum=self._login.receive_maximum,
                user=None if user is None else unquote(user),
                password=None if password is None else unquote(password),
                clean=self._purpose is Purpose.END,
            )
        )
        self._tick()

    def data_received(self, data: bytes) -> None:
        """Read all whole packets; keep the rest for later."""
        self._heard = time.monotonic()
        self._received_us = self._clock.now_us()
        buffer = self._buffer + data if self._buffer else data
        before = len(self._inbox)
        try:
            others, read = mqtt.read(buffer, self._login.version, self._receive)
            for packet in others:
                self._handle(packet)
        except (mqtt.MqttError, IndexError) as error:
            self._fail(str(error))
            return
        self._buffer = buffer[read:]
        self.unacknowledged += len(self._inbox) - before
        if self._inbox:
            self._inbox.arrived.set()
        if self._inbox.full and self._transport is not None:
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

    def acknowledge(self, packet_ids: list[int], messages: int) -> None:
        """So many messages are dealt with; those with an id are acknowledged."""
        self.unacknowledged -= messages
        if packet_ids:
            self.send(mqtt.pubacks(packet_ids))

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Send a message at QoS 1."""
        self.publishing += 1
        self.send(mqtt.publish(topic, payload, next(self._ids), retain=retain, version=self._login.version))

    def resume(self) -> None:
        """There is room again: read on."""
        if self._paused and not self._inbox.full:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def close(self) -> None:
        """End the connection; the broker keeps the session."""
        self.ended.set()
        self.settled.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self.send(mqtt.GOODBYE)
            self._transport.close()

    def _receive(
        self, topic: bytes, payload: bytes, mid: int, flags: int, known: dict[int, Any] | None
    ) -> None:
        received_us = self._received_us
        if known:
            received_us -= _held_s(known) * 1_000_000
        name = topic.decode("utf-8", "replace")
        retained, again = bool(flags & mqtt.RETAINED), bool(flags & mqtt.AGAIN)
        self._inbox.put(Message(name, payload, received_us, retained, self.generation, mid, again))

    def _handle(self, packet: mqtt.Packet) -> None:
        if packet.kind == mqtt.PUBACK:
            self.publishing -= 1
        elif packet.kind == mqtt.CONNACK:
            self._accepted(mqtt.read_connack(packet.body, self._login.version))
        elif packet.kind == mqtt.SUBACK:
            self._subscribed(mqtt.read_suback(packet.body, self._login.version))
        elif packet.kind == mqtt.UNSUBACK:
            self._become_ready()
        elif packet.kind == mqtt.DISCONNECT:
            self.taken_over = packet.body[:1] == bytes((mqtt.TAKEN_OVER,))
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
        version = self._login.version
        if self._purpose is Purpose.SERVE:
            self.send(mqtt.subscribe(REQUEST_ID, self._filters, version=version))
        elif self._purpose is Purpose.EMPTY:
            filters = (*WHOLE_PREFIX, *OWN_UPLINKS, *OTHERS)
            self.send(mqtt.unsubscribe(REQUEST_ID, filters, version=version))
        else:
            self._become_ready()

    def _subscribed(self, codes: list[int]) -> None:
        refused = [topic for topic, code in zip(self._filters, codes, strict=False) if code >= 0x80]
        if refused:
            self._fail(f"the broker refused to let us subscribe to {', '.join(refused)}")
        else:
            self._become_ready()

    def _become_ready(self) -> None:
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
        if not self.ready.is_set() and not self._received_us:
            self.refused_version = True
        self.reason = reason
        self.ended.set()
        self.settled.set()
        if self._transport is not None:
            self._transport.abort()


def _held_s(known: dict[int, Any]) -> int:
    """How many seconds the broker held a message whose publisher noted the expiry interval that it set."""
    left = known.get(mqtt.MESSAGE_EXPIRY)
    sent = dict(known.get(mqtt.USER_PROPERTY, ())).get(EXPIRY_PROPERTY, "")
    if left is None or len(sent) > MAX_DIGITS or not (sent.isascii() and sent.isdecimal()):
        return 0
    held: int = int(sent) - left
    # Nothing is held for longer than its expiry: where that is not the one of the SPEC, do not believe it.
    return held if 0 < held <= MESSAGE_EXPIRY_S else 0
