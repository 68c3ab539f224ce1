"""When a battery will be empty: a robust line through its daily samples, or why nothing can be said.

The line is Theil's and Sen's: the median of the slopes of all pairs of samples, which a quarter of outliers
(cold nights, a radio just sending) does not move. Its confidence interval is Sen's, by Kendall's variance.
A lithium cell is flat for years and then falls within weeks, so the last weeks have a line of their own, and
of both lines the one counts that ends sooner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from parking.health.model import Floats

EMPTY_V, LOW_V = 2.8, 3.0
"""Volts of the 3.6 V lithium cells that bay sensors have: about there it fails; there a visit is due."""
EMPTY_PCT, LOW_PCT = 5.0, 20.0
MIN_SAMPLES, MIN_DAYS = 14, 21
LAST_DAYS = 28
HORIZON_DAYS = 3650
_Z = 1.645
"""Nine times of ten the true slope lies within the interval."""
_WEATHER = {"battery_pct": 0.15, "battery_v": 0.0015}
"""A warmer or colder fortnight tilts a line by as much a day; the earliest day allows for it."""
_RISE = {"battery_pct": 20.0, "battery_v": 0.2}
"""A rise by so much between the medians of the week before and the week after is a new battery."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a device said of its battery on one day."""

    day: date
    battery_v: float | None
    battery_pct: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The day on which the battery is empty and the earliest likely one; None where `says` tells why not."""

    empty_on: date | None
    earliest: date | None
    says: str


def forecast(samples: Sequence[Sample], *, today: date) -> Forecast:
    """Go by the percentage if the device tells one, else by the voltage. Samples in order of their day."""
    by = "battery_pct" if sum(s.battery_pct is not None for s in samples) >= MIN_SAMPLES else "battery_v"
    told = [(s.day, float(value)) for s in samples if (value := getattr(s, by)) is not None]
    told = told[_last_battery([value for _, value in told], _RISE[by]) :]
    days = (told[-1][0] - told[0][0]).days + 1 if told else 0
    if len(told) < MIN_SAMPLES or days < MIN_DAYS:
        # Nobody would plan a visit by so little.
        return Forecast(None, None, f"not enough data: {days} of {MIN_DAYS} days, {len(told)} samples")
    at = np.array([(day - today).days for day, _ in told], dtype=np.float64)
    level = np.array([value for _, value in told])
    empty = EMPTY_PCT if by == "battery_pct" else EMPTY_V
    recent = at > at[-1] - LAST_DAYS
    lines = [
        _line(at[part], level[part], empty, _WEATHER[by])
        for part in (recent, at <= at[-1])
        if _enough(at[part])
    ]
    falling = [line for line in lines if line is not None]
    if not falling:
        return Forecast(None, None, f"not falling over {days} days")
    left, least, now = min(falling)
    if left > HORIZON_DAYS:
        return Forecast(None, None, "more than ten years")
    unit = "%" if by == "battery_pct" else " V"
    says = f"falls from {now:.3g}{unit} to {empty:g}{unit}, by {days} days of samples"
    return Forecast(today + timedelta(days=int(left)), today + timedelta(days=int(least)), says)


def _enough(at: Floats) -> bool:
    return len(at) >= MIN_SAMPLES and at[-1] - at[0] + 1 >= MIN_DAYS


def _line(at: Floats, level: Floats, empty: float, weather: float) -> tuple[float, float, float] | None:
    """Days left, the fewest likely, and the level at day 0; None unless it certainly falls."""
    slope, steepest, flattest = _slopes(at, level)
    if flattest >= 0:
        return None
    now = float(np.median(level - slope * at))
    off = float(np.median(np.abs(level - slope * at - now)))
    return max(0.0, (empty - now) / slope), max(0.0, (empty - now + 2 * off) / (steepest - weather)), now


def _last_battery(level: Sequence[float], rise: float) -> int:
    """Where the samples of the present battery begin."""
    if len(level) < 14:
        return 0
    weeks = np.median(np.lib.stride_tricks.sliding_window_view(np.array(level), 7), axis=1)
    risen = np.flatnonzero(weeks[7:] - weeks[:-7] > rise)
    return int(risen[-1]) + 7 if len(risen) else 0


def _slopes(at: Floats, level: Floats) -> tuple[float, float, float]:
    """The median slope a day, and the interval in which it lies: the lowest and the highest."""
    earlier, later = np.triu_indices(len(at), 1)
    slopes = np.sort((level[later] - level[earlier]) / (at[later] - at[earlier]))
    n, pairs = len(at), len(slopes)
    spread = _Z * float(np.sqrt(n * (n - 1) * (2 * n + 5) / 18))
    low = max(0, int((pairs - spread) / 2))
    high = min(pairs - 1, int((pairs + spread) / 2) + 1)
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])
