"""Cuts a connection on which the server has gone silent, where TCP alone would wait for ever."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncConnection


@contextmanager
def answering_within(connection: AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """What is asked meanwhile fails with psycopg.OperationalError unless all is done within `seconds`.

    Cancelling would not do: psycopg then asks the server to stop and waits for its answer. A server behind a
    half-open connection, or one that is stopped, gives none.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: AsyncConnection[Any]) -> None:
    if not connection.closed:
        # A copy of the descriptor: the socket object must not close libpq's.
        with socket.socket(fileno=os.dup(connection.fileno())) as copy:
            copy.shutdown(socket.SHUT_RDWR)
