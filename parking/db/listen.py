"""Notifications from the database."""

import time
from collections.abc import Collection, Sequence

from psycopg import sql

from parking.db.connect import Connection

Notice = tuple[str, str]
"""Channel and payload."""


async def listen(connection: Connection, *channels: str) -> None:
    """From now on no notification of these channels is missed while the connection lives."""
    for channel in channels:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def notices(
    connection: Connection, *, within_s: float, then_s: float, ignore: Collection[int | None]
) -> Sequence[Notice]:
    """Wait for a notification, and a moment longer for others; none if the time passes without.

    Those that these processes of the database sent do not count.
    """
    heard: list[Notice] = []
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        async for notification in connection.notifies(timeout=left):
            if notification.pid not in ignore:
                heard.append((notification.channel, notification.payload))
                if len(heard) == 1:
                    deadline = min(deadline, time.monotonic() + then_s)
                break
        else:
            break
    return heard
