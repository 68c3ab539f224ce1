"""Adding a thing: /manage/registry/add/{kind}."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, seen
from api.pages.staff.registry.forms import (
    Problems,
    choices,
    form_page,
    preview_page,
    sent_form,
)
from api.pages.staff.registry.shelf import PATH, Shelf, path_of
from api.pages.staff.registry.sites import COUNTED
from api.pages.staff.registry.swapping import swapped_in
from api.problems import Refused
from api.registry import Match
from api.registry_editor import Editor
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.devices import canonical_id
from parking.errors import ConflictError, Fault, RegistryError
from parking.registry_documents import Document
from parking.registry_things import merged, refused


def add_adding(desk: Desk, database: Pool, shelf: Shelf) -> None:
    """Add the page that makes things of one kind."""
    adding = Adding(database, shelf)
    path = f"{PATH}/add/{shelf.kind.name}"
    desk.add(path, adding.show, scope=Scope.REGISTRY_WRITE)
    desk.add(path, adding.take, scope=Scope.REGISTRY_WRITE, methods=("POST",))


class Adding:
    """The page that makes things of one kind."""

    def __init__(self, database: Pool, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf
        self._editor = Editor(database, shelf.kind)

    async def show(self, request: Request, page: Page, session: Session) -> Response:
        """An empty form; the address says at which site, or how a site is counted."""
        base: Document = {}
        if self._shelf.kind.name == "sites":
            asked = request.query_params.get("counting", "")
            base = {"counting": asked if asked in COUNTED else "bays"}
        elif site := request.query_params.get("site", "")[:100]:
            base = {"site": site}
        return await self._form(page, session, base, self._shelf.sheet.values(base, new=True))

    async def take(self, request: Request, page: Page, session: Session) -> Response:
        """What would be added, or the thing itself."""
        form, base = await sent_form(request)
        kind, sheet, do = self._shelf.kind, self._shelf.sheet, form.get("do")
        if do == "back":
            return await self._form(page, session, base, form.values)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        problems: Problems
        try:
            document = merged(base, sheet.patch(kind.one, base, form.values, new=True))
            id = self._id(document)
            done = await self._editor.put(
                id, document, session.caller, Match(unwanted="*"), dry_run=do != "save"
            )
        except RegistryError as error:
            problems = sheet.problems(error, base, new=True)
        except ConflictError as error:
            problems, status = [("", error.message)], HTTPStatus.CONFLICT
        except Refused as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            problems, status = (
                [(kind.id, f"There is a {kind.one} with this id already.")],
                HTTPStatus.CONFLICT,
            )
        else:
            if do == "save":
                return seen(f"{path_of(kind.name, id)}?done=added")
            return await self._preview(page, session, base, form.values, done.after or {})
        return await self._form(page, session, base, form.values, problems=problems, status=status)

    def _id(self, document: Document) -> str:
        """The id in the form in which it is kept. Raises RegistryError."""
        kind = self._shelf.kind
        id = document.get(kind.id)
        if not isinstance(id, str):
            raise refused(kind.one, Fault(kind.id, None, "Field required"))
        if kind.name == "devices":
            document[kind.id] = id = canonical_id(id)
        return id

    async def _form(
        self,
        page: Page,
        session: Session,
        base: Document,
        values: Mapping[str, str],
        *,
        problems: Problems = [],  # noqa: B006 - it is read
        status: int = 200,
    ) -> Response:
        known = await choices(self._database, session)
        return form_page(
            page,
            session,
            self._shelf.sheet,
            base,
            new=True,
            values=values,
            problems=problems,
            status=status,
            **self._common(base),
            **known,
        )

    async def _preview(
        self, page: Page, session: Session, base: Document, values: Mapping[str, str], after: Document
    ) -> Response:
        sheet = self._shelf.sheet
        return preview_page(
            page,
            session,
            sheet,
            base,
            values,
            new=True,
            changes=sheet.changes({}, after, new=True),
            notes=self._shelf.notes({}, after) + await swapped_in(self._database, {}, after),
            **self._common(base),
        )

    def _common(self, base: Document) -> dict[str, Any]:
        kind = self._shelf.kind
        counted = f", counted {COUNTED[base['counting']]}" if base.get("counting") in COUNTED else ""
        return {
            "shelf": self._shelf,
            "title": f"Add a {kind.one}{counted}",
            "above": "",
            "path": f"{PATH}/add/{kind.name}",
            "back": (self._shelf.title, f"{PATH}/{kind.name}"),
        }
