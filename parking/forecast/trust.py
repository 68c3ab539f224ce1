"""Whether a site's forecasts may be believed, by how good they were of late, and what stands in for them.

A forecast that does worse than saying "as many as now" is not shown. Then that plain count is, with the
margin that its own errors of late had. The forecasts go on being made and scored, so a site
comes back by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from parking.forecast.summary import MINUTES, Points

HORIZONS_MIN = (30, 60, 120, 1440)
"""The forecasts that are scored, in minutes ahead; all are in MINUTES."""
DAYS = 14
"""The days whose scores count."""
LEAST = 96
"""Scored forecasts from which on there is a verdict: a day of one horizon, or six hours of all."""
_WORSE = 1.05
_SLACK = 0.1
"""Worse by a twentieth and a tenth of a percent of the capacity; less is chance, or a site at rest."""
_QUIET = 0.5
"""The least error, in percent of the capacity, that a plain count is given."""


@dataclass(frozen=True, slots=True)
class Record:
    """How good the forecasts of one horizon were: means over `n`, errors in percent of the capacity.

    `coverage` is the share of truths within the 80 % interval, `brier` that of "at least one space is free".
    """

    horizon_min: int
    n: int
    error: float
    plain_error: float
    coverage: float
    brier: float


def together(records: Iterable[Record]) -> list[Record]:
    """The records of many sites as one for each horizon."""
    found: dict[int, Record] = {}
    for one in records:
        other = found.get(one.horizon_min)
        found[one.horizon_min] = one if other is None else _joined(one, other)
    return [found[horizon] for horizon in sorted(found)]


def _joined(one: Record, other: Record) -> Record:
    n = one.n + other.n

    def mean(mine: float, theirs: float) -> float:
        return (mine * one.n + theirs * other.n) / n

    return Record(
        one.horizon_min,
        n,
        mean(one.error, other.error),
        mean(one.plain_error, other.plain_error),
        mean(one.coverage, other.coverage),
        mean(one.brier, other.brier),
    )


def distrust(records: Sequence[Record]) -> str | None:
    """Why a site's forecasts are not to be believed, in a sentence; None where they are."""
    n = sum(one.n for one in records)
    if n < LEAST:
        return None
    error, plain = (
        sum(value * one.n for value, one in zip(values, records, strict=True)) / n
        for values in ([one.error for one in records], [one.plain_error for one in records])
    )
    if error <= plain * _WORSE + _SLACK:
        return None
    return (
        f"In the last {DAYS} days the forecasts of this place were wrong by {error:.1f} % of its spaces, and "
        f"the plain count by {plain:.1f} %; so the plain count is shown."
    )


def plain_points(free: float, capacity: int, records: Sequence[Record]) -> Points:
    """The plain count of `free` spaces as it would be foretold, with the margins of its errors of late.

    Those errors are taken to fall off exponentially on both sides (Laplace), which the mean error fixes.
    """
    known = sorted((one.horizon_min, max(one.plain_error, _QUIET)) for one in records if one.n)
    horizons = [log(horizon) for horizon, _ in known]
    error = np.interp(np.log(MINUTES), horizons, [size for _, size in known]) * capacity / 100
    margin = error * log(5)  # 80 % of a Laplace distribution lie within so many mean errors
    apart = 0.5 - free
    beyond = np.array([0.5 * exp(-abs(apart) / size) for size in error.tolist()])
    return Points(
        MINUTES,
        np.full(len(MINUTES), free),
        np.clip(free - margin, 0, capacity),
        np.clip(free + margin, 0, capacity),
        beyond if apart > 0 else 1 - beyond,
    )
