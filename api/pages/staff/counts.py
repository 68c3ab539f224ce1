"""Counts of gate-counted sites: /manage/counts, each with its drift, and a form for a count by hand."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fastapi import Request
from starlette.responses import Response

from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.forms import Form, local_time, typed, whole_number
from api.pages.staff.words import drift, moment, own_sites
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.counts import MAX_REASON, Count, Recorded, correct_by_hand, corrections, count_of
from parking.db.pool import Pool
from parking.errors import InputError
from parking.model import Counting

PATH = "/manage/counts"
MOST = 50
RULES = {
    "manual": "counted by hand",
    "registry": "how counting began",
    "below_zero": "the count was below zero",
    "above_capacity": "the count was above what fits in",
    "night_minimum": "the least of a night",
    "missed_exits": "exits that no camera saw",
    "closure": "closed and empty",
}


@dataclass(frozen=True, slots=True)
class CountLine:
    """One site's count in words."""

    id: str
    name: str
    inside: str
    free: str
    drift: str
    entries: int
    exits: int
    last: str


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One correction in words."""

    when: str
    what: str
    before: str
    after: int
    made_by: str
    reason: str


def add_counts(desk: Desk, view: LiveView, database: Pool) -> None:
    """Add the list, the page of a site and its form."""

    async def listed(request: Request, page: Page, session: Session) -> Response:
        lines = []
        async with database.transaction() as connection:
            for site in own_sites(view, session.caller.sites):
                if site.facts.counting is Counting.GATES:
                    count = await count_of(connection, site.facts.id)
                    last = await corrections(connection, site.facts.id, limit=1)
                    lines.append(_line(page, site.facts.name, site.facts.timezone, count, last))
        return staff_page(page, session, "staff/counts.html", lines=lines)

    async def one(request: Request, page: Page, session: Session, form: Form | None = None) -> Response:
        site = view.site(request.path_params["site_id"])
        session.caller.require_site(site.facts.id)
        async with database.transaction() as connection:
            count = await count_of(connection, site.facts.id)
            made = await corrections(connection, site.facts.id, limit=MOST)
        form = form or Form({"request": secrets.token_urlsafe(12)})
        return staff_page(
            page,
            session,
            "staff/count.html",
            status=422 if form.error else 200,
            form=form,
            most=MAX_REASON,
            line=_line(page, site.facts.name, site.facts.timezone, count, made[:1]),
            made=[_correction(page, site.facts.timezone, each) for each in made],
        )

    async def correct(request: Request, page: Page, session: Session) -> Response:
        site, form = view.site(request.path_params["site_id"]), await typed(request)
        session.caller.require_site(site.facts.id)
        try:
            async with database.transaction() as connection:
                await correct_by_hand(
                    connection,
                    site_id=site.facts.id,
                    vehicles=whole_number(form.get("vehicles"), name="vehicles"),
                    at=local_time(form.get("at"), site.facts.timezone, name="at"),
                    reason=form.get("reason"),
                    made_by=session.caller.name,
                    # The form's own: sent twice, it is one count.
                    request_id=form.get("request")[:100] or secrets.token_urlsafe(12),
                )
        except InputError as error:
            return await one(request, page, session, replace(form, error=error.message))
        return seen(f"{PATH}/{site.facts.id}")

    desk.add(PATH, listed, scope=Scope.COUNTS_WRITE)
    desk.add(PATH + "/{site_id}", one, scope=Scope.COUNTS_WRITE)
    desk.add(PATH + "/{site_id}", correct, scope=Scope.COUNTS_WRITE, methods=("POST",))


def _line(page: Page, name: str, timezone: str, count: Count, last: Iterable[Recorded]) -> CountLine:
    """A count with how far it may be off."""
    at = next(
        (f"{moment(page, one.at, timezone)} ({RULES.get(one.rule, one.rule)})" for one in last), "never"
    )
    free = (
        f"{count.free_min} to {count.free_max}" if count.free_min != count.free_max else str(count.free_min)
    )
    return CountLine(
        count.site_id,
        name,
        f"{count.inside:,} of {count.capacity:,}",
        free,
        drift(count.sd, count.missed_share),
        count.entries,
        count.exits,
        at,
    )


def _correction(page: Page, timezone: str, made: Recorded) -> CorrectionLine:
    return CorrectionLine(
        moment(page, made.at, timezone),
        RULES.get(made.rule, made.rule.replace("_", " ")),
        "–" if made.before is None else f"{made.before}",
        made.after,
        made.made_by,
        made.reason,
    )
