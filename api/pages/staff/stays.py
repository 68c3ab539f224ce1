"""How long vehicles stay, and which too long: /manage/stays, and both as CSV."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.chart import bar_chart
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.downloads import FORMATS, attachment
from api.pages.staff.gates import STAY_HEADS, gate_stays, only_gates, read_gates
from api.pages.staff.use_query import Wanted, choices, group_name, read_wanted
from api.pages.staff.words import dwell, moment, share
from api.reports import Reports
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.connect import Connection
from parking.db.report_scope import By, Question
from parking.db.use_reports import dwell_report, overstay_report
from parking.errors import InputError
from parking.exporting.formats import Format
from parking.reporting.dwell import DwellClass, Overstay
from parking.reporting.period import Bucket
from parking.reporting.table import AnyReport

PATH: Final = "/manage/stays"
LISTED: Final = 50
MOST_IN_CSV: Final = 10_000


@dataclass(frozen=True, slots=True)
class LongStay:
    """One stay beyond its limit, in words."""

    bay: str
    site: str
    began: str
    lasted: str
    over: str


def add_stays(desk: Desk, view: LiveView, reports: Reports) -> None:
    """Add the page and its downloads."""

    async def show(request: Request, page: Page, session: Session) -> Response:
        view.require_loaded()
        today, mine = view.clock.now().date(), session.caller.sites
        common: dict[str, Any] = choices(view, page, mine) | {"query": request.url.query, "path": PATH}
        try:
            wanted = read_wanted(request.query_params, today)
        except InputError as error:
            usual = read_wanted(QueryParams(), today)
            return staff_page(
                page, session, "staff/stays.html", status=422, error=error.message, wanted=usual, **common
            )
        _require(session, wanted)
        async with reports.reading() as connection:
            whole = await dwell_report(connection, wanted.question(Bucket.ALL, By.ALL, mine))
            lines = await dwell_report(connection, wanted.question(Bucket.ALL, wanted.by, mine))
            over = await overstay_report(
                connection, wanted.question(Bucket.ALL, wanted.by, mine), limit=LISTED
            )
            gates = await read_gates(connection, wanted, mine, Bucket.ALL)
        classes = whole.lines[0].classes if whole.lines else []
        return staff_page(
            page,
            session,
            "staff/stays.html",
            error="",
            wanted=wanted,
            words=wanted.words(page),
            classes=[(_class(one), one.sessions) for one in classes],
            chart=bar_chart(
                [float(one.sessions) for one in classes],
                [_class(one) for one in classes],
                words="Stays by their length; the table has the figures",
                percent=False,
            ),
            dwells=[
                (
                    group_name(view, page, wanted.by, line.name),
                    f"{line.sessions:,}",
                    dwell(line.quantiles.get("0.5")),
                    dwell(line.quantiles.get("0.9")),
                    dwell(line.longest_s),
                    share(line.coverage),
                )
                for line in lines.lines
            ],
            overs=[
                (
                    group_name(view, page, wanted.by, line.name),
                    f"{line.stays:,}",
                    f"{line.overstays:,}",
                    share(line.share),
                    f"{line.over_hours:,.0f}",
                    share(line.coverage),
                )
                for line in over.lines
            ],
            gates=gate_stays(view, gates),
            gate_heads=STAY_HEADS,
            only_gates=only_gates(view, wanted),
            longest=[_long(view, page, stay, over.as_of) for stay in over.longest],
            **common,
        )

    def download(
        name: str, make: Callable[[Connection, Question], Awaitable[AnyReport]], form: Format
    ) -> None:
        async def answer(request: Request, page: Page, session: Session) -> Response:
            wanted = read_wanted(request.query_params, view.clock.now().date())
            _require(session, wanted)
            async with reports.reading() as connection:
                found = await make(connection, wanted.question(Bucket.ALL, wanted.by, session.caller.sites))
            return await attachment(f"{name}-{wanted.first}-{wanted.last}", found, form)

        desk.add(f"/manage/{name}.{form}", answer, scope=Scope.REPORTS_READ)

    async def longest(connection: Connection, question: Question) -> AnyReport:
        return await overstay_report(connection, question, limit=MOST_IN_CSV)

    desk.add(PATH, show, scope=Scope.REPORTS_READ)
    for form in FORMATS:
        download("dwell", dwell_report, form)
        download("overstays", longest, form)


def _require(session: Session, wanted: Wanted) -> None:
    if wanted.site:
        session.caller.require_site(wanted.site)


def _class(one: DwellClass) -> str:
    begin, end = _minutes(one.from_min), one.until_min
    if end is None:
        return f"over {begin}"
    return f"under {_minutes(end)}" if one.from_min == 0 else f"{begin} to {_minutes(end)}"


def _minutes(minutes: int) -> str:
    if minutes % 1440 == 0 and minutes:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes % 60 == 0 and minutes else f"{minutes} min"


def _long(view: LiveView, page: Page, stay: Overstay, as_of: datetime) -> LongStay:
    site = view.sites.get(stay.site)
    name, zone = (stay.site, "Europe/London") if site is None else (site.facts.name, site.facts.timezone)
    at_least = "at least " if stay.at_least else ""
    lasted = f"{at_least}{dwell(stay.dwell_s)} of {dwell(stay.limit_s)}"
    if goes_on := stay.goes_on(as_of):
        lasted += f", {goes_on}"
    return LongStay(stay.bay, name, moment(page, stay.started_at, zone), lasted, dwell(stay.over_s))
