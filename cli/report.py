"""`parking report`: how spaces are used; the same answers as `GET /v1/reports/...`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.report_text import told
from parking.db.connect import Connection
from parking.db.report_request import parse_question
from parking.db.report_scope import Question
from parking.errors import InputError
from parking.reporting.table import AnyReport
from parking.settings import load_settings

report_app = typer.Typer(
    help="How spaces are used: occupancy, turnover, dwell, overstays, counts at gates. "
    "Times are local times of each site; every figure stands beside its coverage.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Form(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


Begin = Annotated[
    str, typer.Option("--from", help="a date or local time at a quarter hour: 2026-03-01T07:15")
]
End = Annotated[str, typer.Option("--until", help="likewise, itself not included")]
Into = Annotated[str, typer.Option("--bucket", help="15min 30min hour day week month quarter year all")]
By = Annotated[str, typer.Option("--by", help="what a line is: all, site, zone, category or bay")]
Site = Annotated[list[str], typer.Option("--site", help="only this site; may be repeated")]
Zone = Annotated[list[str], typer.Option("--zone", help="only the sites of this zone")]
Category = Annotated[list[str], typer.Option("--category", help="only bays of this category")]
Bay = Annotated[list[str], typer.Option("--bay", help="only this bay")]
As = Annotated[Form, typer.Option("--format", help="text, json or csv")]
AsJson = Annotated[bool, typer.Option("--json", help="the same as --format json")]


@report_app.command("utilisation")
def utilisation(
    begin: Begin,
    end: End,
    bucket: Into = "day",
    by: By = "site",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """Occupancy, arrivals, departures, turnover and dwell in each bucket, and the peak."""
    from parking.db.use_reports import use_report

    asked = _question(begin, end, bucket, by, site, zone, category, bay)
    _print(lambda connection: use_report(connection, asked), form, as_json)


@report_app.command("profile")
def profile(
    begin: Begin,
    end: End,
    by: By = "site",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """Occupancy in each hour of the week."""
    from parking.db.use_reports import profile_report

    asked = _question(begin, end, "hour", by, site, zone, category, bay)
    _print(lambda connection: profile_report(connection, asked), form, as_json)


@report_app.command("comparison")
def comparison(
    begin: Begin,
    end: End,
    with_begin: Annotated[str, typer.Option("--with-from", help="the second period begins")],
    with_end: Annotated[str, typer.Option("--with-until", help="and ends, itself not included")],
    by: By = "site",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """Two periods side by side, and how the second differs from the first."""
    from parking.db.use_reports import comparison_report
    from parking.reporting.period import parse_period

    asked = _question(begin, end, "all", by, site, zone, category, bay)
    other = parse_period(with_begin, with_end, "all")
    _print(lambda connection: comparison_report(connection, asked, other), form, as_json)


@report_app.command("dwell")
def dwell(
    begin: Begin,
    end: End,
    by: By = "site",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """How long vehicles stay: quantiles and distribution."""
    from parking.db.use_reports import dwell_report

    asked = _question(begin, end, "all", by, site, zone, category, bay)
    _print(lambda connection: dwell_report(connection, asked), form, as_json)


@report_app.command("overstays")
def overstays(
    begin: Begin,
    end: End,
    limit: Annotated[int, typer.Option(min=0, help="most stays listed one by one")] = 100,
    by: By = "site",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """Stays that lasted longer than the bay allows."""
    from parking.db.use_reports import overstay_report

    asked = _question(begin, end, "all", by, site, zone, category, bay)
    _print(lambda connection: overstay_report(connection, asked, limit=limit), form, as_json)


@report_app.command("gates")
def gates(
    begin: Begin,
    end: End,
    bucket: Into = "day",
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    form: As = Form.TEXT,
    as_json: AsJson = False,
) -> None:
    """Counts, arrivals, departures, dwell of paired vehicles, corrections and drift at gates."""
    from parking.db.gate_reports import gate_report

    asked = _question(begin, end, bucket, "site", site, zone, [], [])
    _print(lambda connection: gate_report(connection, asked), form, as_json)


@report_app.command("monthly")
def monthly(
    month: Annotated[str, typer.Argument(help="such as 2026-03")],
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    pdf: Annotated[Path | None, typer.Option("--pdf", help="write a PDF to this file")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="write a page to this file")] = None,
    as_json: AsJson = False,
) -> None:
    """One month as a page or a PDF with plots: by day, hour of the week and site, and the month before."""
    from parking.db.monthly_report import monthly_report
    from parking.exporting.monthly_page import monthly_page
    from parking.exporting.monthly_pdf import monthly_pdf
    from parking.reporting.monthly import parse_month

    asked = parse_month(month)
    if not (pdf or html or as_json):
        raise InputError("Say where to: --pdf FILE, --html FILE or --json.")
    found = _read(lambda c: monthly_report(c, asked, sites=site, zones=zone, categories=category))
    if pdf:
        pdf.write_bytes(monthly_pdf(found))
    if html:
        html.write_text(monthly_page(found), "utf-8")
    if as_json:
        from api.bodies import encode

        typer.echo(encode(found).decode())


def _question(begin: str, end: str, bucket: str, by: str, *named: Sequence[str]) -> Question:
    sites, zones, categories, bays = named
    return parse_question(
        from_text=begin,
        until_text=end,
        bucket=bucket,
        by=by,
        sites=sites,
        zones=zones,
        categories=categories,
        bays=bays,
    )


Made = TypeVar("Made")


def _read(make: Callable[[Connection], Awaitable[Made]]) -> Made:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema

    async def read() -> Made:
        url = load_settings().require_database_url()
        async with connect(url, name="parking report", autocommit=True) as connection:
            await check_schema(connection)
            return await make(connection)

    return asyncio.run(read())


def _print(make: Callable[[Connection], Awaitable[AnyReport]], form: Form, as_json: bool) -> None:
    report = _read(make)
    if as_json or form is Form.JSON:
        from api.bodies import encode

        typer.echo(encode(report).decode())
    elif form is Form.CSV:
        from parking.reporting.table import as_csv, table_of

        typer.echo(as_csv(table_of(report)), nl=False)
    else:
        typer.echo(told(report))
