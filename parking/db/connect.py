"""Connections to the database, and which edition of it was found."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from parking.db import queries
from parking.db.watchdog import answering_within
from parking.errors import DatabaseUnavailable, SettingsError

Connection = AsyncConnection[Any]

KEEPALIVE: dict[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "connect_timeout": 5,
}
"""A half-open connection is noticed within about half a minute."""

ANSWER_S = 10.0
"""A server that has not answered the first question by then is not there."""

CHUNK_ROWS = 2000

URL_HINT = (
    "It looks like postgresql://user:password@host:5432/database; write @ : / % # ? in a password as "
    "%40 %3A %2F %25 %23 %3F."
)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which database this is: `timescale` and `licence` are None on plain PostgreSQL."""

    postgres: str
    timescale: str | None
    licence: str | None

    def __str__(self) -> str:
        if self.timescale is None:
            return f"PostgreSQL {self.postgres} (no TimescaleDB)"
        name = "Community" if self.licence == "timescale" else "Apache-2"
        return f"TimescaleDB {self.timescale} {name} on PostgreSQL {self.postgres}"


def statement(file: str, name: str) -> LiteralString:
    """The SQL of `name` in `queries/{file}.sql`. It comes from our own files, never from input."""
    return queries.load(file)[name]


@asynccontextmanager
async def connect(database_url: str, *, name: str, autocommit: bool = False) -> AsyncIterator[Connection]:
    """One connection, named `name` in pg_stat_activity. Raises DatabaseUnavailable."""
    try:
        connection = await AsyncConnection.connect(
            make_conninfo(database_url, application_name=name, **KEEPALIVE), autocommit=autocommit
        )
    except psycopg.ProgrammingError:
        # What it says may quote the password.
        raise SettingsError("PARKING_DATABASE_URL cannot be read", hint=URL_HINT) from None
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"The database cannot be reached: {str(error).strip()}",
            hint="Check PARKING_DATABASE_URL and that the server runs.",
        ) from error
    try:
        with answering_within(connection, ANSWER_S):
            await connection.execute(statement("schema", "session_settings"))
            if not autocommit:
                await connection.commit()
        yield connection
    finally:
        await connection.close()


async def tune_for_batches(connection: Connection) -> None:
    """Settings for a connection that writes batches."""
    await connection.execute(statement("schema", "writer_settings"))
    await connection.execute(statement("schema", "late_settings"))


async def find_edition(connection: Connection) -> Edition:
    """Ask the server what it is."""
    cursor = await connection.execute(statement("schema", "edition"))
    row = await cursor.fetchone()
    assert row is not None, "the query returns one row"
    return Edition(*row)


async def chunks(
    connection: Connection, query: LiteralString, parameters: Mapping[str, Any] | None = None
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The rows of a query, some thousands at a time, never all in memory. In a transaction only."""
    async with connection.cursor(name="chunks", binary=True) as cursor:
        await cursor.execute(query, parameters)
        while rows := await cursor.fetchmany(CHUNK_ROWS):
            yield rows
