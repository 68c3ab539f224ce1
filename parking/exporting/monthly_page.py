"""The report of a month as a page that needs nothing else: plots are in it, and it prints well."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from parking.exporting import plots
from parking.exporting.monthly_words import (
    duration,
    key_figures,
    overstay_rows,
    percent,
    site_rows,
    title,
)
from parking.reporting.monthly import Monthly
from parking.reporting.report import WEEKDAYS


@cache
def _template() -> Template:
    found = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return found.from_string(files(__package__).joinpath("monthly.html").read_text("utf-8"))


def monthly_page(report: Monthly) -> str:
    """The page's HTML. Every plot has its table."""
    days = report.days.lines[0].buckets if report.days.lines else []
    hours = report.profile.lines[0].hours if report.profile.lines else []
    dwell = report.dwell.lines[0] if report.dwell.lines else None
    tables: dict[str, Any] = {
        "day_rows": [
            [
                f"{one.start:%a %d}",
                percent(one.figures.occupancy),
                percent(one.figures.coverage),
                f"{one.figures.arrivals:,}",
                f"{one.figures.sessions:,}",
                duration(one.figures.average_dwell_s),
            ]
            for one in days
        ],
        "hour_rows": [
            [f"{hour:02}:00", *(percent(hours[day * 24 + hour].figures.occupancy) for day in range(7))]
            for hour in range(24 if hours else 0)
        ],
        "dwell_rows": [
            [
                f"from {one.from_min} min" + (f" to {one.until_min}" if one.until_min else ""),
                f"{one.sessions:,}",
            ]
            for one in (dwell.classes if dwell else [])
        ],
    }
    return _template().render(
        report=report,
        title=title(report),
        key_rows=key_figures(report),
        site_rows=site_rows(report),
        overstay_rows=overstay_rows(report),
        weekdays=WEEKDAYS,
        day_plot=plots.svg(plots.by_day(report.days)),
        hour_plot=plots.svg(plots.by_hour(report.profile)),
        dwell_plot=plots.svg(plots.by_length(report.dwell)),
        **tables,
    )
