"""Made-up cities of different character, to see that the forecast is good at more than one real one.

Every space of a site is taken and left at random: arrivals by the hourly rates of the simulator's kinds of
place, times the mood of the day and of the hour in that city, for each vacant space; departures by the mean
dwell. Nothing here is fitted to any city's data.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parking.backtest.reading import History, Oddities
from parking.forecast.series import Series, Site
from sensors_sim.profiles import PROFILES, Use

Floats = NDArray[np.float64]

STEP_S: Final = 300
_DAY_STEPS: Final = 86_400 // STEP_S
_START: Final = int(datetime(2027, 1, 4, tzinfo=UTC).timestamp())  # a Monday
_NOTHING_ODD: Final = Oddities(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """What a made-up city is like. Demand multiplies the arrival rates; moods are standard deviations."""

    name: str
    what: str
    sites: int = 8
    days: int = 70
    every_s: int = 900
    jitter_s: int = 0
    demand: float = 1.0
    day_mood: float = 0.15
    hour_mood: float = 0.15
    flat_week: bool = False
    flat_day: bool = False
    open_hours: tuple[int, int] = (0, 24)
    changed_after: int | None = None
    warm_up_days: int = 14


CITIES: Final = (
    Character(name="town", what="24 hours, quarter-hourly, four kinds of place", sites=16),
    Character(name="alone", what="a single site", sites=1),
    Character(name="dense", what="every five minutes, five weeks", sites=6, every_s=300, days=35),
    Character(name="hourly", what="hourly with jitter", sites=12, every_s=3600, jitter_s=240),
    Character(name="young", what="two weeks of history, judged after one", days=14, warm_up_days=7),
    Character(name="full", what="fills to capacity every day", demand=6.0),
    Character(
        name="day only",
        what="counted from 8 to 17, half-hourly with jitter",
        every_s=1800,
        jitter_s=240,
        open_hours=(8, 17),
    ),
    Character(
        name="weekless",
        what="every day alike, strong moods",
        flat_week=True,
        day_mood=0.5,
        hour_mood=0.4,
    ),
    Character(
        name="shapeless",
        what="every hour alike, slow strong moods",
        flat_day=True,
        day_mood=0.4,
        hour_mood=0.4,
    ),
    Character(name="changed", what="demand doubles after six weeks", changed_after=42),
)


def make(character: Character, *, seed: int = 1) -> History:
    """The city's counts; the same seed makes the same city."""
    random = np.random.default_rng(seed)
    capacity = random.integers(40, 900, character.sites)
    uses = [Use(number % len(Use)) for number in range(character.sites)]
    rates = np.stack([_rates(use, character) for use in uses])
    moods = _moods(character, random)
    leaving = np.array([_leaving(use) for use in uses])
    occupied = np.zeros(character.sites, dtype=np.int64)
    warm = 2 * _DAY_STEPS
    found = np.empty((character.days * _DAY_STEPS, character.sites), dtype=np.int64)
    for step in range(-warm, len(found)):
        hour = (max(step, 0) if step >= 0 else step % (7 * _DAY_STEPS)) // 12 % 168
        rate = rates[:, hour] * moods[max(step, 0)] * (STEP_S / 3600)
        come = np.minimum(random.poisson(rate * (capacity - occupied)), capacity - occupied)
        occupied = occupied + come - random.binomial(occupied, leaving)
        if step >= 0:
            found[step] = occupied
    sites = tuple(Site(f"{character.name}-{n + 1}", int(size)) for n, size in enumerate(capacity))
    counts = tuple(_sampled(found[:, site], character, random) for site in range(character.sites))
    return History(sites, counts, _NOTHING_ODD)


def _rates(use: Use, character: Character) -> Floats:
    week = PROFILES[use].week()
    if character.flat_day:
        return np.full_like(week, week.mean())
    return np.tile(week[:24], 7) if character.flat_week else week


def _leaving(use: Use) -> float:
    """The chance that a vehicle leaves within a step."""
    profile = PROFILES[use]
    mean_s = profile.dwell_median_s * np.exp(profile.dwell_sigma**2 / 2)
    return float(1 - np.exp(-STEP_S / mean_s))


def _moods(character: Character, random: np.random.Generator) -> Floats:
    """How lively each step is: the city's day and hour, and each site's own day [step, site]."""
    days = np.arange(character.days * _DAY_STEPS) // _DAY_STEPS
    hours = np.arange(character.days * _DAY_STEPS) // 12
    city_day = _persistent(character.days, 0.6, random)[:, None]
    own_day = _persistent(character.days, 0.6, random, width=character.sites)
    hour = _persistent(character.days * 24, 0.7, random)[:, None]
    log = character.day_mood * (city_day + own_day)[days] + character.hour_mood * hour[hours]
    demand = np.full(len(days), character.demand)
    if character.changed_after is not None:
        demand[days >= character.changed_after] *= 2
    return np.asarray(demand[:, None] * np.exp(log))


def _persistent(length: int, carry: float, random: np.random.Generator, width: int | None = None) -> Floats:
    """Standard normal numbers of which each keeps a part of the one before."""
    drawn = random.normal(size=length if width is None else (length, width))
    for step in range(1, length):
        drawn[step] = carry * drawn[step - 1] + np.sqrt(1 - carry**2) * drawn[step]
    return drawn


def _sampled(found: NDArray[np.int64], character: Character, random: np.random.Generator) -> Series:
    """The counts that a feed with this rhythm gives."""
    times = np.arange(0, len(found) * STEP_S, character.every_s)
    times = times + random.integers(-character.jitter_s, character.jitter_s + 1, len(times))
    times = times[(times >= 0) & (times < len(found) * STEP_S)]
    hour = times % 86_400 / 3600
    first, last = character.open_hours
    times = times[(hour >= first) & (hour < last)]
    return Series(_START + times, found[times // STEP_S].astype(np.float64))
