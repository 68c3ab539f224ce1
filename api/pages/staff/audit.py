"""Who changed what: /manage/audit, the newest first."""

import json
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.forms import Form
from api.pages.staff.words import moment
from api.sessions import Session
from parking.access_keys import Scope
from parking.audit import Entry
from parking.db.audit import Filter
from parking.db.audit import page as page_of
from parking.db.pool import Pool

PATH: Final = "/manage/audit"
MOST: Final = 50
_MOST_CHARACTERS: Final = 400


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One change in words."""

    number: int
    when: str
    who: str
    action: str
    subject: str
    before: str
    after: str


def add_audit(desk: Desk, database: Pool) -> None:
    """Add the page."""

    async def show(request: Request, page: Page, session: Session) -> Response:
        asked = {name: request.query_params.get(name, "")[:200] for name in ("actor", "action", "subject")}
        below = request.query_params.get("below", "")
        known = int(below) if below.isascii() and below.isdigit() and len(below) <= 18 else None
        async with database.transaction() as connection:
            found = await page_of(connection, _filter(asked), limit=MOST + 1, below=known)
        lines = [_line(page, entry) for entry in found[:MOST]]
        older = lines[-1].number if len(found) > MOST else None
        return staff_page(page, session, "staff/audit.html", form=Form(asked), lines=lines, older=older)

    desk.add(PATH, show, scope=Scope.AUDIT_READ)


def _filter(asked: dict[str, str]) -> Filter:
    return Filter(actor=asked["actor"], action=asked["action"], subject=asked["subject"])


def _line(page: Page, entry: Entry) -> AuditLine:
    when = moment(page, entry.at, "Europe/London")
    values = _short(entry.before), _short(entry.after)
    return AuditLine(entry.audit_id, when, entry.actor, entry.action, entry.subject, *values)


def _short(value: object) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + " …"
