"""Messages that have arrived and were not yet taken, in their order."""

import asyncio
from collections import deque

from ingest.source import Message

MOST_BYTES = 4 << 20
"""When this much payload waits the socket is not read: the receive maximum counts messages only."""
TAKE_BYTES = 2 << 20
"""About the most payload that is taken at a time, for the same reason."""


class Inbox:
    """Bounded by whoever fills it: see `full`. `arrived` is set when something has come."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self.arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def full(self) -> bool:
        """Whether no more should be put in for now."""
        return len(self._messages) >= self._most or self._bytes >= MOST_BYTES

    def put(self, message: Message) -> None:
        """Append one; whoever puts sets `arrived` after the last."""
        self._messages.append(message)
        self._bytes += len(message.payload)

    def take(self, most: int) -> list[Message]:
        """The first ones, at most so many and not much more than TAKE_BYTES."""
        taken: list[Message] = []
        size = 0
        while self._messages and len(taken) < most and size < TAKE_BYTES:
            taken.append(message := self._messages.popleft())
            size += len(message.payload)
        self._bytes -= size
        return taken

    def clear(self) -> None:
        """Forget all."""
        self._messages.clear()
        self._bytes = 0
