"""The log of changed snapshots that the event stream tells: bounded, replayed from any id still held."""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

KEPT_EVENTS = 10_000
"""How many events can be replayed; about 4 MB, and minutes of a large city's changes."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log: everything up to event `number` of `epoch` has been told."""

    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"


class Lost(Exception):
    """The log no longer holds what follows a position; the reader must start over. Says why."""


@dataclass(frozen=True, slots=True)
class _Event:
    site: str
    data: bytes


class EventLog:
    """A ring of events, numbered from 1 in each epoch.

    When it is full the oldest event goes; a reader that had not been told it yet is told to start over.
    Nothing is queued for a reader, so a slow one costs no memory.
    """

    def __init__(self, *, size: int = KEPT_EVENTS) -> None:
        self._events: deque[_Event] = deque(maxlen=size)
        self._process = secrets.token_hex(4)
        self._restarts = 0
        self._number = 0
        self._reason = "the server was restarted, or this id is not one of its ids"
        self._grown = asyncio.Event()
        self._joined: tuple[Position, Position, bytes] | None = None
        self.closed = False
        self.readers = 0

    @property
    def end(self) -> Position:
        """Where the log ends now."""
        return Position(f"{self._process}.{self._restarts}", self._number)

    def publish(self, changes: Iterable[tuple[str, bytes]]) -> None:
        """Add one event for each (site, JSON without line breaks) and wake the readers."""
        epoch = self.end.epoch
        for site, body in changes:
            self._number += 1
            head = f"event: site\nid: {epoch}-{self._number}\ndata: ".encode()
            self._events.append(_Event(site, head + body + b"\n\n"))
        self._wake()

    def restart(self, reason: str) -> None:
        """Begin a new epoch: every reader, connected or not, is told to start over."""
        self._events.clear()
        self._number = 0
        self._restarts += 1
        self._reason = reason
        self._wake()

    def close(self) -> None:
        """End every reader: the server stops."""
        self.closed = True
        self._wake()

    def locate(self, last_event_id: str) -> Position:
        """The position that a client names. Raises Lost when it is none of this log's."""
        epoch, _, number = last_event_id.rpartition("-")
        if epoch != self.end.epoch or not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Lost(self._reason)
        if int(number) > self._number:
            raise Lost(self._reason)
        return Position(epoch, int(number))

    def after(self, position: Position, sites: frozenset[str] | None = None) -> tuple[Position, bytes]:
        """What followed `position`, of these sites (None: all), and where that ends. Raises Lost."""
        end = self.end
        if position.epoch != end.epoch:
            raise Lost(self._reason)
        missed = end.number - position.number
        if missed > len(self._events):
            raise Lost("more has happened since than is kept")
        if sites is not None:
            return end, b"".join(event.data for event in self._newest(missed) if event.site in sites)
        # Most readers are at the same place: what follows it is put together once for all of them.
        if self._joined is None or self._joined[:2] != (position, end):
            self._joined = (position, end, b"".join(event.data for event in self._newest(missed)))
        return end, self._joined[2]

    async def wait(self, position: Position) -> None:
        """Return when there may be something after `position`, or the log is closed."""
        if position == self.end and not self.closed:
            await self._grown.wait()

    def _newest(self, count: int) -> list[_Event]:
        return list(islice(reversed(self._events), count))[::-1]

    def _wake(self) -> None:
        # Whoever waits holds the old event; whoever comes now waits for the next.
        self._grown.set()
        self._grown = asyncio.Event()
