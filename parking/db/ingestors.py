"""Which ingestors there are: who holds which session at the broker, and who vouches for the numbers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from parking.db.connect import Connection, statement


@dataclass(frozen=True, slots=True)
class Session:
    """A session at a broker in which an ingestor's messages wait. Several with one `base` share the work."""

    name: str
    base: str
    share: int
    shares: int
    broker: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a session: the database's process for it, from where, since when, when it last reported."""

    pid: int
    host: str
    since: datetime
    reported_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How an ingestor is. `broker` is empty while it is cut off; `waiting` messages are not stored yet.

    `behind_s` is for how long more has been arriving than is stored; `trouble` why storing fails just now.
    """

    current: bool
    broker: str
    waiting: int
    behind_s: float
    heard_at: datetime | None
    stored_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """An ingestor's condition as the database has it; ages are in seconds, None for what never was."""

    ingestor: str
    current: bool
    broker: str
    waiting: int
    behind_s: float
    trouble: str | None
    started_s: float
    reported_s: float
    confirmed_s: float
    heard_s: float | None
    stored_s: float | None


async def database_time(connection: Connection) -> datetime:
    """What the database's clock says."""
    cursor = await connection.execute(statement("ingestors", "time"))
    row = await cursor.fetchone()
    assert row is not None, "the query returns one row"
    time: datetime = row[0]
    return time


async def hold(connection: Connection, session: str) -> bool:
    """Become the one who may use this session, for as long as the database connection lives."""
    cursor = await connection.execute(statement("ingestors", "hold"), {"session": session})
    return await cursor.fetchone() == (True,)


async def let_go(connection: Connection, session: str) -> None:
    """No longer be the one."""
    await connection.execute(statement("ingestors", "let_go"), {"session": session})


async def holder(connection: Connection, session: str) -> Holder | None:
    """Who is the one."""
    cursor = await connection.execute(statement("ingestors", "holder"), {"session": session})
    row = await cursor.fetchone()
    return Holder(*row) if row else None


async def unseat(connection: Connection, dead: Holder) -> None:
    """End the database's process of one that is dead, so that another may use its session."""
    await connection.execute(statement("ingestors", "unseat"), {"pid": dead.pid})


async def note_session(connection: Connection, session: Session) -> None:
    """Remember that this session exists at the broker, so that it can be emptied once it is unused."""
    parameters = {
        "session": session.name,
        "base": session.base,
        "share": session.share,
        "shares": session.shares,
        "broker": session.broker,
    }
    await connection.execute(statement("ingestors", "note_session"), parameters)


async def forget_session(connection: Connection, name: str) -> None:
    """The session is no more."""
    await connection.execute(statement("ingestors", "forget_session"), {"session": name})


async def former_sessions(connection: Connection, mine: Session) -> Sequence[Session]:
    """Sessions in which work was shared in another number of shares; none while ours are not all there."""
    parameters = {"base": mine.base, "broker": mine.broker, "shares": mine.shares}
    cursor = await connection.execute(statement("ingestors", "former_sessions"), parameters)
    return [Session(*row) for row in await cursor.fetchall()]


async def confirm(
    connection: Connection, *, ingestor: str, started_at: datetime, condition: Condition
) -> None:
    """Say how this ingestor is and, where it is `current`, that the published numbers are."""
    parameters = {"ingestor": ingestor, "started_at": started_at, **asdict(condition)}
    async with connection.transaction():
        await connection.execute(statement("ingestors", "confirm"), parameters)
        await connection.execute(statement("ingestors", "confirmed"))


async def reports(connection: Connection) -> list[Report]:
    """How every ingestor was when it last said."""
    cursor = await connection.execute(statement("ingestors", "reports"))
    return [Report(*row) for row in await cursor.fetchall()]


async def leave(connection: Connection, *, ingestor: str) -> None:
    """Say that this ingestor ends."""
    async with connection.transaction():
        await connection.execute(statement("ingestors", "leave"), {"ingestor": ingestor})
        await connection.execute(statement("ingestors", "confirmed"))
