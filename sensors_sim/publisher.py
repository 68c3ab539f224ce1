"""Messages to the broker over MQTT at QoS 1, on several connections, with back-pressure and no loss.

Theory of operation. A sender's messages all take one connection, so they stay in order. A connection has a
bounded queue and a bounded number of messages without acknowledgement; when both are full, `send` waits, so
the city waits. A message counts as sent when the broker has acknowledged it. When a connection breaks, what
was not acknowledged is rendered anew (an age is larger at each attempt) and sent again, first, on the next
one. So a message whose acknowledgement was lost reaches the broker twice, as with any QoS 1 client.
"""

import asyncio
import contextlib
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit
from zlib import crc32

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_protocol.topics import BAY_DOWN_FILTER
from parking.errors import BrokerUnavailable
from parking.settings import Settings
from parking.tls import tls_context
from sensors_sim.outgoing import Outgoing

log = structlog.get_logger()

QUEUE = 200
"""Messages that wait for one connection; when it is full, `Publisher.send` waits."""
IN_FLIGHT = 100
"""Messages of one connection that the broker has not acknowledged yet."""
CONNECT_S = 5.0
ACKNOWLEDGE_S = 30.0
"""An acknowledgement that takes longer counts as a broken connection."""
BACKOFF_S = (0.2, 5.0)
_NOT_ALLOWED = (4, 5, 134, 135)
"""Reasons of a broker that will not let us in later either: MQTT 3.1.1's and MQTT 5's."""
EXPIRY_S = 604_800
"""SPEC [M-4] of firmware_protocol: what is missing on arrival is the time in the broker."""


Heard = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that the broker has acknowledged, and the payload's digest and size as it got it."""

    message: Outgoing
    sha256: str
    size: int


class Address:
    """Where the broker is and how to log in."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.require_mqtt_url())
        self.secure = url.scheme == "mqtts"
        self.host = url.hostname or "127.0.0.1"
        self.port = url.port or (8883 if self.secure else 1883)
        self.user = unquote(url.username) if url.username else None
        self._password = unquote(url.password) if url.password else None
        self._tls = tls_context(settings) if self.secure else None
        self.protocols = {
            "5": [aiomqtt.ProtocolVersion.V5],
            "3.1.1": [aiomqtt.ProtocolVersion.V311],
            "auto": [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311],
        }[settings.mqtt_protocol]

    def client(self, name: str, protocol: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
        """A new client, not yet connected."""
        client = aiomqtt.Client(
            self.host,
            self.port,
            username=self.user,
            password=self._password,
            identifier=name,
            protocol=protocol,
            timeout=CONNECT_S,
            keepalive=30,
            max_inflight_messages=IN_FLIGHT,
            tls_context=self._tls,
        )
        client.pending_calls_threshold = IN_FLIGHT + 1
        return client

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Link:
    """One connection and its queue. With `heard` it also listens for what is sent down to our sensors."""

    def __init__(
        self,
        address: Address,
        name: str,
        *,
        acknowledged: Callable[[Receipt], None],
        now: Callable[[], float],
        heard: Heard | None,
    ):
        self._address = address
        self._name = name
        self._acknowledged = acknowledged
        self._now = now
        self._heard = heard
        self._queue: asyncio.Queue[Outgoing | None] = asyncio.Queue(QUEUE)
        # Bounded by IN_FLIGHT: in the order in which they were first sent.
        self._unacknowledged: dict[tuple[int, int], Outgoing] = {}
        self.connected = asyncio.Event()
        self.answered = asyncio.Event()
        """Set once the broker has let us in, or has refused our name and password."""
        self.trouble = "no answer"

    async def put(self, message: Outgoing | None) -> None:
        """Queue a message; waits while the queue is full. None: there will be no more."""
        await self._queue.put(message)

    def left_over(self) -> list[Outgoing]:
        """What was not acknowledged, once the link has ended."""
        queued = [message for message in _drain(self._queue) if message is not None]
        return [*self._unacknowledged.values(), *queued]

    async def run(self) -> None:
        """Connect, and reconnect with jittered backoff, until everything queued has been acknowledged."""
        low, high = BACKOFF_S
        pause = low
        protocols = deque(self._address.protocols)
        while True:
            try:
                async with self._connection(protocols[0]) as client:
                    pause = low
                    if await self._serve(client):
                        return
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                self.trouble = str(error) or type(error).__name__
                if isinstance(error, aiomqtt.MqttCodeError) and _code(error) in _NOT_ALLOWED:
                    self.answered.set()
                if not self.connected.is_set():
                    # A broker that does not speak MQTT 5 refuses it or hangs up.
                    protocols.rotate(-1)
                    log.debug("the broker did not let us in", broker=str(self._address), reason=self.trouble)
                else:
                    log.warning(
                        "lost the broker", broker=str(self._address), reason=self.trouble, will="retry"
                    )
            self.connected.clear()
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(pause * 2, high)

    @contextlib.asynccontextmanager
    async def _connection(self, protocol: aiomqtt.ProtocolVersion) -> AsyncIterator[aiomqtt.Client]:
        client = self._address.client(self._name, protocol)
        self._properties = _expiry() if protocol == aiomqtt.ProtocolVersion.V5 else None
        async with client:
            if self._heard is not None:
                await client.subscribe(BAY_DOWN_FILTER, qos=1)
            self.connected.set()
            self.answered.set()
            yield client

    async def _serve(self, client: aiomqtt.Client) -> bool:
        """Publish until there is no more (True); raises MqttError when the connection breaks."""
        broken: ExceptionGroup[aiomqtt.MqttError] | None = None
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_watch(client, self._heard), name="watch the connection")
                slots = asyncio.Semaphore(IN_FLIGHT)
                for message in list(self._unacknowledged.values()):
                    await slots.acquire()
                    group.create_task(self._publish(client, message, slots))
                while (message_or_end := await self._queue.get()) is not None:
                    self._unacknowledged[message_or_end.key] = message_or_end
                    await slots.acquire()
                    group.create_task(self._publish(client, message_or_end, slots))
                self._queue.put_nowait(None)  # should the connection break now, the next one ends as well
                for _ in range(IN_FLIGHT):
                    await slots.acquire()
                watch.cancel()
        except* aiomqtt.MqttError as errors:
            broken = errors
        if broken is not None:
            # Not in the except* above: Python before 3.11.4 would wrap it into another group.
            raise aiomqtt.MqttError(str(broken.exceptions[0])) from broken
        return True

    async def _publish(self, client: aiomqtt.Client, message: Outgoing, slots: asyncio.Semaphore) -> None:
        payload = message.render(self._now())
        properties = self._properties if message.expires else None
        await client.publish(message.topic, payload, qos=1, properties=properties, timeout=ACKNOWLEDGE_S)
        del self._unacknowledged[message.key]
        slots.release()
        self._acknowledged(Receipt(message, sha256(payload).hexdigest(), len(payload)))


class Publisher:
    """All connections to the broker. `now` gives wall seconds from the start of the run.

    `heard` is told of each message that is sent down to a sensor of ours: topic and payload.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        connections: int,
        acknowledged: Callable[[Receipt], None],
        now: Callable[[], float],
        heard: Heard | None = None,
    ) -> None:
        self._address = Address(settings)
        run = secrets.token_hex(4)
        self._links = [
            Link(
                self._address,
                f"parking-sim-{run}-{number}",
                acknowledged=acknowledged,
                now=now,
                heard=heard if number == 0 else None,
            )
            for number in range(connections)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        # A link that fails for another reason than its connection ends the whole run.
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(link.run(), name=f"publisher {number}")
            for number, link in enumerate(self._links)
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        # Only a cancellation is the group's own matter; it would wrap any other error of ours.
        ours = (kind, error, trace) if isinstance(error, asyncio.CancelledError) else (None, None, None)
        await self._group.__aexit__(*ours)

    async def connect(self, timeout: float) -> None:
        """Wait until every connection stands.

        Raises BrokerUnavailable after `timeout` seconds, or at once if we are not allowed in.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(link.answered.wait() for link in self._links))
        for link in self._links:
            if not link.connected.is_set():
                raise BrokerUnavailable(
                    f"no connection to the broker at {self._address}: {link.trouble}",
                    hint="Check PARKING_MQTT_URL, and that the broker runs: `parking doctor`.",
                )

    async def send(self, message: Outgoing) -> None:
        """Queue a message on its sender's connection; waits while that has too much to do."""
        await self._links[crc32(message.sender.encode()) % len(self._links)].put(message)

    async def finish(self, timeout: float) -> list[Outgoing]:
        """Wait for the last acknowledgements, at most `timeout` seconds; gives what was not acknowledged."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(link.put(None) for link in self._links))
                await asyncio.gather(*self._tasks)
        return [message for link in self._links for message in link.left_over()]


def _code(error: aiomqtt.MqttCodeError) -> int | None:
    return error.rc.value if isinstance(error.rc, ReasonCode) else error.rc


async def _watch(client: aiomqtt.Client, heard: Heard | None) -> None:
    """Pass on what arrives, if we listen at all; raises MqttError when the connection breaks."""
    async for message in client.messages:
        if heard is not None and isinstance(message.payload, bytes) and not message.retain:
            heard(str(message.topic), message.payload)


def _expiry() -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = EXPIRY_S
    properties.UserProperty = ("expiry", str(EXPIRY_S))
    return properties


def _drain(queue: asyncio.Queue[Outgoing | None]) -> list[Outgoing | None]:
    return [queue.get_nowait() for _ in range(queue.qsize())]
