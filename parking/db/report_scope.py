"""What a report is about: which bays, in which period, and what is one line of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from parking.db.connect import Connection, statement
from parking.db.usage import Group
from parking.errors import NotFound
from parking.reporting.period import Period


class By(StrEnum):
    """What is one line of a report."""

    ALL = "all"
    SITE = "site"
    ZONE = "zone"
    CATEGORY = "category"
    BAY = "bay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which bays, in which period, and by what. None: all of them."""

    period: Period
    by: By = By.SITE
    sites: tuple[str, ...] | None = None
    zones: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    bays: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReportSite:
    """What reports know of a site. `max_stay_min` is its own limit; bays may have another."""

    site_id: str
    name: str
    timezone: str
    zone: str | None
    opening_hours: str | None
    max_stay_min: int | None
    counting: str
    capacity: int | None


async def report_sites(
    connection: Connection, *, sites: Sequence[str] | None = None, zones: Sequence[str] | None = None
) -> list[ReportSite]:
    """The sites of a report. Raises NotFound for a site or a zone that nobody knows."""
    parameters = {"sites": listed(sites), "zones": listed(zones)}
    cursor = await connection.execute(statement("reports", "sites"), parameters)
    found = [ReportSite(*row) for row in await cursor.fetchall()]
    for kind, asked, known in (
        ("site", sites, {site.site_id for site in found}),
        ("zone", zones, {site.zone for site in found}),
    ):
        for name in asked or ():
            if name not in known:
                raise NotFound(f"There is no {kind} with the id {name[:100]!r} among those asked for.")
    return found


def report_line(by: By, site: ReportSite, category: str) -> str:
    """The line on which bays of a site and category are, unless each bay is a line."""
    lines = {By.SITE: site.site_id, By.ZONE: site.zone or "", By.CATEGORY: category}
    return lines.get(by, "all")


async def report_pairs(
    connection: Connection, question: Question, sites: Sequence[ReportSite]
) -> list[Group]:
    """The sites and categories of a report. Raises NotFound for a category that none of the sites has."""
    parameters = {"sites": [site.site_id for site in sites], "categories": listed(question.categories)}
    cursor = await connection.execute(statement("reports", "groups"), parameters)
    found = [(site, category) for site, category in await cursor.fetchall()]
    for category in question.categories or ():
        if category not in {known for _, known in found}:
            raise NotFound(f"There is no bay of the category {category[:100]!r} in the sites asked for.")
    return found


def listed(values: Sequence[str] | None) -> list[str] | None:
    """For a statement; None stays None: no choice was made."""
    return None if values is None else list(values)
