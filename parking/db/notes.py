"""Drivers' notes in the database."""

from typing import Any, Final

from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.errors import Conflict, NotFound
from parking.notes import Note, Wrong, cleaned

MOST_WAITING: Final = 100
"""Notes of one site that may wait; beyond that a new one tells nothing new."""


async def add_note(
    connection: Connection, *, site: str, bay: str | None, wrong: Wrong, text: str
) -> int | None:
    """Keep a note, cleaned; its number, or None where so many of the site wait that it is not needed."""
    asked = {
        "site_id": site,
        "bay_id": bay,
        "wrong": wrong.value,
        "text": cleaned(text),
        "most": MOST_WAITING,
    }
    row = await (await connection.execute(statement("notes", "add"), asked)).fetchone()
    return None if row is None else row[0]


async def waiting_notes(connection: Connection, *, limit: int = 500) -> list[Note]:
    """The notes that nobody has dealt with, the newest first."""
    rows = await (await connection.execute(statement("notes", "waiting"), {"limit": limit})).fetchall()
    return [_note(row) for row in rows]


async def find_note(connection: Connection, note_id: int) -> Note:
    """One note, held until the transaction ends. Raises NotFound."""
    row = await (await connection.execute(statement("notes", "hold"), {"note_id": note_id})).fetchone()
    if row is None:
        raise NotFound(f"There is no note with the number {note_id}.")
    return _note(row)


async def close_note(connection: Connection, note_id: int, *, actor: str) -> None:
    """Somebody has dealt with it; in a transaction. Raises NotFound, Conflict if it was so already."""
    note = await find_note(connection, note_id)
    if note.closed_at is not None:
        raise Conflict(f"The note {note_id} was dealt with already, by {note.closed_by}.")
    await connection.execute(statement("notes", "close"), {"note_id": note_id, "closed_by": actor})
    before = {"site": note.site, "bay": note.bay, "wrong": note.wrong.value}
    await record(
        connection, actor=actor, action="note.close", subject=f"note/{note_id}", before=before, after=None
    )


def _note(row: tuple[Any, ...]) -> Note:
    note_id, site, name, bay, wrong, text, made_at, closed_at, closed_by = row
    known = Wrong(wrong) if wrong in set(Wrong) else Wrong.OTHER
    return Note(
        note_id=note_id,
        site=site,
        site_name=name,
        bay=bay,
        wrong=known,
        text=text,
        made_at=made_at,
        closed_at=closed_at,
        closed_by=closed_by,
    )
