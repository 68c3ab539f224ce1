"""Drivers' notes on the maintenance page: what waits, and that somebody has dealt with it."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from api.pages.report import wrong_words
from api.pages.site import Page
from api.pages.staff.desk import Desk, seen
from api.pages.staff.words import moment
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.notes import close_note, find_note, waiting_notes
from parking.db.pool import Pool


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One note in words."""

    number: int
    site: str
    name: str
    bay: str
    what: str
    text: str
    when: str


def add_notes(desk: Desk, database: Pool) -> None:
    """Let those who look after the devices say that a note was dealt with."""

    async def close(request: Request, page: Page, session: Session) -> Response:
        number = request.path_params["note_id"]
        async with database.transaction() as connection:
            note = await find_note(connection, number)
            session.caller.require_site(note.site)
            await close_note(connection, number, actor=session.caller.name)
        return seen("/manage/maintenance#notes")

    desk.add("/manage/notes/{note_id:int}/close", close, scope=Scope.MAINTENANCE_WRITE, methods=("POST",))


async def note_lines(
    database: Pool, page: Page, *, site: str, sites: frozenset[str] | None
) -> list[NoteLine]:
    """The notes that wait: of one site, or of all (empty) that one may see."""
    async with database.transaction() as connection:
        notes = await waiting_notes(connection)
    return [
        NoteLine(
            note.note_id,
            note.site,
            note.site_name,
            note.bay or "",
            wrong_words(page, note.wrong),
            note.text,
            moment(page, note.made_at),
        )
        for note in notes
        if site in ("", note.site) and (sites is None or note.site in sites)
    ]
