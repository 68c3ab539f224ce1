"""A small, bounded pool of connections for what is asked now and then."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from parking.db.connect import KEEPALIVE, URL_HINT, Connection, statement
from parking.db.watchdog import answering_within
from parking.errors import DatabaseUnavailable, SettingsError

_MOST_WAITING = 100
"""More callers than this that wait for a connection are sent away at once."""
_PATIENCE_S = 3.0
_CHECK_S = 2.0
_IDLE_S = 60.0
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TooManyRequests)
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)


class Pool:
    """At most `size` connections named `name`, made when they are needed; the database may be away."""

    def __init__(self, database_url: str, *, name: str, size: int) -> None:
        try:
            conninfo = make_conninfo(database_url, application_name=name, **KEEPALIVE)
        except psycopg.ProgrammingError:
            # What it says may quote the password.
            raise SettingsError("PARKING_DATABASE_URL cannot be read", hint=URL_HINT) from None
        # It logs each failed attempt; whoever asked is told, and says it once.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._pool = AsyncConnectionPool[Connection](
            conninfo,
            min_size=0,
            max_size=size,
            open=False,
            kwargs={"autocommit": True},
            configure=_configure,
            check=_check,
            name=name,
            timeout=_PATIENCE_S,
            max_waiting=_MOST_WAITING,
            max_idle=_IDLE_S,
            # Given up soon and begun again by whoever asks next: a database that is back is found at once.
            reconnect_timeout=0.5,
            reconnect_failed=_quiet,
            num_workers=1,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Lend connections for as long as this is open."""
        async with self._pool:
            yield

    @asynccontextmanager
    async def transaction(self, *, within_s: float = 10.0) -> AsyncIterator[Connection]:
        """A connection in a transaction, which is committed at the end, undone on an error.

        Raises DatabaseUnavailable when there is none to be had, it is lost, a lock is not, or all is not done
        `within_s` seconds.
        """
        try:
            async with self._pool.connection() as connection:
                with answering_within(connection, within_s):
                    async with connection.transaction():
                        yield connection
        except _BUSY as error:
            raise DatabaseUnavailable("Another change is being made to the same; try again.") from error
        except _AWAY as error:
            raise DatabaseUnavailable(
                f"The database cannot be reached: {str(error).strip()}",
                hint="Check PARKING_DATABASE_URL and that the server runs.",
            ) from error


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(statement("schema", "session_settings"))
    await connection.execute(statement("schema", "short_waits"))


async def _check(connection: AsyncConnection[Any]) -> None:
    """A connection that was cut while it lay idle, or whose server is silent, is replaced."""
    with answering_within(connection, _CHECK_S):
        await AsyncConnectionPool.check_connection(connection)


async def _quiet(pool: AsyncConnectionPool[Any]) -> None:
    pass
