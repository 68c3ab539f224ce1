"""Connections that ask too slowly, too long or too much at once are closed: none holds much, or for ever."""

import time
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_S: Final = 20.0
"""So long the first line and the headers of a request may take."""
MOST_HEAD: Final = 65_536
"""Bytes of a head, not counting the packet in which it begins."""
MOST_WAITING: Final = 100
"""Requests of one connection that wait for an answer before them; each takes some kilobytes."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which also knows since when it has waited for a request's head (None: it does not).

    uvicorn itself closes a connection that is idle after an answer, and none before its first request; it
    bounds neither a head nor the requests that come before they can be answered.
    """

    head_since: float | None = None
    _head_bytes = 0
    _running: RequestResponseCycle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.head_since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        since = self.head_since
        super().data_received(data)
        if since is None or self.head_since != since:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD:
            self.send_400_response(f"The head of a request may have {MOST_HEAD} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.head_since is None:
            self.head_since = time.monotonic()

    def on_headers_complete(self) -> None:
        self.head_since = None
        if len(self.pipeline) >= MOST_WAITING:
            self.transport.close()
        else:
            super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells the latest request, which may be waiting for the one that is being answered.
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # A subclass may have answered a request before this one, in the same packet: nothing is idle now.
        self._unset_keepalive_if_required()
        self._running = cycle
        super()._start_asgi_task(cycle, app)


def close_late(connections: set[Any], *, patience_s: float = HEAD_S) -> int:
    """Close those that have waited too long for a request's head; how many."""
    before = time.monotonic() - patience_s
    late = [
        one
        for one in connections
        if isinstance(one, PatientProtocol) and one.head_since is not None and one.head_since < before
    ]
    for connection in late:
        connection.transport.close()
    return len(late)
