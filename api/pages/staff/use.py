"""How spaces are used: /manage/use. By day, hour and weekday, by site or zone, and beside another period."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.chart import Chart, bar_chart
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.downloads import FORMATS, attachment
from api.pages.staff.gates import TIME_HEADS, USE_HEADS, gate_use, only_gates, read_gates
from api.pages.staff.month import FORMS, offered
from api.pages.staff.today import Figure
from api.pages.staff.use_query import COMPARED, Wanted, bucket_names, choices, group_name, read_wanted
from api.pages.staff.words import dwell, share
from api.reports import Reports
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.gate_reports import gate_report
from parking.db.report_scope import By, Question
from parking.db.reports import Measured, measure
from parking.db.use_reports import use_report
from parking.errors import InputError
from parking.exporting.formats import Format
from parking.reporting.period import Bucket
from parking.reporting.sums import Figures, figures
from parking.reporting.table import AnyReport

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


def add_use(desk: Desk, view: LiveView, reports: Reports) -> None:
    """Add the page and its download."""

    async def ask(question: Question) -> Measured:
        async with reports.reading() as connection:
            return await measure(connection, question)

    async def use(request: Request, page: Page, session: Session) -> Response:
        view.require_loaded()
        today = view.clock.now().date()
        common = choices(view, page, session.caller.sites) | {
            "query": request.url.query,
            "path": PATH,
            "months": offered(today),
            "month_forms": FORMS,
        }
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
        async with reports.reading() as connection:
            gates = await read_gates(connection, wanted, mine, wanted.bucket)
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
            gates=gate_use(view, page, gates, wanted),
            gate_heads=USE_HEADS,
            gate_time_heads=TIME_HEADS,
            only_gates=only_gates(view, wanted),
            unit={Bucket.HOUR: "hour", Bucket.DAY: "day", Bucket.WEEK: "week"}.get(wanted.bucket, "month"),
            words=wanted.words(page),
            **common,
        )

    def download(name: str, form: Format) -> None:
        async def answer(request: Request, page: Page, session: Session) -> Response:
            wanted = read_wanted(request.query_params, view.clock.now().date())
            if wanted.site:
                session.caller.require_site(wanted.site)
            mine = session.caller.sites
            async with reports.reading() as connection:
                found: AnyReport
                if name == "gates":
                    found = await gate_report(connection, wanted.question(wanted.bucket, By.SITE, mine))
                else:
                    found = await use_report(connection, wanted.question(wanted.bucket, wanted.by, mine))
            return await attachment(f"{name}-{wanted.first}-{wanted.last}", found, form)

        desk.add(f"/manage/{name}.{form}", answer, scope=Scope.REPORTS_READ)

    desk.add(PATH, use, scope=Scope.REPORTS_READ)
    for form in FORMATS:
        download("use", form)
        download("gates", form)


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
    return Cell(f"{100 * told.occupancy:.0f}", share(told.coverage), round(10 * told.occupancy))


def _headline(now: Figures, before: Figures | None, wanted: Wanted) -> list[Figure]:
    rows = (
        ("Occupied", share(now.occupancy), "occupancy"),
        ("Arrivals", f"{now.arrivals:,}", "arrivals"),
        ("Average stay", dwell(now.average_dwell_s), "average_dwell_s"),
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
    return [*found, Figure("Known", share(now.coverage), lost)]


def _change(now: float | None, before: float | None, wanted: Wanted, *, points: bool) -> str:
    """How a figure differs from the other period."""
    if wanted.compare not in ("before", "year"):
        return ""
    other = COMPARED[wanted.compare]
    if now is None or before is None or (not points and not before):
        return f"not known for {other}"
    if points:
        return f"{100 * (now - before):+.1f} points to {other} ({share(before)})"
    return f"{100 * (now / before - 1):+.0f} % to {other}"


def _chart(page: Page, found: Measured, wanted: Wanted) -> Chart:
    sums = found.sums.total()
    told = [figures(sums, 0, bucket) for bucket in range(len(found.edges) - 1)]
    words = f"Occupancy by {wanted.bucket}, {wanted.words(page)}; the table has the figures"
    return bar_chart(
        [one.occupancy for one in told], _names(page, found, wanted), words=words, most=1, percent=True
    )


def _names(page: Page, found: Measured, wanted: Wanted) -> list[str]:
    return bucket_names(page, found.edges[:-1], wanted.bucket)


def _times(page: Page, found: Measured, wanted: Wanted) -> list[Line]:
    sums = found.sums.total()
    return [
        _line(name, "", figures(sums, 0, bucket)) for bucket, name in enumerate(_names(page, found, wanted))
    ]


def _lines(view: LiveView, page: Page, found: Measured, wanted: Wanted) -> list[Line]:
    sums = found.sums.whole()
    lines = []
    for group, name in enumerate(found.groups):
        told = group_name(view, page, wanted.by, name)
        href = f"/sites/{name}" if wanted.by is By.SITE and name in view.sites else ""
        lines.append((figures(sums, group, 0), told, href))
    lines.sort(key=lambda line: (-(line[0].occupancy or -1), line[1]))
    return [_line(told, href, one) for one, told, href in lines]


def _line(name: str, href: str, told: Figures) -> Line:
    return Line(
        name,
        href,
        share(told.occupancy),
        share(told.coverage),
        f"{told.arrivals:,}",
        _turnover(told.turnover),
        dwell(told.average_dwell_s),
    )


def _turnover(per_hour: float | None) -> str:
    """Sessions for each bay and day of known time."""
    return "–" if per_hour is None else f"{24 * per_hour:.1f} a day"
