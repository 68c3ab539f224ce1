"""The reports on the use of bays: each question asked of the database in one snapshot, and its answer."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from parking.db.connect import Connection, statement
from parking.db.report_scope import By, Question, ReportSite, report_line, report_pairs
from parking.db.reports import MOST_CELLS, Measured, measure
from parking.errors import InputError
from parking.reporting.dwell import (
    CLASSES_MIN,
    DWELL_DEFINITIONS,
    OVERSTAY_DEFINITIONS,
    QUANTILES,
    Dwell,
    DwellLine,
    Overstay,
    OverstayLine,
    Overstays,
    classes,
)
from parking.reporting.period import Bucket, Period, utc
from parking.reporting.report import (
    Asked,
    Comparison,
    Profile,
    Utilisation,
    comparison,
    profile,
    utilisation,
)
from parking.reporting.sums import figures


async def use_report(connection: Connection, question: Question) -> Utilisation:
    """How bays were used, bucket by bucket. Raises InputError and NotFound."""
    measured = await measure(connection, question)
    return _utilisation(question, measured)


async def profile_report(connection: Connection, question: Question) -> Profile:
    """How bays were used in each hour of the week. Raises InputError and NotFound."""
    hourly = replace(question, period=replace(question.period, bucket=Bucket.HOUR))
    found = await measure(connection, hourly, most=MOST_CELLS)
    asked = _asked(hourly, found, bucket="hour of the week")
    return profile(asked, found.groups, found.sums, found.edges, found.now)


async def comparison_report(connection: Connection, question: Question, other: Period) -> Comparison:
    """Two periods side by side, each as a whole. Raises InputError and NotFound."""
    both = [
        replace(question, period=replace(period, bucket=Bucket.ALL)) for period in (question.period, other)
    ]
    first, second = [_utilisation(one, await measure(connection, one)) for one in both]
    return comparison(first, second)


def _utilisation(question: Question, measured: Measured) -> Utilisation:
    asked = _asked(question, measured)
    return utilisation(asked, measured.groups, measured.sums, measured.edges, measured.now)


def _asked(question: Question, measured: Measured, *, bucket: str | None = None) -> Asked:
    edges = measured.edges
    return Asked(
        edges[0], edges[-1], bucket or question.period.bucket.value, question.by.value, measured.timezones
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a question is about, and how well that was known."""

    measured: Measured
    asked: Asked
    coverage: dict[str, float | None]


async def _scope(connection: Connection, question: Question, *, now: datetime | None = None) -> _Scope:
    whole = replace(question, period=replace(question.period, bucket=Bucket.ALL))
    measured = await measure(connection, whole, now=now)
    sums = measured.sums
    coverage = {name: figures(sums, row, 0).coverage for row, name in enumerate(measured.groups)}
    return _Scope(measured, _asked(whole, measured), coverage)


async def _parameters(
    connection: Connection, question: Question, sites: Sequence[ReportSite], zone: str
) -> dict[str, Any]:
    """Those of the statements that look at stays, for the sites of one time zone."""
    members = [site for site in sites if site.timezone == zone]
    pairs = await report_pairs(connection, question, members)
    known = {site.site_id: site for site in members}
    at = ZoneInfo(zone)
    return {
        "each": question.by is By.BAY,
        "site_id": [site for site, _ in pairs],
        "category": [category for _, category in pairs],
        "line": [report_line(question.by, known[site], category) for site, category in pairs],
        "bays": None if question.bays is None else list(question.bays),
        "from_at": utc(question.period.from_at, at),
        "until_at": utc(question.period.until_at, at),
        "quantiles": list(QUANTILES),
        "classes": [float(limit * 60) for limit in CLASSES_MIN],
    }


async def dwell_report(connection: Connection, question: Question) -> Dwell:
    """How long vehicles stayed. Raises InputError and NotFound."""
    scope = await _scope(connection, question)
    _one_zone(scope.measured)
    found: dict[str, tuple[Any, ...]] = {}
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for zone in scope.measured.timezones:
        parameters = await _parameters(connection, question, scope.measured.sites, zone)
        cursor = await connection.execute(statement("reports", "dwell"), parameters)
        found |= {line: tuple(row) for line, *row in await cursor.fetchall()}
        cursor = await connection.execute(statement("reports", "dwell_classes"), parameters)
        for line, place, number in await cursor.fetchall():
            counts[line][place] = number
    lines = []
    for name in scope.measured.groups:
        sessions, average, longest, quantiles = found.get(name, (0, None, None, []))
        told = {f"{share:g}": value for share, value in zip(QUANTILES, quantiles, strict=False)}
        shape = classes(counts.get(name, {}))
        lines.append(DwellLine(name, sessions, average, longest, told, shape, scope.coverage[name]))
    return Dwell(scope.asked, scope.measured.now, lines, DWELL_DEFINITIONS)


async def overstay_report(
    connection: Connection, question: Question, *, limit: int, now: datetime | None = None
) -> Overstays:
    """Stays beyond the limit of their bays, the longest one by one, as of `now` (None: the database's).

    Raises InputError and NotFound.
    """
    scope = await _scope(connection, question, now=now)
    now = scope.measured.now
    found: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    longest: list[Overstay] = []
    for zone in scope.measured.timezones:
        parameters = await _parameters(connection, question, scope.measured.sites, zone)
        parameters |= {"now": now, "limit": limit}
        cursor = await connection.execute(statement("reports", "overstays"), parameters)
        for line, *numbers in await cursor.fetchall():
            found[line] = [a + b for a, b in zip(found[line], numbers, strict=True)]
        cursor = await connection.execute(statement("reports", "longest_overstays"), parameters)
        longest += [_overstay(row) for row in await cursor.fetchall()]
    lines = []
    for name in scope.measured.groups:
        stays, over, seconds = found.get(name, [0, 0, 0.0])
        share = over / stays if stays else None
        lines.append(OverstayLine(name, int(stays), int(over), share, seconds / 3600, scope.coverage[name]))
    longest.sort(key=lambda stay: -stay.over_s)
    return Overstays(scope.asked, now, lines, longest[:limit], OVERSTAY_DEFINITIONS)


def _overstay(row: tuple[Any, ...]) -> Overstay:
    bay, site, category, started_at, ended_at, known_until, seen, limit_s, dwell_s, over_s = row
    return Overstay(
        bay, site, category, started_at, ended_at, known_until, not seen, limit_s, dwell_s, over_s
    )


def _one_zone(measured: Measured) -> None:
    """Quantiles of two time zones cannot be put together: the periods differ."""
    if len(measured.timezones) > 1:
        raise InputError(
            f"the sites lie in the time zones {', '.join(measured.timezones)}; ask for those of one"
        )
