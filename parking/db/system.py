"""How the system fares, for operators: the database, the ingestors and what they rejected."""

from dataclasses import dataclass
from datetime import datetime

from parking.db.connect import Connection, statement


@dataclass(frozen=True, slots=True)
class Server:
    """The database server: versions, when it started, the schema's version, its time and size in bytes."""

    postgres: str
    timescale: str | None
    started_at: datetime
    schema: int
    now: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Ingestor:
    """One ingestor: since when it runs, when it last said that all is current, and if it has the broker."""

    name: str
    started_at: datetime
    alive_at: datetime
    connected: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason of the last day: how often, and its latest message."""

    code: str
    count: int
    last_at: datetime
    detail: str
    topic: str


@dataclass(frozen=True, slots=True)
class SystemNow:
    """What operators look at."""

    server: Server
    ingestors: list[Ingestor]
    rejections: list[Rejection]


async def system_now(connection: Connection) -> SystemNow:
    """All of it, in a transaction."""
    row = await (await connection.execute(statement("system", "server"))).fetchone()
    assert row is not None, "the query returns one row"
    ingestors = await (await connection.execute(statement("system", "ingestors"))).fetchall()
    rejections = await (await connection.execute(statement("system", "rejections"))).fetchall()
    return SystemNow(
        Server(*row), [Ingestor(*one) for one in ingestors], [Rejection(*one) for one in rejections]
    )
