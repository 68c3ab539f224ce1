"""Hands messages from the network thread to the event loop, bounded, waking it once for many."""

import asyncio
import threading
from collections import deque

from ingest.source import Message


class Inbox:
    """A bounded queue with one producer thread and one consumer task.

    When it is full the producer waits: the network is then not read, which is the back-pressure for
    brokers that do not know a receive maximum. With one, the broker stops before this is full.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._messages: deque[Message] = deque()
        self._changed = threading.Condition()
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Called by the network thread; waits while the inbox is full, unless its connection has ended."""
        with self._changed:
            while len(self._messages) >= self._limit and self._wants(message):
                self._changed.wait()
            if not self._wants(message):
                return
            self._messages.append(message)
            first = len(self._messages) == 1
        if first:
            self._loop.call_soon_threadsafe(self._arrived.set)

    def forget(self, generation: int) -> None:
        """Forget what came by this connection, and what its thread still holds: the broker sends it again."""
        with self._changed:
            self._forgotten = generation
            self._messages.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Let a waiting producer go; nothing is taken in any more."""
        with self._changed:
            self._closed = True
            self._messages.clear()
            self._changed.notify_all()

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """Wait for a message, then up to `wait_s` seconds for others; at most `most`, never none."""
        taken: list[Message] = []
        # What was there may be forgotten before it is taken.
        while not taken:
            await self._first()
            if len(self._messages) < most:
                await self._fill(most, wait_s)
            with self._changed:
                taken = [self._messages.popleft() for _ in range(min(most, len(self._messages)))]
                self._changed.notify_all()
        return taken

    def _wants(self, message: Message) -> bool:
        return not self._closed and message.generation > self._forgotten

    async def _first(self) -> None:
        """Wait until there is a message."""
        while not self._messages:
            self._arrived.clear()
            if not self._messages:
                await self._arrived.wait()

    async def _fill(self, most: int, wait_s: float) -> None:
        """Wait until there are `most` or the time is up, looking a few times only: waking costs more."""
        deadline = self._loop.time() + wait_s
        # An event for each message is the cost that this avoids.
        while len(self._messages) < most and (left := deadline - self._loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, wait_s / 4))
