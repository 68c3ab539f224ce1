"""Reports and exports as plain tables: columns and rows; and tables as CSV that no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from parking.reporting.dwell import QUANTILES, Dwell, Overstay, Overstays
from parking.reporting.gates import GateBucket, Gates
from parking.reporting.report import Comparison, HourOfWeek, InBucket, Profile, Utilisation
from parking.reporting.sums import Figures

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection)."""
FIGURES = tuple(column.name for column in fields(Figures))


AnyReport = Utilisation | Profile | Comparison | Dwell | Overstays | Gates


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of that many values."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterable[str]:
    """A header and a line for each row, as RFC 4180 has it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_plain(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue()


def as_csv(table: Table) -> str:
    """The whole table."""
    return "".join(csv_lines(table.columns, table.rows))


def safe_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return repr(value)
    return safe_text(str(value))


def _values(figures: Figures) -> tuple[Any, ...]:
    return tuple(getattr(figures, name) for name in FIGURES)


def utilisation_table(report: Utilisation) -> Table:
    """One row for each line and bucket."""
    rows = [(line.name, *_bucket(bucket)) for line in report.lines for bucket in line.buckets]
    return Table((report.asked.by, "start", "end", *FIGURES), rows)


def _bucket(bucket: InBucket) -> tuple[Any, ...]:
    return (bucket.start, bucket.end, *_values(bucket.figures))


def profile_table(report: Profile) -> Table:
    """One row for each line and hour of the week."""
    rows = [(line.name, *_hour(hour)) for line in report.lines for hour in line.hours]
    return Table((report.asked.by, "weekday", "hour", *FIGURES), rows)


def _hour(hour: HourOfWeek) -> tuple[Any, ...]:
    return (hour.weekday, hour.hour, *_values(hour.figures))


def comparison_table(report: Comparison) -> Table:
    """One row for each line, the figures of both periods and the differences."""
    differences = (
        "occupancy_change", "coverage_change", "sessions_ratio", "turnover_ratio", "average_dwell_ratio",
    )  # fmt: skip
    rows = [
        (
            line.name,
            *_values(line.first),
            *_values(line.second),
            *(getattr(line, name) for name in differences),
        )
        for line in report.lines
    ]
    columns = (*(f"first_{name}" for name in FIGURES), *(f"second_{name}" for name in FIGURES), *differences)
    return Table((report.first.by, *columns), rows)


def dwell_table(report: Dwell) -> Table:
    """One row for each line: quantiles, then classes."""
    first = report.lines[0] if report.lines else None
    quantiles = tuple(f"{share:g}" for share in QUANTILES)
    names = [f"sessions_from_{one.from_min}_min" for one in first.classes] if first else []
    rows = [
        (
            *(line.name, line.sessions, line.average_s, line.longest_s),
            *(line.quantiles.get(share) for share in quantiles),
            *(one.sessions for one in line.classes),
            line.coverage,
        )
        for line in report.lines
    ]
    columns = ("sessions", "average_s", "longest_s", *(f"quantile_{share}_s" for share in quantiles), *names)
    return Table((report.asked.by, *columns, "coverage"), rows)


def overstay_table(report: Overstays) -> Table:
    """One row for each of the longest."""
    columns = tuple(column.name for column in fields(Overstay))
    return Table(columns, [tuple(getattr(stay, name) for name in columns) for stay in report.longest])


def gate_table(report: Gates) -> Table:
    """One row for each site and bucket."""
    columns = tuple(column.name for column in fields(GateBucket))
    rows = [
        (line.name, line.capacity, *(getattr(bucket, name) for name in columns))
        for line in report.lines
        for bucket in line.buckets
    ]
    return Table(("site", "capacity", *columns), rows)


def table_of(report: AnyReport) -> Table:
    """A report as a table."""
    match report:
        case Utilisation():
            return utilisation_table(report)
        case Profile():
            return profile_table(report)
        case Comparison():
            return comparison_table(report)
        case Dwell():
            return dwell_table(report)
        case Overstays():
            return overstay_table(report)
        case Gates():
            return gate_table(report)
