"""Closing sites: /manage/closures. What is set here counts at once, for drivers, signs and open data."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from starlette.responses import Response

from api.closure_editor import ClosureEditor
from api.closures import closure_document, wished
from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.closure_editing import PATH, add_closure_editing
from api.pages.staff.closure_form import UNENDED, closure_sheet, effects, problems_of
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.forms import Form, typed
from api.pages.staff.registry.forms import Problems, preview_page
from api.pages.staff.words import moment, own_sites
from api.prepared import Answers
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.opening import closures
from parking.db.pool import Pool
from parking.errors import InputError, NotFound, RegistryError

_DONE = {
    "closed": "The closure was set.",
    "changed": "The closure was changed.",
    "ended": "The closure was ended.",
}


@dataclass(frozen=True, slots=True)
class ClosureLine:
    """One closure in words; `now`: it holds now."""

    number: int
    site: str
    name: str
    begins: str
    ends: str
    reason: str
    made_by: str
    now: bool


def add_closures(desk: Desk, view: LiveView, answers: Answers, database: Pool) -> None:
    """Add the page and its forms."""
    editor = ClosureEditor(database)

    async def show(
        request: Request,
        page: Page,
        session: Session,
        form: Form | None = None,
        problems: Problems = [],  # noqa: B006 - it is read
    ) -> Response:
        form = form or Form({"site": request.query_params.get("site", "")})
        now = view.clock.now()
        async with database.transaction() as connection:
            found = await closures(connection, from_at=now)
        names = {site.facts.id: site.facts for site in own_sites(view, session.caller.sites)}
        return staff_page(
            page,
            session,
            "staff/closures.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
            fields=list(closure_sheet("UTC").fields({}, new=True)),
            values=form.values,
            problems=problems,
            wrong={path: text for path, text in reversed(problems)},
            done=_DONE.get(request.query_params.get("done", ""), ""),
            sites=[(facts.id, facts.name) for facts in names.values()],
            closures=[
                ClosureLine(
                    one.closure_id,
                    one.site_id,
                    names[one.site_id].name,
                    moment(page, one.from_at, names[one.site_id].timezone),
                    UNENDED
                    if one.until_at is None
                    else moment(page, one.until_at, names[one.site_id].timezone),
                    one.reason,
                    one.made_by,
                    one.from_at <= now,
                )
                for one in found
                if one.site_id in names
            ],
        )

    async def close(request: Request, page: Page, session: Session) -> Response:
        form = await typed(request)
        do = form.get("do")
        site = view.sites.get(form.get("site"))
        if site is None:
            return await show(request, page, session, form, [("site", "Site: choose one")])
        if do == "back":
            return await show(request, page, session, form)
        zone = site.facts.timezone
        sheet = closure_sheet(zone)
        try:
            wish = wished(sheet.patch("closure", {}, form.values, new=True))
            made = await editor.make(wish, session.caller, dry_run=do != "save")
        except (RegistryError, InputError) as error:
            problems = problems_of(error, sheet, {}, page, zone, new=True)
            return await show(request, page, session, form, problems)
        except NotFound as error:
            return await show(request, page, session, form, [("site", error.message)])
        if do == "save":
            return seen(f"{PATH}?done=closed")
        told = {**closure_document(made), "site": site.facts.name}
        return preview_page(
            page,
            session,
            sheet,
            {},
            form.values,
            new=True,
            changes=[(field.label, "", field.said(told)) for field in sheet.fields({}, new=True)],
            notes=effects(page, view, answers, site, made),
            title=f"Close {site.facts.name}",
            above="",
            path=PATH,
            back=("Closures", PATH),
            save="Close the site",
        )

    async def end(request: Request, page: Page, session: Session) -> Response:
        await editor.end(request.path_params["closure_id"], session.caller)
        return seen(f"{PATH}?done=ended")

    desk.add(PATH, show, scope=Scope.REGISTRY_WRITE)
    desk.add(PATH, close, scope=Scope.REGISTRY_WRITE, methods=("POST",))
    desk.add(PATH + "/{closure_id:int}/end", end, scope=Scope.REGISTRY_WRITE, methods=("POST",))
    add_closure_editing(desk, view, answers, editor)
