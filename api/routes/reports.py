"""How spaces are used, for managers: /v1/reports/{utilisation,profile,comparison,dwell,overstays,gates}."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.monthly import monthly_answer
from api.problems import Forbidden
from api.reports import Reports
from api.routes.signs import prefers
from parking.access_keys import Scope
from parking.db.connect import Connection
from parking.db.gate_reports import gate_report
from parking.db.monthly_report import monthly_report
from parking.db.report_request import MOST_NAMES, parse_question
from parking.db.report_scope import Question
from parking.db.use_reports import (
    comparison_report,
    dwell_report,
    overstay_report,
    profile_report,
    use_report,
)
from parking.reporting.monthly import parse_month
from parking.reporting.period import Bucket, parse_period
from parking.reporting.table import AnyReport, as_csv, table_of

Reader = Annotated[Caller, Depends(needs(Scope.REPORTS_READ))]
Accept = Annotated[str, Header(include_in_schema=False)]
Format = Annotated[Literal["json", "csv"] | None, Query(description="instead of the Accept header")]
_WHEN = (
    "a date, or a local time at a quarter hour, of each site's own time zone: 2026-03-01, 2026-03-01T07:15"
)
Begin = Annotated[str, Query(alias="from", max_length=40, description=_WHEN)]
End = Annotated[str, Query(alias="until", max_length=40, description="likewise; itself not included")]
Into = Annotated[str, Query(max_length=20, description=f"one of {', '.join(Bucket)}")]
By = Annotated[str, Query(max_length=20, description="what a line is: all, site, zone, category or bay")]


def _named(what: str) -> Any:
    return Query(max_length=MOST_NAMES, description=f"only {what}; may be repeated")


Site = Annotated[list[str], _named("this site")]
Zone = Annotated[list[str], _named("the sites of this zone of the registry")]
Category = Annotated[list[str], _named("bays of this category")]
Bay = Annotated[list[str], _named("this bay")]


def question(
    caller: Reader,
    begin: Begin,
    end: End,
    bucket: Into = "day",
    by: By = "site",
    site: Site = [],  # noqa: B006 - FastAPI copies it
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
) -> Question:
    """What is asked, of the sites that the caller may see. Raises InputError and Forbidden."""
    asked = parse_question(
        from_text=begin,
        until_text=end,
        bucket=bucket,
        by=by,
        sites=site,
        zones=zone,
        categories=category,
        bays=bay,
    )
    return replace(asked, sites=_visible(caller, asked.sites or ()))


Asked = Annotated[Question, Depends(question)]
Make = Callable[[Connection], Awaitable[AnyReport]]


def reports_router(reports: Reports) -> APIRouter:
    """The routes of the reports on use. They hold nothing of a vehicle but how long one stood in a bay."""
    router = APIRouter(tags=["Reports"])

    async def answer(make: Make, accept: str, format: str | None) -> Response:
        async with reports.reading() as connection:
            found = await make(connection)
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        if format == "csv" or (format is None and prefers(accept, "text/csv")):
            return Response(as_csv(table_of(found)), media_type="text/csv", headers=headers)
        return Response(encode(found), media_type="application/json", headers=headers)

    @router.get("/v1/reports/utilisation", responses=_documented("Utilisation"), summary="How bays were used")
    async def utilisation(asked: Asked, accept: Accept = "*/*", format: Format = None) -> Response:
        """Occupancy, arrivals, departures, turnover and dwell in each bucket, with coverage and the peak."""
        return await answer(lambda connection: use_report(connection, asked), accept, format)

    @router.get("/v1/reports/profile", responses=_documented("Profile"), summary="The hours of the week")
    async def profile(asked: Asked, accept: Accept = "*/*", format: Format = None) -> Response:
        """The same for each hour of the week, by the clock on the wall; `bucket` says nothing here."""
        return await answer(lambda connection: profile_report(connection, asked), accept, format)

    @router.get(
        "/v1/reports/comparison", responses=_documented("Comparison"), summary="Two periods side by side"
    )
    async def comparison(
        asked: Asked,
        with_from: Annotated[str, Query(max_length=40, description="the second period begins")],
        with_until: Annotated[str, Query(max_length=40, description="and ends, itself not included")],
        accept: Accept = "*/*",
        format: Format = None,
    ) -> Response:
        """The figures of both periods as a whole, and how the second differs from the first."""
        other = parse_period(with_from, with_until, Bucket.ALL)
        return await answer(lambda connection: comparison_report(connection, asked, other), accept, format)

    @router.get("/v1/reports/dwell", responses=_documented("Dwell"), summary="How long vehicles stay")
    async def dwell(asked: Asked, accept: Accept = "*/*", format: Format = None) -> Response:
        """Quantiles and distribution of the sessions that ended in the period; `bucket` says nothing here."""
        return await answer(lambda connection: dwell_report(connection, asked), accept, format)

    @router.get("/v1/reports/overstays", responses=_documented("Overstays"), summary="Who stayed too long")
    async def overstays(
        asked: Asked,
        limit: Annotated[int, Query(ge=0, le=10_000, description="most stays listed one by one")] = 100,
        accept: Accept = "*/*",
        format: Format = None,
    ) -> Response:
        """Stays against max stay: how many, and the longest; as CSV only these."""
        return await answer(
            lambda connection: overstay_report(connection, asked, limit=limit), accept, format
        )

    @router.get("/v1/reports/gates", responses=_documented("Gates"), summary="Sites counted at gates")
    async def gates(asked: Asked, accept: Accept = "*/*", format: Format = None) -> Response:
        """Counts, arrivals, departures, dwell of paired vehicles, corrections and drift in each bucket."""
        return await answer(lambda connection: gate_report(connection, asked), accept, format)

    @router.get(
        "/v1/reports/monthly", responses=_monthly_documented(), summary="One month as a page, a PDF or JSON"
    )
    async def monthly(
        caller: Reader,
        month: Annotated[str, Query(max_length=40, description="such as 2026-03")],
        site: Site = [],  # noqa: B006
        zone: Zone = [],  # noqa: B006
        category: Category = [],  # noqa: B006
        format: Annotated[Literal["html", "pdf", "json"], Query(description="of the report")] = "html",
    ) -> Response:
        """Day by day, by hour of the week, by site, against the month before, with plots that have tables."""
        asked, sites = parse_month(month), _visible(caller, tuple(site))
        async with reports.reading() as connection:
            found = await monthly_report(
                connection, asked, sites=sites or (), zones=zone, categories=category
            )
        return await monthly_answer(found, format)

    return router


def _visible(caller: Caller, sites: tuple[str, ...]) -> tuple[str, ...] | None:
    """The sites that are asked for, or all that the caller may see. Raises Forbidden."""
    if caller.sites is None:
        return sites or None
    for name in sites:
        caller.require_site(name)
    if not sites and not caller.sites:
        raise Forbidden("This key is bound to no site.")
    return sites or tuple(sorted(caller.sites))


def _monthly_documented() -> dict[int | str, dict[str, Any]]:
    responses = documented("Monthly", 404, 422, *GUARDED)
    responses[200]["content"]["text/html"] = {"schema": {"type": "string"}}
    responses[200]["content"]["application/pdf"] = {"schema": {"type": "string", "format": "binary"}}
    return responses


def _documented(schema: str) -> dict[int | str, dict[str, Any]]:
    responses = documented(schema, 404, 422, *GUARDED)
    responses[200]["content"]["text/csv"] = {"schema": {"type": "string"}}
    return responses
