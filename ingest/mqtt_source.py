"""Messages from an MQTT broker, straight from the socket to the batch.

Theory of operation. One connection at a time, numbered by `generation`, with the same client id and a
persistent session. A message carries the generation by which it came; an acknowledgement for an earlier one
is forgotten, as the broker sends that message again. Over MQTT 5 the receive maximum bounds what the broker
may have unacknowledged; over 3.1.1 we stop reading the socket when as many wait, and over both when they
are large.
"""

import asyncio
import random
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog

from ingest import mqtt
from ingest.clock import Clock
from ingest.inbox import Inbox
from ingest.mqtt_connection import Login, MqttConnection, Purpose
from ingest.source import Message
from parking.settings import Settings
from parking.tls import tls_context

log = structlog.get_logger()

_SAYS = {
    Purpose.SERVE: "connected to the broker",
    Purpose.EMPTY: "emptying a former session",
    Purpose.END: "ending a former session",
}
CONNECT_TIMEOUT_S = 10.0
BACKOFF_S = (0.2, 15.0)
MAX_PUBLISHING = 500
"""Messages of ours that the broker may have unacknowledged; further ones wait with the publisher."""


class MqttSource:
    """A `Source` by MQTT 5 or 3.1.1. `session` is by default the settings' own."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        session: str | None = None,
        purpose: Purpose = Purpose.SERVE,
        allowed: asyncio.Event | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._session = session or settings.mqtt_session
        self._purpose = purpose
        self._allowed = allowed
        self._url = urlsplit(settings.require_mqtt_url())
        self._tls = tls_context(settings) if self._url.scheme == "mqtts" else None
        self._inbox = Inbox(settings.mqtt_receive_maximum)
        self._connection: MqttConnection | None = None
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

    @property
    def unacknowledged(self) -> int:
        """Messages of the present connection that were not yet acknowledged."""
        return self._connection.unacknowledged if self._connection else 0

    @property
    def unpublished(self) -> int:
        """Messages of ours that the broker has not acknowledged yet."""
        return self._connection.publishing if self._connection else 0

    @property
    def full(self) -> bool:
        """Whether the broker may not send more before we acknowledge."""
        return self._connection is not None and self._connection.full

    async def run(self) -> None:
        """Connect, and reconnect with jittered backoff for as long as the task lives."""
        low, high = BACKOFF_S
        pause = low
        while True:
            if self._allowed is not None:
                await self._allowed.wait()
            connection = await self._one_connection()
            # Who takes our session from us has our client id, and would lose it again at once.
            was_good = connection.ready.is_set() and not connection.taken_over
            pause = low if was_good else min(pause * 2, high)
            await asyncio.sleep(random.uniform(pause / 2, pause))

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """A batch: see `Source`."""
        inbox = self._inbox
        await self._fill(most, wait_s)
        while not inbox:  # none has come yet, or its connection ended meanwhile
            inbox.arrived.clear()
            await inbox.arrived.wait()
            await self._fill(most, wait_s)
        taken = inbox.take(most)
        if self._connection is not None:
            self._connection.resume()
        return taken

    async def _fill(self, most: int, wait_s: float) -> None:
        """Wait until there are `most` or the time is up, looking a few times only."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        # An event for each message is the cost that this avoids.
        while 0 < len(self._inbox) < most and not self._inbox.full and (left := deadline - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, wait_s / 4))

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge those of the present connection; the others come again."""
        connection = self._connection
        if connection is None or connection.ended.is_set():
            return
        generation = connection.generation
        ids = [message.mid for message in messages if message.generation == generation]
        if ids:
            connection.acknowledge([mid for mid in ids if mid], len(ids))

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a message to the broker at QoS 1."""
        connection = self._connection
        if connection is None or not self.connected or connection.publishing >= MAX_PUBLISHING:
            return False
        connection.publish(topic, payload, retain=retain)
        return True

    def leave(self) -> None:
        """End the present connection; the next one is made when it is allowed."""
        if self._connection is not None:
            self._connection.reason = "another ingestor uses this session"
            self._connection.close()

    async def _one_connection(self) -> MqttConnection:
        """Live through one connection."""
        self._generation += 1
        login = Login(self._url, self._session, self._version, self._settings.mqtt_receive_maximum)
        connection = MqttConnection(
            login,
            generation=self._generation,
            purpose=self._purpose,
            clock=self._clock,
            inbox=self._inbox,
        )
        self._connection = connection
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._open(connection)
                await connection.settled.wait()
            if connection.ready.is_set():
                self._say_connected()
            await connection.ended.wait()
        except (OSError, TimeoutError) as error:
            connection.reason = str(error) or "no answer"
        finally:
            connection.close()
            self._inbox.clear()
        if not connection.ready.is_set() and self._settings.mqtt_protocol == "auto":
            self._try_other_version(connection)
        log.warning("no connection to the broker", reason=connection.reason, will="retry")
        return connection

    def _say_connected(self) -> None:
        protocol = "MQTT 5" if self._version == mqtt.V5 else "MQTT 3.1.1"
        log.info(_SAYS[self._purpose], protocol=protocol, session=self._session)

    async def _open(self, connection: MqttConnection) -> None:
        port = self._url.port or (8883 if self._tls else 1883)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: connection, str(self._url.hostname), port, ssl=self._tls)

    def _try_other_version(self, connection: MqttConnection) -> None:
        """Brokers that do not speak MQTT 5 refuse it or hang up: next time speak the other version."""
        if connection.refused_version or self._version == mqtt.V311:
            self._version = mqtt.V311 if self._version == mqtt.V5 else mqtt.V5
