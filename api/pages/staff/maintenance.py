"""The maintenance list as a page: /manage/maintenance, and the same as CSV."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.live import LiveView
from api.maintenance import MaintenanceReader
from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.notes import add_notes, note_lines
from api.pages.staff.words import moment, own_sites
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.health.maintenance import Fault, Maintenance, SilentSign, as_csv, plan_visits
from parking.health.model import Rule
from parking.notes import Note

TONES = {"high": "red", "medium": "orange", "low": "grey"}
MOST_VISITS = 100
"""Visits on the page; the rest is in the CSV."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which faults are listed; empty is all."""

    site: str = ""
    severity: str = ""
    rule: str = ""

    def of(self, faults: Iterable[Fault], sites: frozenset[str] | None) -> Iterator[Fault]:
        """Those that fit, at sites that one may see."""
        for fault in faults:
            if sites is not None and fault.site not in sites:
                continue
            if (
                self.site in ("", fault.site)
                and self.severity in ("", fault.severity)
                and self.rule in ("", fault.rule.value)
            ):
                yield fault

    def signs(self, signs: Iterable[SilentSign], sites: frozenset[str] | None) -> Iterator[SilentSign]:
        """Signs that have gone silent, likewise; they have no rule, and are of high severity."""
        for sign in signs:
            mine = sites is None or sign.site in sites
            if mine and self.site in ("", sign.site) and self.severity in ("", "high") and not self.rule:
                yield sign

    def notes(self, notes: Iterable[Note], sites: frozenset[str] | None) -> Iterator[Note]:
        """Drivers' notes, likewise; they have neither rule nor severity."""
        for note in notes:
            mine = sites is None or note.site in sites
            if mine and self.site in ("", note.site) and not self.severity and not self.rule:
                yield note


def add_maintenance(desk: Desk, view: LiveView, reader: MaintenanceReader, database: Pool) -> None:
    """Add the page and its download."""

    async def chosen(request: Request, session: Session) -> tuple[Filters, Maintenance]:
        filters = read_filters(request.query_params)
        found = await reader.read()
        faults = [*(fault for visit in found.visits for fault in visit.faults), *found.at_desk]
        planned = plan_visits(filters.of(faults, session.caller.sites), as_of=found.as_of)
        sites = session.caller.sites
        signs, notes = filters.signs(found.signs, sites), filters.notes(found.notes, sites)
        return filters, replace(planned, signs=tuple(signs), notes=tuple(notes))

    async def maintenance(request: Request, page: Page, session: Session) -> Response:
        filters, found = await chosen(request, session)
        notes = await note_lines(database, page, site=filters.site, sites=session.caller.sites)
        return staff_page(
            page,
            session,
            "staff/maintenance.html",
            filters=filters,
            query=request.url.query,
            sites=[(site.facts.id, site.facts.name) for site in own_sites(view, session.caller.sites)],
            rules=[(rule.value, rule_words(rule)) for rule in Rule],
            as_of=found.as_of and moment(page, found.as_of),
            visits=found.visits[:MOST_VISITS],
            more=len(found.visits) - MOST_VISITS,
            signs=found.signs,
            at_desk=found.at_desk[:MOST_VISITS],
            navigation=lambda visit: page.navigation((visit.lon, visit.lat)),
            notes=notes,
            may_close=session.caller.may(Scope.MAINTENANCE_WRITE),
            tones=TONES,
            words=rule_words,
            when=lambda at: moment(page, at),
        )

    async def download(request: Request, page: Page, session: Session) -> Response:
        _, found = await chosen(request, session)
        return Response(
            as_csv(found),
            media_type="text/csv",
            headers={
                "Cache-Control": "no-store",
                "Content-Disposition": 'attachment; filename="maintenance.csv"',
            },
        )

    desk.add("/manage/maintenance", maintenance, scope=Scope.MAINTENANCE_READ)
    add_notes(desk, database)
    desk.add("/manage/maintenance.csv", download, scope=Scope.MAINTENANCE_READ)


def read_filters(query: QueryParams) -> Filters:
    """Filters from the URL."""
    return Filters(**{name: query.get(name, "")[:100] for name in ("site", "severity", "rule")})


def rule_words(rule: Rule) -> str:
    """The name of a rule for people."""
    return rule.value.replace("_", " ").capitalize()
