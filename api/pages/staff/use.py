"""How spaces are used: /manage/use. By day, hour and weekday, by site or zone, and beside another period."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from babel.dates import format_date
from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.live import LiveView
from api.pages.place import category_name
from api.pages.site import Page
from api.pages.staff.chart import Chart, bar_chart
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.today import Figure
from api.pages.staff.use_query import BY, COMPARED, Wanted, read_wanted
from api.pages.staff.words import own_sites
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.reports import By, Measured, Question, measure
from parking.db.watchdog import answering_within
from parking.errors import InputError
from parking.health.maintenance import plain_cell
from parking.reporting.period import Bucket
from parking.reporting.sums import Figures, figures

PATH: Final = "/manage/use"
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday: its occupancy and coverage in words, and how dark it is (0 to 10)."""

    said: str
    known: str
    tone: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: a site, a zone, a kind or a time."""

    name: str
    href: str
    occupancy: str
    coverage: str
    arrivals: str
    turnover: str
    dwell: str


def add_use(desk: Desk, view: LiveView, database_url: str) -> None:
    """Add the page and its download."""

    async def ask(question: Question) -> Measured:
        async with connect(database_url, name="parking reports", autocommit=True) as connection:
            with answering_within(connection, _WITHIN_S):
                return await measure(connection, question)

    async def use(request: Request, page: Page, session: Session) -> Response:
        view.require_loaded()
        sites = own_sites(view, session.caller.sites)
        zones = {zone for site in sites if (zone := site.facts.details.zone)}
        common: dict[str, Any] = {
            "sites": [(site.facts.id, site.facts.name) for site in sites],
            "zones": [(zone, zone) for zone in sorted(zones)],
            "categories": [(name, category_name(page, name)) for name in view.bays.categories],
            "bys": [(by.value, words) for by, words in BY.items()],
            "compares": list(COMPARED.items()),
            "query": request.url.query,
        }
        today = view.clock.now().date()
        try:
            wanted = read_wanted(request.query_params, today)
        except InputError as error:
            usual = read_wanted(QueryParams(), today)
            return staff_page(
                page, session, "staff/use.html", status=422, error=error.message, wanted=usual, **common
            )
        if wanted.site:
            session.caller.require_site(wanted.site)
        mine = session.caller.sites
        lines = await ask(wanted.question(wanted.bucket, wanted.by, mine))
        hours = await ask(wanted.question(Bucket.HOUR, By.ALL, mine))
        before = wanted.compared(mine)
        other = None if before is None else (await ask(before)).sums.total()
        whole = figures(lines.sums.total().whole(), 0, 0)
        return staff_page(
            page,
            session,
            "staff/use.html",
            error="",
            wanted=wanted,
            figures=_headline(whole, None if other is None else figures(other, 0, 0), wanted),
            chart=_chart(page, lines, wanted),
            times=_times(page, lines, wanted),
            heat=heat_map(hours),
            days=DAYS,
            lines=_lines(view, page, lines, wanted),
            unit={Bucket.HOUR: "hour", Bucket.DAY: "day", Bucket.WEEK: "week"}.get(wanted.bucket, "month"),
            words=f"{_date(page, wanted.first)} to {_date(page, wanted.last)}",
            **common,
        )

    async def download(request: Request, page: Page, session: Session) -> Response:
        wanted = read_wanted(request.query_params, view.clock.now().date())
        if wanted.site:
            session.caller.require_site(wanted.site)
        found = await ask(wanted.question(wanted.bucket, wanted.by, session.caller.sites))
        name = f"use-{wanted.first}-{wanted.last}.csv"
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(as_csv(found), media_type="text/csv", headers=headers)

    desk.add(PATH, use, scope=Scope.REPORTS_READ)
    desk.add(PATH + ".csv", download, scope=Scope.REPORTS_READ)


def as_csv(found: Measured) -> str:
    """One line a group and bucket, with every figure."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = list(Figures.__dataclass_fields__)
    writer.writerow(["group", "from", "until", *names])
    for group, name in enumerate(found.groups):
        for bucket in range(len(found.edges) - 1):
            told = figures(found.sums, group, bucket)
            edges = (found.edges[bucket].isoformat(), found.edges[bucket + 1].isoformat())
            writer.writerow([plain_cell(name), *edges, *(getattr(told, one) for one in names)])
    return text.getvalue()


def heat_map(hours: Measured) -> list[tuple[str, list[Cell]]]:
    """A row for each hour of the day with a cell for each weekday, of all groups together."""
    places = np.array([24 * at.weekday() + at.hour for at in hours.edges[:-1]], dtype=np.int64)
    sums = hours.sums.total().over(places, 7 * 24)
    return [
        (f"{hour:02}", [_cell(figures(sums, 0, 24 * weekday + hour)) for weekday in range(7)])
        for hour in range(24)
    ]


def _cell(told: Figures) -> Cell:
    if told.occupancy is None:
        return Cell("–", "nothing known", -1)
    return Cell(f"{100 * told.occupancy:.0f}", _share(told.coverage), round(10 * told.occupancy))


def _headline(now: Figures, before: Figures | None, wanted: Wanted) -> list[Figure]:
    rows = (
        ("Occupied", _share(now.occupancy), "occupancy"),
        ("Arrivals", f"{now.arrivals:,}", "arrivals"),
        ("Average stay", _dwell(now.average_dwell_s), "average_dwell_s"),
        ("Turnover", _turnover(now.turnover), "turnover"),
    )
    found = [
        Figure(
            name,
            said,
            _change(getattr(now, column), getattr(before, column, None), wanted, points=name == "Occupied"),
        )
        for name, said, column in rows
    ]
    lost = f"{now.unknown_hours:,.0f} of {now.bay_hours:,.0f} bay-hours not known"
    return [*found, Figure("Known", _share(now.coverage), lost)]


def _change(now: float | None, before: float | None, wanted: Wanted, *, points: bool) -> str:
    """How a figure differs from the other period."""
    if wanted.compare not in ("before", "year"):
        return ""
    other = COMPARED[wanted.compare]
    if now is None or before is None or (not points and not before):
        return f"not known for {other}"
    if points:
        return f"{100 * (now - before):+.1f} points to {other} ({_share(before)})"
    return f"{100 * (now / before - 1):+.0f} % to {other}"


def _chart(page: Page, found: Measured, wanted: Wanted) -> Chart:
    sums = found.sums.total()
    told = [figures(sums, 0, bucket) for bucket in range(len(found.edges) - 1)]
    period = f"{_date(page, wanted.first)} to {_date(page, wanted.last)}"
    words = f"Occupancy by {wanted.bucket}, {period}; the table has the figures"
    return bar_chart(
        [one.occupancy for one in told], _names(page, found, wanted), words=words, most=1, percent=True
    )


def _names(page: Page, found: Measured, wanted: Wanted) -> list[str]:
    if wanted.bucket is Bucket.HOUR:
        return [f"{at:%H:%M}" for at in found.edges[:-1]]
    form = "MMM y" if wanted.bucket is Bucket.MONTH else "d MMM"
    return [format_date(at.date(), form, locale=page.language.locale) for at in found.edges[:-1]]


def _times(page: Page, found: Measured, wanted: Wanted) -> list[Line]:
    sums = found.sums.total()
    return [
        _line(name, "", figures(sums, 0, bucket)) for bucket, name in enumerate(_names(page, found, wanted))
    ]


def _lines(view: LiveView, page: Page, found: Measured, wanted: Wanted) -> list[Line]:
    sums = found.sums.whole()
    lines = []
    for group, name in enumerate(found.groups):
        told, href = name, ""
        if wanted.by is By.SITE and name in view.sites:
            told, href = view.sites[name].facts.name, f"/sites/{name}"
        elif wanted.by is By.CATEGORY:
            told = category_name(page, name)
        lines.append((figures(sums, group, 0), told or "no zone", href))
    lines.sort(key=lambda line: (-(line[0].occupancy or -1), line[1]))
    return [_line(told, href, one) for one, told, href in lines]


def _line(name: str, href: str, told: Figures) -> Line:
    return Line(
        name,
        href,
        _share(told.occupancy),
        _share(told.coverage),
        f"{told.arrivals:,}",
        _turnover(told.turnover),
        _dwell(told.average_dwell_s),
    )


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _turnover(per_hour: float | None) -> str:
    """Sessions for each bay and day of known time."""
    return "–" if per_hour is None else f"{24 * per_hour:.1f} a day"


def _dwell(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _date(page: Page, day: date) -> str:
    return format_date(day, "d MMM y", locale=page.language.locale)
