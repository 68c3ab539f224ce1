"""The figures of a run: a table for people, and results.json for machines."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What must be reached and what is aimed at, for the ratio to the limit or for the value itself."""

    must: float
    aim: float
    ratio: bool = False
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured figure, the median of `values`, beside the median of the limit of the same run."""

    name: str
    what: str
    unit: str
    values: Sequence[float]
    limit_what: str = ""
    limits: Sequence[float] = ()
    ratios: Sequence[float] = ()
    goal: Goal | None = None
    details: dict[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The figure."""
        return median(self.values)

    @property
    def limit(self) -> float | None:
        """The limit."""
        return median(self.limits) if self.limits else None

    @property
    def ratio(self) -> float | None:
        """The share of the limit that was reached, the median of the pairs."""
        return median(self.ratios) if self.ratios else None

    @property
    def verdict(self) -> str:
        """`aim`, `must` or `below`, whichever was reached; empty without a goal."""
        reached = self.ratio if self.goal and self.goal.ratio else self.value
        if self.goal is None or reached is None:
            return ""
        sign = -1 if self.goal.lower_is_better else 1
        if sign * reached >= sign * self.goal.aim:
            return "aim"
        return "must" if sign * reached >= sign * self.goal.must else "below"

    def as_json(self) -> dict[str, Any]:
        """Everything, with what is worked out."""
        extra = {"value": self.value, "limit": self.limit, "ratio": self.ratio, "verdict": self.verdict}
        return asdict(self) | extra


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def table(figures: Iterable[Figure]) -> str:
    """One line a figure: value, spread, limit, ratio and goal; then where the time went."""
    rows: list[tuple[str, ...]] = [("case", "figure", "from..to", "limit", "ratio", "must", "aim", "reached")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def details(figures: Iterable[Figure]) -> str:
    """What else each case tells, one line a case."""
    lines = []
    for figure in figures:
        shown = ", ".join(f"{name} {_number(value)}" for name, value in figure.details.items())
        lines.append(f"{figure.name}: {figure.what}" + (f"\n    {shown}" if shown else ""))
    return "\n".join(lines)


def save(section: str, content: Any, path: Path = RESULTS) -> None:
    """Put a section into results.json beside the others."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        known = {}
    path.write_text(json.dumps({**known, section: content}, indent=2) + "\n")


def _row(figure: Figure) -> tuple[str, ...]:
    goal = figure.goal
    limit = f"{_number(figure.limit)} {figure.limit_what}" if figure.limit is not None else "-"
    return (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        f"{_number(min(figure.values))}..{_number(max(figure.values))}" if len(figure.values) > 1 else "-",
        limit,
        f"{figure.ratio:.3f}" if figure.ratio is not None else "-",
        f"{goal.must:g}" if goal else "-",
        f"{goal.aim:g}" if goal else "-",
        figure.verdict or "-",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
