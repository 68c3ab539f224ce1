"""Appends to the audit log, in the transaction of the change itself, and reads it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from parking.audit import Entry
from parking.db.connect import Connection, chunks, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows: texts say how something begins; `since` inclusive, `until` exclusive."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def record(
    connection: Connection, *, actor: str, action: str, subject: str, before: object, after: object
) -> None:
    """Append one change to the log. In a transaction, and best as its last statement.

    `action` is like `key.create`, `subject` like `key/abc`; `before` and `after` are anything that msgspec or
    pydantic can write as JSON, None where there is nothing. Until the transaction ends every other one that
    records waits. In REPEATABLE READ it may raise a serialization error: do the whole anew.
    """
    parameters = {"before": _json(before), "after": _json(after)}
    row = await (await connection.execute(statement("audit", "head"), parameters)).fetchone()
    assert row is not None, "the head is there since the migration"
    last, head, at, kept_before, kept_after = row
    entry = Entry(
        audit_id=last + 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        before=as_value(kept_before),
        after=as_value(kept_after),
        previous=bytes(head),
    )
    entry = replace(entry, hash=entry.computed())
    columns = {name: getattr(entry, name) for name in Entry.__slots__}
    await connection.execute(statement("audit", "append"), {**columns, **parameters})


async def page(
    connection: Connection, wanted: Filter, *, limit: int, below: int | None = None
) -> list[Entry]:
    """The newest rows, of those before row `below` if it is given."""
    asked = {name: getattr(wanted, name) for name in Filter.__slots__}
    # PostgreSQL takes no NUL in a text, and no row has one.
    asked |= {name: value.replace("\0", "\ufffd") for name, value in asked.items() if isinstance(value, str)}
    cursor = await connection.execute(statement("audit", "page"), {**asked, "limit": limit, "below": below})
    return [_entry(row) for row in await cursor.fetchall()]


async def walk_log(connection: Connection) -> AsyncIterator[list[Entry]]:
    """The whole log, the oldest row first, some thousands at a time. In a transaction only."""
    async for rows in chunks(connection, statement("audit", "chain")):
        yield [_entry(row) for row in rows]


async def log_end(connection: Connection) -> tuple[int, bytes]:
    """The last row's number and hash, as the head has them; 0 and GENESIS for an empty log."""
    row = await (await connection.execute(statement("audit", "end"))).fetchone()
    return (0, b"") if row is None else (row[0], bytes(row[1]))


def _entry(row: tuple[Any, ...]) -> Entry:
    audit_id, at, actor, action, subject, before, after, previous, hash = row
    return Entry(
        audit_id=audit_id,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        before=as_value(before),
        after=as_value(after),
        previous=bytes(previous),
        hash=bytes(hash),
    )


def as_value(text: str | None) -> Any:
    """A value of the log from PostgreSQL's own writing of it, which decides what numbers look like."""
    return None if text is None else json.loads(text)


def _json(value: object) -> str | None:
    if value is None:
        return None
    # PostgreSQL keeps no NUL in a text.
    return msgspec.json.encode(value, enc_hook=_plain).decode().replace("\\u0000", "\\ufffd")


def _plain(value: Any) -> Any:
    """Models of pydantic, and whatever else can tell itself as JSON."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"{type(value).__name__} cannot be written as JSON")
