"""The forecaster: learns day by day from the counts, and tells what is to be expected.

Theory of operation. Time only goes forward. Counts are drawn into curves as they come. When a local day is
over, the forecasts that would have been made on it are made (as for a driver), compared with what came, and
only then are weights, coefficients and errors updated; then the next morning's usual curves are drawn. So
every error that the calibration sees was made without knowing the answer, and a back-test is nothing but the
same replay with the forecasts written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parking.forecast.calendar import Calendar
from parking.forecast.experts import Outlook, outlook
from parking.forecast.memory import Memory, read_curve
from parking.forecast.pairs import pairs
from parking.forecast.samples import Samples
from parking.forecast.series import Bools, Floats, ForecastInputError, Ints, Series, Site
from parking.forecast.skill import NORMAL, Lesson, Skill
from parking.forecast.usual import MATURE_DAYS, distinct_days, usual_curves

WINDOW_DAYS = 84
"""Twelve weeks of curves: enough weekends, and what is older rarely helps."""
_SPREAD_DAYS = 28
_LEAST_SPREAD = 0.01
_FIRST_SPREAD = 0.1
_SPREAD_PRIOR = 96.0
CURRENT_ONLY_S = 2 * 3600
"""How far ahead the latest count alone carries, when a site has no past."""


@dataclass(frozen=True, slots=True)
class Morning:
    """What was known before a day began: usual curves of it and the next [site, 2, slot], and the spreads.

    `mature` marks the sites that had a week of days of their own.
    """

    day: int
    usual: Floats
    spread: Floats
    mature: Bools


@dataclass(frozen=True, slots=True)
class Predicted:
    """For each sample: the level's quantiles at LEVELS (NaN for no number), whether a usual is known, why."""

    levels: Floats
    has_usual: Bools
    usual: Floats
    usual_now: Floats
    likest: Ints


class Forecaster:
    """The state of learning for some sites that share a calendar."""

    def __init__(self, sites: Sequence[Site], calendar: Calendar, *, window_days: int = WINDOW_DAYS) -> None:
        if not sites:
            raise ForecastInputError("there are no sites to forecast")
        self.sites = tuple(sites)
        self.calendar = calendar
        self.capacity = np.array([site.capacity for site in sites], dtype=np.float64)
        self._window_days = window_days
        self._memory: Memory | None = None
        self._mornings: dict[int, Morning] = {}
        self._day = 0
        self._counts: list[Series] = [Series() for _ in sites]
        self._skill = Skill(len(sites))

    def observe(self, counts: Sequence[Series]) -> None:
        """Take in new counts, a series for each site (maybe empty), none older than that site's last.

        Counts are held within 0..capacity; those from a closure are passed over.
        """
        if len(counts) != len(self.sites):
            raise ForecastInputError(f"{len(counts)} series for {len(self.sites)} sites; one each is needed")
        for site, new, old in zip(self.sites, counts, self._counts, strict=True):
            if len(new.times) and len(old.times) and new.times[0] <= old.times[-1]:
                raise ForecastInputError(
                    f"site {site.id}: a count of {new.times[0]} is not later than the last, {old.times[-1]}"
                )
        open_counts = [
            Series(new.times[keep], new.occupied[keep])
            for site, new in zip(self.sites, counts, strict=True)
            for keep in [~site.closed(new.times)]
        ]
        every = np.unique(np.concatenate([series.times for series in open_counts]))
        if len(every):
            for day in np.unique(self.calendar.place(every)[0]).tolist():
                self.advance(day)
                start, end = self.calendar.start_of(day), self.calendar.start_of(day + 1)
                self._take([series.between(start, end) for series in open_counts])

    def advance(self, day: int) -> None:
        """Close every day before `day` (local, since 1970), learning from each."""
        if self._memory is None:
            self._day = day
            self._memory = Memory(len(self.sites), self.calendar, first_day=day - 1, window=self._window_days)
            self._open(day)
        while self._day < day:
            self._learn(self._day)
            self._day += 1
            self._open(self._day)

    def _take(self, counts: Sequence[Series]) -> None:
        memory = self.memory
        for index, new in enumerate(counts):
            if not len(new.times):
                continue
            levels = np.clip(new.occupied / self.capacity[index], 0.0, 1.0)
            memory.extend(index, new.times, levels)
            old = self._counts[index]
            self._counts[index] = Series(
                np.concatenate((old.times, new.times)), np.concatenate((old.occupied, levels))
            )

    def _open(self, day: int) -> None:
        """Draw the morning of `day`, and forget the counts of the day before yesterday."""
        memory = self.memory
        memory.reach(day)
        past = day - memory.first_day
        days = memory.first_day + np.arange(past)
        targets = np.array([day, day + 1])
        usual = usual_curves(
            memory.level[:, :past],
            days=days,
            kinds=self.calendar.kinds(days),
            targets=targets,
            target_kinds=self.calendar.kinds(targets),
        )
        mature = distinct_days(memory.level[:, :past]) >= MATURE_DAYS
        self._mornings[day] = Morning(day, usual, self._spreads(), mature)
        self._mornings.pop(day - 2, None)
        since = self.calendar.start_of(day - 1)
        for index, series in enumerate(self._counts):
            if len(series.times) and series.times[0] < since:
                kept = max(int(np.searchsorted(series.times, since)) - 1, 0)
                self._counts[index] = Series(series.times[kept:], series.occupied[kept:])

    def _spreads(self) -> Floats:
        """Each site's root mean square deviation from the usual of late, leaning on all sites' at first."""
        past = self._day - self.memory.first_day
        squares = self.memory.deviation[:, max(past - _SPREAD_DAYS, 0) : past] ** 2
        count = (~np.isnan(squares)).sum(axis=(1, 2))
        total = np.nansum(squares, axis=(1, 2))
        whole = total.sum() / count.sum() if count.sum() else _FIRST_SPREAD**2
        mean = (total + whole * _SPREAD_PRIOR) / (count + _SPREAD_PRIOR)
        return np.asarray(np.maximum(np.sqrt(mean), _LEAST_SPREAD))

    def _learn(self, day: int) -> None:
        """Compare the forecasts of a day that is over with what came, then learn from it."""
        memory = self.memory
        lessons = []
        for origin in (day - 1, day):
            morning = self._mornings.get(origin)
            made = pairs(self._counts, self.calendar, origin_day=origin, target_day=day)
            if morning is not None and len(made.samples):
                site = made.samples.site
                view = self._view(made.samples, morning)
                lessons.append(Lesson(made, view, morning.mature[site], morning.spread[site]))
        self._skill.learn(lessons)
        row = day - memory.first_day
        memory.deviation[:, row] = memory.level[:, row] - self._mornings[day].usual[:, 0]

    @property
    def memory(self) -> Memory:
        """The curves; there are none before the first count."""
        if self._memory is None:
            raise ForecastInputError("nothing has been observed yet")
        return self._memory

    def last_count(self, site: int) -> tuple[int, float] | None:
        """When a site was last counted, and the level then."""
        series = self._counts[site]
        return (int(series.times[-1]), float(series.occupied[-1])) if len(series.times) else None

    def morning(self, day: int) -> Morning | None:
        """What was known before `day` began, for today and yesterday."""
        return self._mornings.get(day)

    def usual(self, day: int, *, site: Ints, target: Ints) -> tuple[Floats, Floats]:
        """The usual level of each site at each target as known on the morning of `day`, and its spread."""
        morning = self._mornings[day]
        target_day, slot = self.calendar.place(target)
        level = read_curve(morning.usual, site=site, row=target_day - day, slot=slot)
        return level, morning.spread[site]

    def predict(self, samples: Samples) -> Predicted:
        """Forecast from given counts, all of one local day, today or yesterday."""
        morning = self._mornings[int(samples.day[0])]
        view = self._view(samples, morning)
        levels = self._skill.quantiles(samples, view, morning.spread[samples.site])
        has_usual = ~np.isnan(view.usual)
        levels = np.where(has_usual[:, None], levels, _from_count_alone(samples))
        return Predicted(levels, has_usual, view.usual, view.usual_now, view.likest)

    def _view(self, samples: Samples, morning: Morning) -> Outlook:
        memory = self.memory
        kinds = self.calendar.kinds(memory.first_day + np.arange(memory.days))
        return outlook(
            samples,
            memory=memory,
            usual=morning.usual,
            spread=morning.spread,
            kinds=kinds,
            day=morning.day,
        )


def _from_count_alone(samples: Samples) -> Floats:
    """The latest count with a margin that grows with the root of time; no number for later."""
    margin = 0.1 * np.sqrt(samples.horizon / 1800)
    levels = samples.value[:, None] + margin[:, None] * NORMAL
    return np.where((samples.horizon <= CURRENT_ONLY_S)[:, None], levels, np.nan)
