"""Changing a closure: /manage/closures/{id}. Its form, what would change, and what somebody else changed."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from api.closure_editor import ClosureEditor
from api.closures import closure_document
from api.live import LiveSite, LiveView
from api.pages.site import Page
from api.pages.staff.closure_form import closure_sheet, effects, problems_of
from api.pages.staff.desk import Desk, seen
from api.pages.staff.registry.forms import (
    CHANGED_MEANWHILE,
    NOTHING_CHANGES,
    Problems,
    changed_by_others,
    form_page,
    match_of,
    preview_page,
    sent_form,
)
from api.pages.staff.registry.sheet import Sheet
from api.prepared import Answers
from api.problems import Refused
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.opening import Closure
from parking.errors import ConflictError, InputError, NotFound, RegistryError
from parking.registry_documents import Document
from parking.registry_things import merged

PATH: Final = "/manage/closures"


def add_closure_editing(desk: Desk, view: LiveView, answers: Answers, editor: ClosureEditor) -> None:
    """Add the page that changes a closure."""
    editing = ClosureEditing(view, answers, editor)
    path = PATH + "/{closure_id:int}"
    desk.add(path, editing.show, scope=Scope.REGISTRY_WRITE)
    desk.add(path, editing.take, scope=Scope.REGISTRY_WRITE, methods=("POST",))


class ClosureEditing:
    """The page that changes a closure."""

    def __init__(self, view: LiveView, answers: Answers, editor: ClosureEditor) -> None:
        self._view = view
        self._answers = answers
        self._editor = editor

    async def show(self, request: Request, page: Page, session: Session) -> Response:
        """The form of a closure as it is."""
        closure = await self._editor.read(request.path_params["closure_id"], session.caller)
        sheet = self._sheet(closure)
        return self._form(page, session, closure, closure_document(closure), sheet)

    async def take(self, request: Request, page: Page, session: Session) -> Response:
        """What would change, or the change itself."""
        form, base = await sent_form(request)
        number, do = request.path_params["closure_id"], form.get("do")
        closure = await self._editor.read(number, session.caller)
        # A beginning that was in the form counts, even if it has passed since.
        sheet = self._sheet(closure, begun="from" not in form.values)
        if do == "back":
            return self._form(page, session, closure, base, sheet, values=form.values)
        problems: Problems
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        try:
            patch = sheet.patch("closure", base, form.values, new=False)
            before, after = await self._editor.change(
                number, patch, session.caller, match_of(base), dry_run=do != "save"
            )
        except (RegistryError, InputError, ConflictError) as error:
            zone = self._site(closure).facts.timezone
            problems = problems_of(error, sheet, base, page, zone, new=False)
            if isinstance(error, ConflictError):
                status = HTTPStatus.CONFLICT
        except Refused as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            return await self._stale(page, session, number, base, form.values, sheet)
        else:
            if do == "save":
                return seen(f"{PATH}?done=changed")
            if before != after:
                return self._preview(page, session, base, form.values, sheet, before, after)
            problems = [("", NOTHING_CHANGES)]
        return self._form(
            page, session, closure, base, sheet, values=form.values, problems=problems, status=status
        )

    def _site(self, closure: Closure) -> LiveSite:
        site = self._view.sites.get(closure.site_id)
        if site is None:
            raise NotFound(f"There is no site with the id {closure.site_id!r} any more.")
        return site

    def _sheet(self, closure: Closure, *, begun: bool | None = None) -> Sheet:
        if begun is None:
            begun = closure.from_at <= self._view.clock.now()
        return closure_sheet(self._site(closure).facts.timezone, begun=begun)

    def _form(
        self,
        page: Page,
        session: Session,
        closure: Closure,
        base: Document,
        sheet: Sheet,
        *,
        values: Mapping[str, str] | None = None,
        problems: Problems = [],  # noqa: B006 - it is read
        status: int = 200,
        **more: Any,
    ) -> Response:
        return form_page(
            page,
            session,
            sheet,
            base,
            new=False,
            values=values,
            problems=problems,
            status=status,
            **self._common(closure),
            **more,
        )

    def _preview(
        self,
        page: Page,
        session: Session,
        base: Document,
        values: Mapping[str, str],
        sheet: Sheet,
        before: Closure,
        after: Closure,
    ) -> Response:
        site, begun = self._site(after), before.from_at <= self._view.clock.now()
        return preview_page(
            page,
            session,
            sheet,
            base,
            values,
            new=False,
            changes=sheet.changes(closure_document(before), closure_document(after)),
            notes=effects(page, self._view, self._answers, site, after, begun=begun),
            **self._common(before),
        )

    async def _stale(
        self,
        page: Page,
        session: Session,
        number: int,
        base: Document,
        values: Mapping[str, str],
        sheet: Sheet,
    ) -> Response:
        """Somebody else was faster: what they changed, and the form again with both changes in it."""
        closure = await self._editor.read(number, session.caller)
        now = closure_document(closure)
        mine = merged(now, sheet.patch("closure", base, values, new=False))
        return self._form(
            page,
            session,
            closure,
            now,
            sheet,
            values=sheet.values(mine, new=False),
            problems=[("", CHANGED_MEANWHILE)],
            status=HTTPStatus.PRECONDITION_FAILED,
            stale=changed_by_others(sheet, base, now, mine),
        )

    def _common(self, closure: Closure) -> dict[str, Any]:
        return {
            "title": f"Change the closure of {self._site(closure).facts.name}",
            "above": "",
            "path": f"{PATH}/{closure.closure_id}",
            "back": ("Closures", PATH),
        }
