"""Asks for what the report of a month is made of."""

from collections.abc import Sequence

from parking.db.connect import Connection
from parking.db.report_request import parse_question
from parking.db.report_scope import By, Question, report_sites
from parking.db.use_reports import (
    comparison_report,
    dwell_report,
    overstay_report,
    profile_report,
    use_report,
)
from parking.reporting.monthly import Month, Monthly
from parking.reporting.period import parse_period

LONGEST = 10


async def monthly_report(
    connection: Connection,
    month: Month,
    *,
    sites: Sequence[str] = (),
    zones: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> Monthly:
    """One month of these sites, or of all. Raises InputError and NotFound."""
    start, end, before = (day.isoformat() for day in (month.first, month.after, month.before))

    def asked(by: By, bucket: str = "all", begin: str = start, until: str = end) -> Question:
        return parse_question(
            from_text=begin,
            until_text=until,
            bucket=bucket,
            by=by,
            sites=sites,
            zones=zones,
            categories=categories,
        )

    known = await report_sites(connection, sites=sites or None, zones=zones or None)
    days = await use_report(connection, asked(By.ALL, "day"))
    return Monthly(
        month=f"{month.first:%Y-%m}",
        about=[site.name for site in known if site.counting == "bays"],
        days=days,
        change=await comparison_report(
            connection, asked(By.ALL, "all", before, start), parse_period(start, end, "all")
        ),
        profile=await profile_report(connection, asked(By.ALL)),
        sites=await use_report(connection, asked(By.SITE)),
        dwell=await dwell_report(connection, asked(By.ALL)),
        overstays=await overstay_report(connection, asked(By.SITE), limit=LONGEST),
        definitions=days.definitions,
        not_claimed=days.not_claimed,
    )
