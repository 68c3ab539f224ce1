"""The report of one month, from the page of use: /manage/use/month, as a PDF, a page or a workbook."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.monthly import monthly_answer
from api.pages.site import Page
from api.pages.staff.desk import Desk
from api.pages.staff.downloads import attachment
from api.problems import Forbidden
from api.reports import Reports
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.connect import Connection
from parking.db.monthly_report import monthly_report
from parking.db.report_scope import By, Question
from parking.db.use_reports import use_report
from parking.errors import InputError
from parking.exporting.formats import Format
from parking.reporting.monthly import Month, Monthly, parse_month
from parking.reporting.period import Bucket, Period

PATH: Final = "/manage/use/month"
OFFERED: Final = 24
FORMS: Final = (("pdf", "PDF"), ("html", "Page"), ("xlsx", "XLSX"))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which sites, zone and category; None: all of them."""

    sites: tuple[str, ...] | None
    zones: tuple[str, ...] | None
    categories: tuple[str, ...] | None


def add_month(desk: Desk, reports: Reports) -> None:
    """Add the report of a month."""

    async def month(request: Request, page: Page, session: Session) -> Response:
        asked = parse_month(request.query_params.get("month", ""))
        form, chosen = request.query_params.get("format", "pdf"), _chosen(request, session)
        if form not in dict(FORMS):
            raise InputError(f"format {form[:20]!r}: it is one of {', '.join(dict(FORMS))}")
        async with reports.reading() as connection:
            if form == "xlsx":
                found = await use_report(connection, _days(asked, chosen))
                return await attachment(f"parking-{asked.first:%Y-%m}", found, Format.XLSX)
            return await monthly_answer(await _monthly(connection, asked, chosen), form)

    desk.add(PATH, month, scope=Scope.REPORTS_READ)


def offered(today: date) -> list[tuple[str, str]]:
    """The months that one can choose, the last whole one first; at the end this one, so far."""
    months = [Month(today.year, today.month)]
    while len(months) <= OFFERED:
        before = months[-1].before
        months.append(Month(before.year, before.month))
    this = months.pop(0)
    named = [(f"{month.first:%Y-%m}", month.words) for month in months]
    return [*named, (f"{this.first:%Y-%m}", f"{this.words}, so far")]


async def _monthly(connection: Connection, month: Month, chosen: _Chosen) -> Monthly:
    return await monthly_report(
        connection,
        month,
        sites=chosen.sites or (),
        zones=chosen.zones or (),
        categories=chosen.categories or (),
    )


def _days(month: Month, chosen: _Chosen) -> Question:
    first, after = (datetime.combine(day, time()) for day in (month.first, month.after))
    return Question(
        period=Period(first, after, Bucket.DAY),
        by=By.SITE,
        sites=chosen.sites,
        zones=chosen.zones,
        categories=chosen.categories,
    )


def _chosen(request: Request, session: Session) -> _Chosen:
    site, zone, category = (request.query_params.get(name, "")[:100] for name in ("site", "zone", "category"))
    if site:
        session.caller.require_site(site)
    mine = session.caller.sites
    if mine is not None and not mine:
        raise Forbidden("This key is bound to no site.")
    sites = (site,) if site else None if mine is None else tuple(sorted(mine))
    return _Chosen(sites, (zone,) if zone else None, (category,) if category else None)
