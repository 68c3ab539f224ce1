"""Closing sites: /manage/closures. What is set here counts at once, for drivers, signs and open data."""

from dataclasses import dataclass, replace

from fastapi import Request
from starlette.responses import Response

from api.closures import closure_body
from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.forms import Form, local_time, typed
from api.pages.staff.words import moment, own_sites
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.audit import record
from parking.db.opening import MAX_REASON, close_site, closures, end_closure
from parking.db.pool import Pool
from parking.errors import InputError, NotFound

PATH = "/manage/closures"
_DONE = {"closed": "The closure was set.", "ended": "The closure was ended."}


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


def add_closures(desk: Desk, view: LiveView, database: Pool) -> None:
    """Add the page and its forms."""

    async def show(request: Request, page: Page, session: Session, form: Form | None = None) -> Response:
        form = form or Form({"site": request.query_params.get("site", "")})
        now = view.clock.now()
        async with database.transaction() as connection:
            found = await closures(connection, from_at=now)
        names = {site.facts.id: site.facts for site in own_sites(view, session.caller.sites)}
        return staff_page(
            page,
            session,
            "staff/closures.html",
            status=422 if form.error else 200,
            form=form,
            done=_DONE.get(request.query_params.get("done", ""), ""),
            most=MAX_REASON,
            sites=[(facts.id, facts.name) for facts in names.values()],
            closures=[
                ClosureLine(
                    one.closure_id,
                    one.site_id,
                    names[one.site_id].name,
                    moment(page, one.from_at, names[one.site_id].timezone),
                    "until further notice"
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
        try:
            await _close(session, form)
        except (InputError, NotFound) as error:
            return await show(request, page, session, replace(form, error=error.message))
        return seen(f"{PATH}?done=closed")

    async def _close(session: Session, form: Form) -> None:
        site = view.sites.get(form.get("site"))
        if site is None:
            raise InputError("site: choose one")
        session.caller.require_site(site.facts.id)
        zone = site.facts.timezone
        async with database.transaction() as connection:
            made = await close_site(
                connection,
                site_id=site.facts.id,
                from_at=local_time(form.get("from"), zone, name="from"),
                until_at=local_time(form.get("until"), zone, name="until"),
                reason=form.get("reason"),
                made_by=session.caller.name,
            )
            await record(
                connection,
                actor=session.caller.name,
                action="closure.create",
                subject=f"site/{made.site_id}",
                before=None,
                after=closure_body(made),
            )

    async def end(request: Request, page: Page, session: Session) -> Response:
        number = request.path_params["closure_id"]
        async with database.transaction() as connection:
            was, left = await end_closure(connection, number)
            session.caller.require_site(was.site_id)
            await record(
                connection,
                actor=session.caller.name,
                action="closure.end",
                subject=f"site/{was.site_id}",
                before=closure_body(was),
                after=None if left is None else closure_body(left),
            )
        return seen(f"{PATH}?done=ended")

    desk.add(PATH, show, scope=Scope.REGISTRY_WRITE)
    desk.add(PATH, close, scope=Scope.REGISTRY_WRITE, methods=("POST",))
    desk.add(PATH + "/{closure_id:int}/end", end, scope=Scope.REGISTRY_WRITE, methods=("POST",))
