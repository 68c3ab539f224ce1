"""The tables of a monthly report, as the page and the PDF both show them: a head, then rows of texts."""

from parking.reporting.monthly import Monthly, parse_month
from parking.reporting.sums import Figures


def title(report: Monthly) -> str:
    """Of the whole report."""
    about = report.about[0] if len(report.about) == 1 else f"{len(report.about)} sites"
    return f"Use of parking, {parse_month(report.month).words}: {about}"


def key_figures(report: Monthly) -> list[list[str]]:
    """The month beside the month before."""
    now, before = report.change.total.second, report.change.total.first
    rows = [
        ("Occupancy", percent(now.occupancy), percent(before.occupancy)),
        ("Coverage: share of the time that was known", percent(now.coverage), percent(before.coverage)),
        ("Arrivals seen", f"{now.arrivals:,}", f"{before.arrivals:,}"),
        ("Sessions", f"{now.sessions:,}", f"{before.sessions:,}"),
        ("Sessions for each bay and hour", rate(now.turnover), rate(before.turnover)),
        ("Average dwell, h:min", duration(now.average_dwell_s), duration(before.average_dwell_s)),
        ("Hours of bays open", f"{now.bay_hours:,.0f}", f"{before.bay_hours:,.0f}"),
    ]
    return [["", "This month", "Month before"], *map(list, rows)]


def site_rows(report: Monthly) -> list[list[str]]:
    """Each site's month."""
    heads = ["Site", "Occupancy", "Coverage", "Arrivals", "Sessions", "Per bay, hour", "Dwell"]
    return [heads, *([line.name, *_site(line.total)] for line in report.sites.lines)]


def _site(figures: Figures) -> list[str]:
    return [
        percent(figures.occupancy),
        percent(figures.coverage),
        f"{figures.arrivals:,}",
        f"{figures.sessions:,}",
        rate(figures.turnover),
        duration(figures.average_dwell_s),
    ]


def overstay_rows(report: Monthly) -> list[list[str]]:
    """Each site with limits: how many stays were beyond them."""
    heads = ["Site", "Stays with a limit", "Overstays", "Share", "Hours over", "Coverage"]
    rows = [
        [
            line.name,
            f"{line.stays:,}",
            f"{line.overstays:,}",
            percent(line.share),
            f"{line.over_hours:,.1f}",
            percent(line.coverage),
        ]
        for line in report.overstays.lines
        if line.stays
    ]
    return [heads, *(rows or [["no bay has a limit", "", "", "", "", ""]])]


def percent(value: float | None) -> str:
    """A share; a dash where nothing was known."""
    return "-" if value is None else f"{value:.1%}"


def rate(value: float | None) -> str:
    """A number of an hour."""
    return "-" if value is None else f"{value:.3f}"


def duration(seconds: float | None) -> str:
    """Hours and minutes."""
    return "-" if seconds is None else f"{round(seconds / 60) // 60}:{round(seconds / 60) % 60:02}"
