"""Appends to the audit log, in the transaction of the change itself."""

import json
from dataclasses import replace
from typing import Any

import msgspec

from parking.audit import Entry
from parking.db.connect import Connection, statement


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
