"""Notifications from the database, as a stream that fails loudly when the connection is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from parking.db.connect import connect
from parking.errors import DatabaseUnavailable


@asynccontextmanager
async def listening(
    database_url: str, *channels: str, name: str
) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
    """A stream of (channel, payload). Once entered, no later notification is missed.

    Raises DatabaseUnavailable when the connection cannot be made or is lost; read everything anew then.
    """
    async with connect(database_url, name=name, autocommit=True) as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

        async def stream() -> AsyncIterator[tuple[str, str]]:
            try:
                async for notification in connection.notifies():
                    yield notification.channel, notification.payload
            except psycopg.OperationalError as error:
                raise DatabaseUnavailable(f"The database connection was lost: {error}") from error
            raise DatabaseUnavailable("The database connection was closed")

        yield stream()
