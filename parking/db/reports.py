"""Measures the use of bays for a report, in one snapshot of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parking.columns import microseconds
from parking.db.connect import Connection, statement
from parking.db.report_scope import By, Question, ReportSite, listed, report_line, report_pairs, report_sites
from parking.db.usage import Group
from parking.db.zone_sums import ZoneSums
from parking.errors import InputError, NotFound
from parking.reporting.sums import Sums, no_sums

MOST_FIGURES = 100_000
"""Lines times buckets of one report: each is an object of about a kilobyte."""
MOST_CELLS = 1_000_000
"""The same where buckets are folded before they become figures."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Sums of shape (groups, buckets), as of `now`. `edges` are of the first of the time zones."""

    groups: list[str]
    sums: Sums
    timezones: list[str]
    edges: list[datetime]
    now: datetime
    sites: list[ReportSite]


async def measure(
    connection: Connection, question: Question, *, now: datetime | None = None, most: int = MOST_FIGURES
) -> Measured:
    """Add up, in one snapshot, as of `now` (the database's time if None). Raises InputError and NotFound."""
    async with connection.transaction():
        await connection.execute(statement("schema", "one_snapshot"))
        if now is None:
            row = await (await connection.execute(statement("opening", "time"))).fetchone()
            assert row is not None, "the query returns one row"
            now = row[0]
        found = await report_sites(connection, sites=question.sites, zones=question.zones)
        sensed = [site for site in found if site.counting == "bays"]
        return await _measure(connection, question, sensed, now, most)


async def _measure(
    connection: Connection, question: Question, sites: list[ReportSite], now: datetime, most: int
) -> Measured:
    bays = await _bays(connection, question, sites)
    pairs = await report_pairs(connection, question, sites)
    names = _names(question, sites, pairs, bays)
    zones = sorted({site.timezone for site in sites}) or ["UTC"]
    edges = {zone: question.period.edges(zone) for zone in zones}
    buckets = {len(of_zone) - 1 for of_zone in edges.values()}
    if len(buckets) > 1:
        raise InputError(
            f"the sites lie in the time zones {', '.join(zones)}, in which this period has not the same "
            "number of such buckets; ask for the sites of one time zone, or for days"
        )
    size = buckets.pop()
    if len(names) * size > most:
        raise InputError(
            f"{len(names)} lines of {size} buckets are more than {most} figures; "
            "ask for a shorter period, longer buckets or fewer sites"
        )
    sums = no_sums(len(names), size)
    for zone in zones:
        members = [site for site in sites if site.timezone == zone]
        work = ZoneSums(connection, question, members, names, edges[zone], microseconds(now), sums, bays)
        await work.add([pair for pair in pairs if pair[0] in {site.site_id for site in members}])
    return Measured(list(names), sums, zones, question.period.local_edges(zones[0]), now, sites)


def _names(
    question: Question, sites: Sequence[ReportSite], pairs: Sequence[Group], bays: Sequence[str] | None
) -> dict[str, int]:
    """The lines of a report, in their order."""
    if question.by is By.BAY:
        lines = set(bays or ())
    else:
        known = {site.site_id: site for site in sites}
        lines = {report_line(question.by, known[site], category) for site, category in pairs}
    return {name: number for number, name in enumerate(sorted(lines))}


async def _bays(connection: Connection, question: Question, sites: Sequence[ReportSite]) -> list[str] | None:
    """The bays whose own stays are looked at: those asked for, or each where each is a line; else None."""
    if question.bays is None and question.by is not By.BAY:
        return None
    parameters = {"sites": [site.site_id for site in sites], "bays": listed(question.bays)}
    cursor = await connection.execute(statement("reports", "bays_of"), parameters)
    found = sorted({bay for bay, _ in await cursor.fetchall()})
    for bay in question.bays or ():
        if bay not in found:
            raise NotFound(f"There is no bay with the id {bay[:100]!r} in the sites asked for.")
    return found
