"""Importing files into the registry: /manage/registry/import, with a preview of what will change."""

import json
import tempfile
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.import_worker import import_apart
from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.registry_files import Changed, Options, Report
from parking.errors import ConflictError, Fault, RegistryError

PATH: Final = "/manage/registry/import"
MOST_LINES: Final = 200
_FORMS: Final = {".csv": "csv", ".geojson": "geojson", ".json": "registry"}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in words."""

    what: str
    kind: str
    id: str
    members: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a report, or why nothing was done."""

    name: str
    report: Report | None = None
    lines: tuple[ChangeLine, ...] = ()
    error: str = ""
    faults: tuple[Fault, ...] = ()


def add_importing(desk: Desk, database_url: str) -> None:
    """Add the page and its form."""

    async def show(request: Request, page: Page, session: Session, done: Outcome | None = None) -> Response:
        status = 422 if done is not None and done.report is None else 200
        return staff_page(
            page, session, "staff/registry/import.html", status=status, done=done, most=MOST_LINES
        )

    async def take(request: Request, page: Page, session: Session) -> Response:
        form = await request.form()
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await show(request, page, session, Outcome("", error="Choose a file first."))
        name = file.filename[:200]
        kind = next((form for end, form in _FORMS.items() if name.lower().endswith(end)), None)
        if kind is None:
            rule = "The file’s name must end in .json, .geojson or .csv."
            return await show(request, page, session, Outcome(name, error=rule))
        options = Options(
            form=kind,
            name=name,
            actor=session.caller.name,
            dry_run=form.get("do") != "import",
            replace=form.get("replace") == "yes",
            sites=None if session.caller.sites is None else tuple(sorted(session.caller.sites)),
        )
        return await show(request, page, session, await _imported(file, options, database_url))

    desk.add(PATH, show, scope=Scope.REGISTRY_WRITE)
    desk.add(PATH, take, scope=Scope.REGISTRY_WRITE, methods=("POST",))


async def _imported(file: UploadFile, options: Options, database_url: str) -> Outcome:
    with tempfile.TemporaryFile() as kept:
        while chunk := await file.read(65_536):
            kept.write(chunk)
        kept.seek(0)
        try:
            report = await import_apart(kept, options, database_url=database_url)
        except RegistryError as error:
            return Outcome(options.name, error=error.message, faults=error.faults[:MOST_LINES])
        except ConflictError as error:
            return Outcome(options.name, error=error.message)
    return Outcome(options.name, report, tuple(map(_line, report.changes[:MOST_LINES])))


def _line(one: Changed) -> ChangeLine:
    what = "Added" if one.before is None else "Removed" if one.after is None else "Changed"
    members = ""
    if one.before is not None and one.after is not None:
        was, now = one.before, one.after
        names = sorted(key for key in {*was, *now} if was.get(key) != now.get(key))
        members = "; ".join(f"{name}: {_short(was, name)} → {_short(now, name)}" for name in names)
    return ChangeLine(what, one.kind.removesuffix("s"), one.id, members)


def _short(document: dict[str, object], name: str) -> str:
    return json.dumps(document[name], ensure_ascii=False)[:80] if name in document else "nothing"
