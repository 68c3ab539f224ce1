"""Today at a glance: /manage/today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from fastapi import Request
from starlette.responses import Response

from api.bays import OCCUPIED
from api.live import LiveSite, LiveView
from api.maintenance import MaintenanceReader
from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.words import counted, duration, own_sites, percent
from api.pages.words import clock
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.today import arrivals_today
from parking.model import SiteStatus

NEARLY = 0.9
"""From this share of its known spaces on a site is nearly full."""
MOST = 50
"""Rows of a table; how many there are beyond that is said."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is, its value, what stands behind it, and where one reads on."""

    name: str
    value: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Nearly:
    """A site that is nearly full."""

    id: str
    name: str
    free: int
    occupied: str
    known: str


@dataclass(frozen=True, slots=True)
class Overstay:
    """A bay that is occupied for longer than is allowed."""

    bay: str
    site: str
    name: str
    since: str
    allowed: str
    over: timedelta

    @property
    def by(self) -> str:
        """By how much, in words."""
        return duration(self.over)


def add_today(desk: Desk, view: LiveView, database: Pool, maintenance: MaintenanceReader) -> None:
    """Add the page."""

    async def today(request: Request, page: Page, session: Session) -> Response:
        view.require_loaded()
        mine = own_sites(view, session.caller.sites)
        zones = sorted({zone for site in mine if (zone := site.facts.details.zone)})
        zone = request.query_params.get("zone", "")
        chosen = [site for site in mine if zone in ("", site.facts.details.zone)]
        async with database.transaction() as connection:
            arrivals = await arrivals_today(connection)
        visits = None
        if session.caller.may(Scope.MAINTENANCE_READ):
            ids = {site.facts.id for site in chosen}
            visits = [visit for visit in (await maintenance.read()).visits if visit.site in ids]
        now = view.clock.now()
        over = overstays(view, chosen, page, now)
        nearly = nearly_full(view, chosen, now)
        figures = _figures(view, chosen, now, sum(arrivals.get(site.facts.id, 0) for site in chosen))
        figures.append(Figure("Overstays now", f"{len(over):,}", "longer than the bay allows", "#overstays"))
        figures.append(Figure("Nearly full", f"{len(nearly):,}", "sites, 90 % or more taken", "#nearly"))
        if visits is not None:
            bays = sum(visit.bays for visit in visits)
            note = f"at {counted(len(visits), 'site', 'sites')}"
            figures.append(Figure("Sensors to visit", f"{bays:,}", note, "/manage/maintenance"))
        oldest = min((view.as_of(site) for site in chosen), default=now)
        return staff_page(
            page,
            session,
            "staff/today.html",
            zones=[(one, one) for one in zones],
            zone=zone,
            figures=figures,
            nearly=nearly[:MOST],
            nearly_more=len(nearly) - MOST,
            overstays=over[:MOST],
            overstays_more=len(over) - MOST,
            as_of=clock(page, oldest, "Europe/London", now),
        )

    desk.add("/manage/today", today, scope=Scope.REPORTS_READ)


def _figures(view: LiveView, sites: Sequence[LiveSite], now: datetime, arrivals: int) -> list[Figure]:
    fresh = [site.snapshot for site in sites if not view.is_stale(site, now)]
    capacity = sum(site.snapshot.capacity for site in sites)
    occupied, vacant = sum(one.occupied for one in fresh), sum(one.vacant for one in fresh)
    known = occupied + vacant
    closed = sum(site.snapshot.status is SiteStatus.CLOSED for site in sites)
    return [
        Figure("Occupied", percent(occupied, known), f"{occupied:,} of {known:,} spaces that are known"),
        Figure("Free", f"{vacant:,}", "spaces known to be free"),
        Figure("Known", percent(known, capacity), f"{capacity - known:,} of {capacity:,} spaces not known"),
        Figure("Arrivals today", f"{arrivals:,}", "seen since midnight"),
        Figure("Sites", f"{len(sites):,}", f"{closed} closed now" if closed else "none closed"),
    ]


def nearly_full(view: LiveView, sites: Sequence[LiveSite], now: datetime) -> list[Nearly]:
    """Open sites with hardly a space that is known to be free, the fullest first."""
    found = []
    for site in sites:
        number = site.snapshot
        known = number.occupied + number.vacant
        if number.status is SiteStatus.CLOSED or view.is_stale(site, now) or not known:
            continue
        if number.occupied >= NEARLY * known:
            line = Nearly(
                site.facts.id,
                site.facts.name,
                number.vacant,
                percent(number.occupied, known),
                percent(known, number.capacity),
            )
            found.append((number.occupied / known, known, line))
    return [line for _, _, line in sorted(found, key=lambda one: (-one[0], -one[1], one[2].name))]


def overstays(view: LiveView, sites: Sequence[LiveSite], page: Page, now: datetime) -> list[Overstay]:
    """Bays that are occupied for longer than the bay, else its site, allows; the longest first."""
    found = []
    for site in sites:
        if view.is_stale(site, now) or not site.bays.rows:
            continue
        rows = slice(site.bays.rows.start, site.bays.rows.stop)
        limits = view.bays.max_stay_min[rows].copy()
        limits[limits == 0] = site.facts.details.max_stay_min or 0
        here = np.flatnonzero((view.bays.state[rows] == OCCUPIED) & (limits > 0))
        for place in here.tolist():
            row = rows.start + place
            since = view.bays.now(row).since
            allowed = timedelta(minutes=int(limits[place]))
            if since is not None and now - since > allowed:
                began = clock(page, since, site.facts.timezone, now)
                over = now - since - allowed
                found.append(
                    Overstay(
                        view.bays.ids[row], site.facts.id, site.facts.name, began, duration(allowed), over
                    )
                )
    return sorted(found, key=lambda one: (-one.over, one.bay))
