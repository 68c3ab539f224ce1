"""Sites that are counted at their gates, in words: for the pages of use and of stays."""

from dataclasses import dataclass
from typing import Final

from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.chart import Chart, bar_chart
from api.pages.staff.use_query import Wanted, bucket_names
from api.pages.staff.words import drift, dwell, share
from parking.db.connect import Connection
from parking.db.gate_reports import gate_report
from parking.db.report_scope import By
from parking.model import Counting
from parking.reporting.gates import GateBucket, GateLine, Gates
from parking.reporting.period import Bucket

USE_HEADS: Final = (
    "Site", "Inside on average", "Of capacity", "Arrivals", "Departures", "Inside at the end", "Corrected by",
    "Drift now",
)  # fmt: skip
TIME_HEADS: Final = USE_HEADS[1:-1]
STAY_HEADS: Final = ("Site", "Departures", "Paired", "Half stay up to", "Average stay", "Known")


@dataclass(frozen=True, slots=True)
class GateUse:
    """How gate-counted sites were used: a row for each; of one alone also a chart and a row for each time."""

    rows: list[tuple[str, ...]]
    chart: Chart | None
    times: list[tuple[str, ...]]


def only_gates(view: LiveView, wanted: Wanted) -> bool:
    """Whether the one site that is asked for is counted at its gates."""
    site = view.sites.get(wanted.site)
    return site is not None and site.facts.counting == Counting.GATES


async def read_gates(
    connection: Connection, wanted: Wanted, sites: frozenset[str] | None, bucket: Bucket
) -> Gates | None:
    """The report on gate-counted sites; None where a kind of space is asked for, which gates do not tell."""
    if wanted.category:
        return None
    return await gate_report(connection, wanted.question(bucket, By.SITE, sites))


def gate_use(view: LiveView, page: Page, found: Gates | None, wanted: Wanted) -> GateUse | None:
    """The report for the page of use; None where there is nothing to tell."""
    if found is None or not found.lines:
        return None
    rows = [
        (_name(view, line), *_figures(line.total), drift(line.inside_sd, line.missed_share))
        for line in found.lines
    ]
    if not only_gates(view, wanted):
        return GateUse(rows, None, [])
    buckets = found.lines[0].buckets
    names = bucket_names(page, [one.start for one in buckets], wanted.bucket)
    chart = bar_chart(
        [None if one.occupancy is None else max(0.0, one.occupancy) for one in buckets],
        names,
        words=f"Vehicles inside, of capacity, by {wanted.bucket}, {wanted.words(page)}; the table has more",
        most=max(1.0, *(one.occupancy or 0.0 for one in buckets)),
        percent=True,
    )
    return GateUse(rows, chart, [(name, *_figures(one)) for name, one in zip(names, buckets, strict=True)])


def gate_stays(view: LiveView, found: Gates | None) -> list[tuple[str, ...]]:
    """A row for each gate-counted site: how long those stayed whose entry and exit were paired."""
    return [] if found is None else [_stay(view, line) for line in found.lines]


def _stay(view: LiveView, line: GateLine) -> tuple[str, ...]:
    total = line.total
    return (
        _name(view, line),
        f"{total.departures:,}",
        f"{total.visits:,}",
        dwell(total.median_dwell_s),
        dwell(total.average_dwell_s),
        share(total.coverage),
    )


def _figures(one: GateBucket) -> tuple[str, ...]:
    return (
        "–" if one.average_inside is None else f"{one.average_inside:,.0f}",
        share(one.occupancy),
        f"{one.arrivals:,}",
        f"{one.departures:,}",
        "–" if one.average_inside is None else f"{one.inside:,}",
        f"{one.corrected_by:+,} in {one.corrections:,}" if one.corrections else "none",
    )


def _name(view: LiveView, line: GateLine) -> str:
    site = view.sites.get(line.name)
    return line.name if site is None else site.facts.name
