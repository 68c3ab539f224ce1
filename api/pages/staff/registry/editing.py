"""Changing one thing: its form, what would change, and what somebody else changed meanwhile."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, seen
from api.pages.staff.registry.forms import (
    CHANGED_MEANWHILE,
    NOTHING_CHANGES,
    Problems,
    changed_by_others,
    choices,
    form_page,
    match_of,
    preview_page,
    read_thing,
    sent_form,
)
from api.pages.staff.registry.related import related
from api.pages.staff.registry.sheet import Sheet
from api.pages.staff.registry.shelf import PATH, Shelf, path_of, title_of
from api.pages.staff.registry.swapping import swapped_in
from api.problems import Refused
from api.registry import may_see
from api.registry_editor import Editor
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.registry_browse import counts
from parking.errors import ConflictError, RegistryError
from parking.registry_documents import Document
from parking.registry_things import merged

_DONE = {"added": "It was added.", "changed": "It was changed.", "swapped": "Its device was swapped."}


def add_editing(desk: Desk, database: Pool, shelf: Shelf, sheet: Sheet, *, part: str = "") -> None:
    """Add the page that changes a thing; `part` is the address of a page for some of its fields alone."""
    editing = Editing(database, shelf, sheet, part)
    path = f"{PATH}/{shelf.kind.name}/{{id}}{part}"
    desk.add(path, editing.show, scope=Scope.REGISTRY_WRITE)
    desk.add(path, editing.take, scope=Scope.REGISTRY_WRITE, methods=("POST",))


class Editing:
    """The page that changes things of one kind."""

    def __init__(self, database: Pool, shelf: Shelf, sheet: Sheet, part: str) -> None:
        self._database = database
        self._shelf = shelf
        self._sheet = sheet
        self._part = part
        self._editor = Editor(database, shelf.kind)

    async def show(self, request: Request, page: Page, session: Session) -> Response:
        """The form of a thing as it is."""
        thing = await self._read(session, request.path_params["id"])
        return await self._form(
            page, session, thing, done=_DONE.get(request.query_params.get("done", ""), "")
        )

    async def take(self, request: Request, page: Page, session: Session) -> Response:
        """What would change, or the change itself."""
        id = request.path_params["id"]
        form, base = await sent_form(request, of=(self._shelf.kind.id, id))
        do = form.get("do")
        if do == "back":
            await self._read(session, id)  # a form of a thing that they may not see is none of ours
            return await self._form(page, session, base, values=form.values)
        problems: Problems
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        try:
            patch = self._sheet.patch(self._shelf.kind.one, base, form.values, new=False)
            done = await self._editor.patch(id, patch, session.caller, match_of(base), dry_run=do != "save")
        except RegistryError as error:
            problems = self._sheet.problems(error, base, new=False)
        except ConflictError as error:
            problems, status = [("", error.message)], HTTPStatus.CONFLICT
        except Refused as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            return await self._stale(page, session, id, base, form.values)
        else:
            if do == "save":
                return seen(
                    f"{path_of(self._shelf.kind.name, id)}?done={'swapped' if self._part else 'changed'}"
                )
            before, after = done.before or {}, done.after or {}
            if before != after:
                return await self._preview(page, session, base, form.values, before, after)
            problems = [("", NOTHING_CHANGES)]
        return await self._form(page, session, base, values=form.values, problems=problems, status=status)

    async def _read(self, session: Session, id: str) -> Document:
        thing = await read_thing(self._database, self._editor, id)
        may_see(session.caller, self._shelf.kind, thing)
        return thing

    async def _form(
        self,
        page: Page,
        session: Session,
        thing: Document,
        *,
        values: Mapping[str, str] | None = None,
        problems: Problems = [],  # noqa: B006 - it is read
        status: int = 200,
        **more: Any,
    ) -> Response:
        known = await choices(self._database, session)
        there: dict[str, int] = {}
        if self._shelf.kind.name == "sites":
            async with self._database.transaction() as connection:
                there = await counts(connection, sites={thing["id"]})
        base = self._shelf.kind.told(thing)
        return form_page(
            page,
            session,
            self._sheet,
            base,
            new=False,
            values=values,
            problems=problems,
            status=status,
            related=related(self._shelf, thing, session.caller, there),
            **self._common(base),
            **known,
            **more,
        )

    async def _preview(
        self,
        page: Page,
        session: Session,
        base: Document,
        values: Mapping[str, str],
        before: Document,
        after: Document,
    ) -> Response:
        return preview_page(
            page,
            session,
            self._sheet,
            base,
            values,
            new=False,
            changes=self._sheet.changes(before, after),
            notes=self._shelf.notes(before, after) + await swapped_in(self._database, before, after),
            **self._common(base),
        )

    async def _stale(
        self, page: Page, session: Session, id: str, base: Document, values: Mapping[str, str]
    ) -> Response:
        """Somebody else was faster: what they changed, and the form again with both changes in it."""
        thing = await self._read(session, id)
        now = self._shelf.kind.told(thing)
        mine = merged(now, self._sheet.patch(self._shelf.kind.one, base, values, new=False))
        return await self._form(
            page,
            session,
            thing,
            values=self._sheet.values(mine, new=False),
            problems=[("", CHANGED_MEANWHILE)],
            status=HTTPStatus.PRECONDITION_FAILED,
            stale=changed_by_others(self._shelf.sheet, base, now, mine),
        )

    def _common(self, base: Document) -> dict[str, Any]:
        id = self._shelf.id_of(base)
        path = path_of(self._shelf.kind.name, id)
        title, above = (f"Swap the device of bay {id}", "") if self._part else title_of(self._shelf, base)
        return {
            "shelf": self._shelf,
            "title": title,
            "above": above,
            "path": path + self._part,
            "removing": "" if self._part else f"{path}/remove",
            "back": (f"Bay {id}", path)
            if self._part
            else (self._shelf.title, f"{PATH}/{self._shelf.kind.name}"),
        }
