"""Reads a history of counts from CSV, and says what was odd about it."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

import numpy as np

from parking.errors import ParkingError
from parking.forecast.calendar import Calendar
from parking.forecast.memory import GAP_S
from parking.forecast.series import Series, Site

COLUMNS: Final = ("SystemCodeNumber", "Capacity", "Occupancy", "LastUpdated")
_MOST: Final = 10_000_000


class HistoryFileError(ParkingError):
    """The file of counts cannot be used."""


@dataclass(frozen=True, slots=True)
class Oddities:
    """What was odd in a file, and was dealt with: counts of rows, except `gaps` and `missing_days`.

    A negative count is left out. One over the capacity means full. Of rows of one site and time the last in
    the file stands; `copies` said the same, `conflicts` did not. A site whose capacity changes is measured by
    the highest. `gaps` are spells within a day of more than 65 minutes without a count, `missing_days` are
    days without any between a site's first and last.
    """

    rows: int
    negative: int
    over_capacity: int
    copies: int
    conflicts: int
    other_capacity: int
    gaps: int
    missing_days: int


@dataclass(frozen=True, slots=True)
class History:
    """Sites and their counts, a series each, with what was odd."""

    sites: tuple[Site, ...]
    counts: tuple[Series, ...]
    oddities: Oddities


def read_history(lines: Iterable[str], calendar: Calendar) -> History:
    """Read rows of COLUMNS (others are passed over); a time without an offset is local.

    Raises HistoryFileError that names line, column, value and rule.
    """
    rows = csv.DictReader(lines, strict=True)
    try:
        return _history(rows, calendar)
    except csv.Error as error:
        raise HistoryFileError(f"line {rows.line_num}: not CSV: {error}") from None
    except UnicodeDecodeError as error:
        raise HistoryFileError(f"after line {rows.line_num}: not UTF-8 text: {error.reason}") from None


def _history(rows: "csv.DictReader[str]", calendar: Calendar) -> History:
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        raise HistoryFileError(
            f"line 1: column {missing[0]} is missing; the header is: {found}",
            hint="The first line must name the columns " + ", ".join(COLUMNS) + ".",
        )
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    capacities: dict[str, list[int]] = defaultdict(list)
    read = negative = copies = conflicts = 0
    for row in rows:
        line = rows.line_num
        site = (row["SystemCodeNumber"] or "").strip()
        if not site:
            _refuse(line, "SystemCodeNumber", row["SystemCodeNumber"], "must not be empty")
        capacities[site].append(_whole(line, "Capacity", row["Capacity"], least=1))
        occupied = _whole(line, "Occupancy", row["Occupancy"], least=-_MOST)
        at = _time(line, row["LastUpdated"], calendar.zone)
        read += 1
        if occupied < 0:
            negative += 1
            continue
        before = counts[site].get(at)
        copies += before == occupied
        conflicts += before is not None and before != occupied
        counts[site][at] = occupied
    if not any(counts.values()):
        raise HistoryFileError("there are no counts in the file", hint="It needs at least one row.")
    sites = tuple(Site(name, max(capacities[name])) for name in sorted(capacities))
    series = tuple(_series(counts[site.id]) for site in sites)
    over = sum(int((one.occupied > site.capacity).sum()) for site, one in zip(sites, series, strict=True))
    other = sum(len(caps) - caps.count(max(caps)) for caps in capacities.values())
    gaps, days = _holes(series, calendar)
    return History(sites, series, Oddities(read, negative, over, copies, conflicts, other, gaps, days))


def _series(counts: dict[int, int]) -> Series:
    times = np.array(sorted(counts), dtype=np.int64)
    return Series(times, np.array([counts[at] for at in times.tolist()], dtype=np.float64))


def _holes(counts: Iterable[Series], calendar: Calendar) -> tuple[int, int]:
    """Gaps within days, and days without any count."""
    gaps = missing = 0
    for series in counts:
        days = calendar.place(series.times)[0]
        gaps += int(((np.diff(series.times) > GAP_S) & (np.diff(days) == 0)).sum())
        missing += int(np.maximum(np.diff(days) - 1, 0).sum())
    return gaps, missing


def _whole(line: int, column: str, text: str | None, *, least: int) -> int:
    try:
        value = int(text or "")
    except ValueError:
        _refuse(line, column, text, "must be a whole number")
    if not least <= value <= _MOST:
        _refuse(line, column, text, f"must be within {least}..{_MOST}")
    return value


def _time(line: int, text: str | None, zone: ZoneInfo) -> int:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        _refuse(line, "LastUpdated", text, "must be a time such as 2026-10-04 07:59:42")
    if not 1971 <= at.year <= 2200:
        _refuse(line, "LastUpdated", text, "must lie in the years 1971..2200")
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp())


def _refuse(line: int, column: str, value: str | None, rule: str) -> NoReturn:
    shown = "nothing" if value is None else repr(value[:80])
    raise HistoryFileError(f"line {line}: {column}: {shown} {rule}")
