"""Reports as tables for a terminal."""

from collections.abc import Sequence

from parking.reporting.dwell import Dwell, Overstays
from parking.reporting.gates import Gates
from parking.reporting.report import WEEKDAYS, Comparison, Profile, Utilisation
from parking.reporting.sums import Figures
from parking.reporting.table import AnyReport

FIGURE_HEADS = (
    "occupancy", "coverage", "arrivals", "departures", "sessions", "turnover/h", "avg dwell", "bay hours",
)  # fmt: skip


def told(report: AnyReport) -> str:
    """A report in words and columns, its definitions at the end."""
    match report:
        case Utilisation():
            lines = _utilisation(report)
        case Profile():
            lines = _profile(report)
        case Comparison():
            lines = _comparison(report)
        case Dwell():
            lines = _dwell(report)
        case Overstays():
            lines = _overstays(report)
        case Gates():
            lines = _gates(report)
    asked = report.first if isinstance(report, Comparison) else report.asked
    until = report.second.end if isinstance(report, Comparison) else asked.end
    head = [
        f"{asked.start:%Y-%m-%d %H:%M} until {until:%Y-%m-%d %H:%M}, {', '.join(asked.timezones)}",
        f"as of {report.as_of:%Y-%m-%d %H:%M} UTC",
        "",
    ]
    foot = ["", *(f"{word}: {meaning}" for word, meaning in report.definitions.items())]
    if isinstance(report, Utilisation | Profile | Comparison):
        foot.append(report.not_claimed)
    return "\n".join([*head, *lines, *foot])


def _figures(figures: Figures) -> list[str]:
    return [
        share(figures.occupancy),
        share(figures.coverage),
        str(figures.arrivals),
        str(figures.departures),
        str(figures.sessions),
        "-" if figures.turnover is None else f"{figures.turnover:.3f}",
        duration(figures.average_dwell_s),
        f"{figures.bay_hours:.1f}",
    ]


def _utilisation(report: Utilisation) -> list[str]:
    rows = [["all", "", *_figures(report.total)]]
    for line in report.lines:
        rows.append([line.name, "whole period", *_figures(line.total)])
        rows += [[line.name, f"{one.start:%Y-%m-%d %H:%M}", *_figures(one.figures)] for one in line.buckets]
        if line.peak is not None:
            rows.append([line.name, f"peak: {line.peak.start:%Y-%m-%d %H:%M}", *_figures(line.peak.figures)])
    return columns([report.asked.by, "bucket", *FIGURE_HEADS], rows)


def _profile(report: Profile) -> list[str]:
    found: list[str] = []
    for line in report.lines:
        at = {(one.weekday, one.hour): one.figures for one in line.hours}
        rows = [
            [f"{hour:02}:00", *(share(at[weekday, hour].occupancy) for weekday in range(7))]
            for hour in range(24)
        ]
        coverage, occupancy = share(line.total.coverage), share(line.total.occupancy)
        found += [f"{line.name}: occupancy {occupancy}, coverage {coverage}"]
        found += columns(["", *(day[:3] for day in WEEKDAYS)], rows)
        if line.peak is not None:
            peak = share(line.peak.figures.occupancy)
            found += [f"peak: {WEEKDAYS[line.peak.weekday]} {line.peak.hour:02}:00, {peak}", ""]
    return found


def _comparison(report: Comparison) -> list[str]:
    rows = []
    for line in [report.total, *report.lines]:
        rows += [
            [line.name, "first", *_figures(line.first)],
            [line.name, "second", *_figures(line.second)],
            [
                line.name,
                "change",
                _points(line.occupancy_change),
                _points(line.coverage_change),
                "",
                "",
                _times(line.sessions_ratio),
                _times(line.turnover_ratio),
                _times(line.average_dwell_ratio),
                "",
            ],
        ]
    return columns([report.first.by, "", *FIGURE_HEADS], rows)


def _dwell(report: Dwell) -> list[str]:
    found = []
    shares = list(report.lines[0].quantiles) if report.lines else []
    rows = [
        [line.name, str(line.sessions), duration(line.average_s), share(line.coverage)]
        + [duration(line.quantiles.get(one)) for one in shares]
        for line in report.lines
    ]
    found += columns(["", "sessions", "average", "coverage", *(f"{float(s):.0%}" for s in shares)], rows)
    return found


def _overstays(report: Overstays) -> list[str]:
    rows = [
        [
            line.name,
            str(line.stays),
            str(line.overstays),
            share(line.share),
            f"{line.over_hours:.1f}",
            share(line.coverage),
        ]
        for line in report.lines
    ]
    found = columns(["", "stays", "overstays", "share", "hours over", "coverage"], rows)
    if report.longest:
        rows = [
            [
                one.bay,
                one.site,
                f"{one.started_at:%Y-%m-%d %H:%M}",
                duration(one.limit_s),
                duration(one.dwell_s),
                duration(one.over_s),
                one.goes_on(report.as_of),
            ]
            for one in report.longest
        ]
        found += ["", *columns(["bay", "site", "from (UTC)", "limit", "dwell", "over", ""], rows)]
    return found


def _gates(report: Gates) -> list[str]:
    rows = [
        [
            line.name,
            f"{one.start:%Y-%m-%d %H:%M}",
            str(one.arrivals),
            str(one.departures),
            str(one.inside),
            share(one.occupancy),
            duration(one.average_dwell_s),
            share(one.coverage),
            str(one.corrected_by),
        ]
        for line in report.lines
        for one in [line.total, *line.buckets]
    ]
    heads = [
        "site",
        "bucket",
        "arrivals",
        "departures",
        "inside",
        "occupancy",
        "avg dwell",
        "coverage",
        "corrected",
    ]
    return columns(heads, rows)


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under heads: texts to the left, the rest to the right."""
    table = [list(heads), *map(list, rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(heads))]
    return [
        "  ".join(
            text.ljust(width) if place < 2 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "-" if value is None else f"{value:.1%}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:+.1f} pt"


def _times(value: float | None) -> str:
    return "-" if value is None else f"x {value:.2f}"


def duration(seconds: float | None) -> str:
    """Hours and minutes."""
    if seconds is None:
        return "-"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"
