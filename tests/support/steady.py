"""A publisher at a steady rate that keeps its messages until the broker has them, and a ledger of them.

Theory of operation. Over MQTT 5 at QoS 1, with the message expiry of SPEC [M-4]. A message is made when it is
sent first. What the broker has not acknowledged when a connection breaks is sent again, first, on the next;
so the broker may take such a message twice, and only such a one.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, urlsplit

from bench import mqtt
from bench.mqtt import Credentials, Session
from tests.support.polling import until
from tests.support.traffic import Outgoing

WINDOW = 500
"""Most messages that the broker may not have acknowledged yet."""
_TICK_S = 0.01
_RETRY_S = 0.1


@dataclass(slots=True)
class Told:
    """A message on its way: when it was sent first and acknowledged (Unix seconds), and how often sent."""

    message: Outgoing
    sent_at: float
    times: int = 1
    acknowledged_at: float = 0.0


class SteadyPublisher:
    """Publishes `rate` messages a second, as well as the broker takes them. `told` is the ledger.

    On each new connection it sends again what was acknowledged in the last `keep_s` seconds.
    """

    def __init__(self, url: str, source: Iterator[Outgoing], *, rate: float, keep_s: float = 0) -> None:
        self._url = urlsplit(url)
        self._source = source
        self._rate = rate
        self._keep_s = keep_s
        self._last_id = 0
        self._waiting: dict[int, Told] = {}
        self._ended = False
        self._connected = False
        self.told: list[Told] = []
        """Every message that the broker acknowledged, in that order."""

    async def end(self, *, timeout: float = 30.0) -> list[Told]:
        """Make no more messages, and wait until the broker has acknowledged all that were made."""
        self._ended = True
        await until(
            lambda: self._connected and not self._waiting,
            timeout=timeout,
            what=lambda: f"{len(self._waiting)} acknowledged",
        )
        return self.told

    async def run(self) -> None:
        """Publish, over as many connections as it takes, for as long as the task lives."""
        while True:
            try:
                await self._one_connection()
            except* (OSError, EOFError):
                await asyncio.sleep(_RETRY_S)

    async def _one_connection(self) -> None:
        url = self._url
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        try:
            who = Credentials(unquote(url.username or ""), unquote(url.password or ""))
            writer.write(mqtt.connect(Session(f"steady-{secrets.token_hex(4)}", mqtt.V5), who))
            kind, body = await _packet(reader)
            if kind != mqtt.CONNACK or body[1]:
                raise ConnectionRefusedError(f"the broker answered {kind:#x} {body!r}")
            since = time.time() - self._keep_s
            kept = [told for told in self.told if told.acknowledged_at > since] if self._keep_s else []
            again, self._waiting = [*kept, *self._waiting.values()], {}
            for told in again:
                told.times += 1
                self._send(writer, told)
            self._connected = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._feed(writer), name="feed the broker")
                tasks.create_task(self._listen(reader), name="listen to the broker")
        finally:
            self._connected = False
            writer.transport.abort()

    async def _feed(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        begun, made = loop.time(), 0
        while not writer.is_closing():
            due = int((loop.time() - begun) * self._rate) - made
            room = min(due, WINDOW - len(self._waiting))
            if not self._ended and room > 0:
                for message in islice(self._source, room):
                    self._send(writer, Told(message, time.time()))
                made += room
            await writer.drain()
            await asyncio.sleep(_TICK_S)
        raise ConnectionResetError("the broker has gone")

    def _send(self, writer: asyncio.StreamWriter, told: Told) -> None:
        while True:
            self._last_id = self._last_id % mqtt.MAX_PACKET_ID + 1
            if self._last_id not in self._waiting:
                break
        self._waiting[self._last_id] = told
        message = told.message
        writer.write(mqtt.encode_publish(message.topic, message.payload, self._last_id))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, body = await _packet(reader)
            if kind == mqtt.PUBACK:
                told = self._waiting.pop(int.from_bytes(body[:2], "big"))
                if not told.acknowledged_at:
                    self.told.append(told)
                    told.acknowledged_at = time.time()


@asynccontextmanager
async def publishing_steadily(
    url: str, source: Iterator[Outgoing], *, rate: float = 1000, keep_s: float = 0
) -> AsyncIterator[SteadyPublisher]:
    """Publish while the block runs; `end()` inside it gives the ledger."""
    publisher = SteadyPublisher(url, source, rate=rate, keep_s=keep_s)
    task = asyncio.create_task(publisher.run(), name="publish steadily")
    try:
        yield publisher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Type and body of the next packet."""
    head = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        if byte < 128:
            return head & 0xF0, await reader.readexactly(length)
        shift += 7
