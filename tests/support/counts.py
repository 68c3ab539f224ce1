"""Counts of made-up sites whose truth a test knows."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from parking.forecast.calendar import Calendar, time_zone
from parking.forecast.series import Series

UTC: Final = Calendar(time_zone("UTC"))
LONDON: Final = Calendar(time_zone("Europe/London"))

Level = Callable[[date, float], float]
"""How full a site is, from the local date and hour; in fractions of the capacity."""


def counts(
    level: Level,
    *,
    start: date,
    days: int,
    capacity: int,
    calendar: Calendar = UTC,
    every_s: int = 1800,
    noise: float = 0.0,
    seed: int = 0,
) -> Series:
    """A site's counts at a steady rhythm, whole numbers, from local midnight of `start`."""
    random = np.random.default_rng(seed)
    first = epoch(start, 0, calendar)
    last = epoch(start + timedelta(days=days), 0, calendar)
    times = np.arange(first, last, every_s)
    moments = [datetime.fromtimestamp(at, calendar.zone) for at in times.tolist()]
    levels = np.array([level(at.date(), at.hour + at.minute / 60) for at in moments])
    levels = levels + noise * random.normal(size=len(levels))
    return Series(times, np.round(capacity * np.clip(levels, 0, 1)))


def epoch(day: date, hour: float, calendar: Calendar = UTC) -> int:
    """A local time in seconds since 1970."""
    whole = datetime.combine(day, datetime.min.time(), tzinfo=calendar.zone)
    return int((whole + timedelta(hours=hour)).timestamp())


def office(day: date, hour: float) -> float:
    """Full on working days from nine to five, nearly empty else."""
    return 0.85 if day.weekday() < 5 and 9 <= hour < 17 else 0.1


def evening(day: date, hour: float) -> float:
    """Empty by day, busy at night, every day."""
    return 0.15 if 7 <= hour < 18 else 0.75


def until(series: Series, at: int) -> Series:
    """What was counted before a moment."""
    return series.between(0, at)
