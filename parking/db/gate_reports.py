"""The report on sites that are counted at their gates.

Theory of operation. The running count is known now. What it was at a time follows backwards: less what has
passed since, less what has been corrected since. Its average over a bucket is what it was at the start plus,
for each vehicle, the share of the bucket that was left when it passed.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from parking.columns import microseconds, moment
from parking.db.connect import Connection, statement
from parking.db.report_scope import By, Question, ReportSite, report_sites
from parking.errors import InputError
from parking.reporting.gates import GATE_DEFINITIONS, GateBucket, GateLine, Gates
from parking.reporting.period import Bucket
from parking.reporting.report import Asked

MOST_BUCKETS = 100_000


async def gate_report(connection: Connection, question: Question) -> Gates:
    """Counts, passages, paired visits and drift of gate-counted sites. Raises InputError and NotFound."""
    if question.by is not By.SITE or question.categories or question.bays:
        raise InputError("gates count whole sites: by is site, and no category and no bay can be chosen")
    async with connection.transaction():
        await connection.execute(statement("schema", "one_snapshot"))
        ((now,),) = await _rows(connection, "opening", "time")
        found = await report_sites(connection, sites=question.sites, zones=question.zones)
        sites = [site for site in found if site.counting == "gates"]
        zones = sorted({site.timezone for site in sites}) or ["UTC"]
        edges = question.period.local_edges(zones[0])
        if len(sites) * len(edges) > MOST_BUCKETS:
            raise InputError(f"{len(sites)} sites of {len(edges)} buckets are more than {MOST_BUCKETS} lines")
        lines = [await _line(connection, question, site, now) for site in sites]
    asked = Asked(edges[0], edges[-1], question.period.bucket.value, question.by.value, zones)
    return Gates(asked, now, lines, GATE_DEFINITIONS)


async def _rows(connection: Connection, file: str, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement(file, name), parameters)).fetchall()


@dataclass(frozen=True, slots=True)
class _Told:
    """What the database tells of one site in some buckets, each by its number."""

    passed: dict[int, tuple[Any, ...]]
    visits: dict[int, tuple[Any, ...]]
    corrections: list[tuple[datetime, int, str]]
    inside: int


async def _line(connection: Connection, question: Question, site: ReportSite, now: datetime) -> GateLine:
    whole = replace(question.period, bucket=Bucket.ALL)
    buckets = await _buckets(connection, site, question.period.local_edges(site.timezone), now)
    (total,) = await _buckets(connection, site, whole.local_edges(site.timezone), now)
    rows = await _rows(connection, "reports", "inside", site=site.site_id)
    _, spread, missed = rows[0] if rows else (0, None, None)
    started = total.inside - total.arrivals + total.departures - total.corrected_by
    return GateLine(site.site_id, site.capacity or 0, started, spread, missed, total, buckets)


async def _buckets(
    connection: Connection, site: ReportSite, edges: Sequence[datetime], now: datetime
) -> list[GateBucket]:
    told = await _told(connection, site.site_id, edges)
    inside, found = told.inside, []
    for place, (start, end) in enumerate(itertools.pairwise(edges)):
        arrivals, departures, vehicle_s = told.passed.get(place, (0, 0, 0.0))
        corrected = [row for row in told.corrections if start <= row[0] < end]
        until = min(end, now)
        known_s = (until - start).total_seconds()
        # Passages count until the bucket's end; where that has not come, until now.
        vehicle_s -= (arrivals - departures) * (end - until).total_seconds() if known_s > 0 else 0
        vehicle_s += sum(by * (until - at).total_seconds() for at, by, _ in corrected)
        average = inside + vehicle_s / known_s if known_s > 0 else None
        by_rule = sum(by for _, by, _ in corrected)
        inside += arrivals - departures + by_rule
        visits, dwell_s, median = told.visits.get(place, (0, None, None))
        found.append(
            GateBucket(
                start=start,
                end=end,
                arrivals=arrivals,
                departures=departures,
                inside=inside,
                average_inside=average,
                occupancy=average / site.capacity if average is not None and site.capacity else None,
                visits=visits,
                average_dwell_s=dwell_s / visits if visits else None,
                median_dwell_s=median,
                coverage=visits / departures if departures else None,
                corrections=len(corrected),
                corrected_by=by_rule,
            )
        )
    return found


async def _told(connection: Connection, site: str, edges: Sequence[datetime]) -> _Told:
    moments = [moment(microseconds(edge)) for edge in edges]
    within = {"site": site, "edges": moments, "from_at": moments[0], "until_at": moments[-1]}
    passed = await _rows(connection, "reports", "passages", **within)
    visits = await _rows(connection, "reports", "visits", **within)
    corrections = await _rows(connection, "reports", "corrections", site=site, from_at=moments[0])
    ((since,),) = await _rows(connection, "reports", "passed_since", site=site, from_at=moments[0])
    rows = await _rows(connection, "reports", "inside", site=site)
    now = (rows[0][0] if rows else 0) or 0
    inside = now - since - sum(by for _, by, _ in corrections)
    return _Told(
        {place: tuple(row) for place, *row in passed},
        {place: tuple(row) for place, *row in visits},
        [(at, by, rule) for at, by, rule in corrections],
        inside,
    )
