"""Connections whose request does not come are closed after a time: a slow client holds nothing for ever."""

import time
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S: Final = 20.0
"""So long the first line and the headers of a request may take."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which also knows since when it has waited for a request's head (None: it does not).

    uvicorn itself closes a connection that is idle after an answer, and none before its first request.
    """

    head_since: float | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.head_since = time.monotonic()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.head_since is None:
            self.head_since = time.monotonic()

    def on_headers_complete(self) -> None:
        self.head_since = None
        super().on_headers_complete()


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
