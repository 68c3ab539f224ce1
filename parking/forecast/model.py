"""The forecast of some sites, as the rest of the system uses it: fit, update, forecast."""

from collections.abc import Mapping, Sequence

import numpy as np

from parking.forecast.calendar import HOLIDAY, Calendar, as_date
from parking.forecast.engine import Forecaster, Predicted
from parking.forecast.forecast import Basis, Forecast, Reason
from parking.forecast.horizons import LONGEST_S
from parking.forecast.samples import Samples
from parking.forecast.series import Floats, ForecastInputError, Ints, Series, Site
from parking.forecast.skill import NORMAL

SHORTEST_S = 5 * 60
_SKEW_S = 5 * 60
"""How far the clock of the one who asks may be behind the latest count."""


class ForecastModel:
    """Sites that share a calendar. Times are seconds since 1970, counts are occupied spaces.

    Fit it once from history (quarter-hour means stand for the middle of their quarter), then `update` it with
    the latest counts and ask. After midnight the next update or question learns from the day that is over,
    which takes a fraction of a second.
    """

    def __init__(self, sites: Sequence[Site], calendar: Calendar) -> None:
        self._forecaster = Forecaster(sites, calendar)
        self._number = {site.id: number for number, site in enumerate(sites)}
        if len(self._number) != len(sites):
            raise ForecastInputError("a site is listed twice; each has one history")

    @classmethod
    def fit(cls, sites: Sequence[Site], calendar: Calendar, history: Mapping[str, Series]) -> "ForecastModel":
        """A model that has lived through `history`; a site without any may be left out of it."""
        model = cls(sites, calendar)
        model._known(history)
        model._forecaster.observe([history.get(site.id, Series()) for site in sites])
        return model

    def update(self, counts: Mapping[str, tuple[int, float]]) -> int:
        """Take in the latest count of some sites (when, how many), and say how many were news.

        A count that is not later than the site's last one changes nothing.
        """
        self._known(counts)
        new = [Series() for _ in self._number]
        for site, (at, occupied) in counts.items():
            last = self._forecaster.last_count(self._number[site])
            if last is None or at > last[0]:
                new[self._number[site]] = Series(np.array([at], dtype=np.int64), np.array([float(occupied)]))
        self._forecaster.observe(new)
        return sum(len(series.times) for series in new)

    def forecast(self, at: int, horizons_s: Sequence[int]) -> dict[str, tuple[Forecast, ...]]:
        """What to expect of each site so many seconds after `at`, 5 minutes to 24 hours ahead."""
        for horizon in horizons_s:
            if not SHORTEST_S <= horizon <= LONGEST_S:
                raise ForecastInputError(
                    f"horizon: {horizon} s is not within {SHORTEST_S}..{LONGEST_S} (5 minutes to 24 hours)"
                )
        forecaster = self._forecaster
        latest = max(
            (last[0] for last in map(forecaster.last_count, self._number.values()) if last), default=at
        )
        if at < latest - _SKEW_S:
            raise ForecastInputError(
                f"at: {at} lies before the latest count, {latest}; a model only looks ahead"
            )
        targets = at + np.array(horizons_s, dtype=np.int64)
        day = int(forecaster.calendar.place(np.array([max(at, latest)]))[0][0])
        forecaster.advance(day)
        site = np.repeat(np.arange(len(forecaster.sites)), len(targets))
        target = np.tile(targets, len(forecaster.sites))
        made = _Answers(forecaster, day=day, site=site, target=target)
        found: dict[str, tuple[Forecast, ...]] = {}
        for number, one in enumerate(forecaster.sites):
            first = number * len(targets)
            found[one.id] = tuple(made.answer(first + step) for step in range(len(targets)))
        return found

    def usual_day(self, at: int) -> tuple[int, dict[str, Floats]]:
        """When the local day of `at` began, and each site's usual free spaces at its 96 quarter hours by the
        clock; NaN where nothing is known. Nothing at all for a day other than the latest two.
        """
        forecaster = self._forecaster
        day = int(forecaster.calendar.place(np.array([at]))[0][0])
        begins, morning = forecaster.calendar.start_of(day), forecaster.morning(day)
        if morning is None:
            return begins, {}
        free = forecaster.capacity[:, None] * (1 - np.clip(morning.usual[:, 0], 0, 1))
        return begins, {site.id: free[number] for number, site in enumerate(forecaster.sites)}

    def _known(self, sites: Mapping[str, object]) -> None:
        for site in sites:
            if site not in self._number:
                raise ForecastInputError(f"site {site!r} is not one of this model's")


class _Answers:
    """Forecasts of many sites and targets made at once, then told one by one."""

    def __init__(self, forecaster: Forecaster, *, day: int, site: Ints, target: Ints) -> None:
        self._forecaster, self._site, self._target = forecaster, site, target
        calendar = forecaster.calendar
        self._when = {int(one): _when(calendar, int(one)) for one in np.unique(target).tolist()}
        self._closed = np.zeros(len(site), dtype=np.bool_)
        for number, one in enumerate(forecaster.sites):
            if one.closures:
                mine = site == number
                self._closed[mine] = one.closed(target[mine])
        self._by_count = self._from_counts()
        self._usual = forecaster.usual(day, site=site, target=target)

    def _from_counts(self) -> dict[int, tuple[Predicted, int, float, int]]:
        """For rows with a count of late: the prediction, the row in it, the level then, and the day."""
        forecaster = self._forecaster
        last = [forecaster.last_count(number) for number in range(len(forecaster.sites))]
        origin = np.array([0 if one is None else one[0] for one in last], dtype=np.int64)[self._site]
        value = np.array([0.0 if one is None else one[1] for one in last])[self._site]
        samples = Samples.of(
            forecaster.calendar, site=self._site, origin=origin, value=value, target=self._target
        )
        counted = np.array([one is not None for one in last])[self._site]
        usable = counted & (samples.horizon <= LONGEST_S) & ~self._closed
        found: dict[int, tuple[Predicted, int, float, int]] = {}
        for day in np.unique(samples.day[usable]).tolist():
            if forecaster.morning(day) is not None:
                rows = np.flatnonzero(usable & (samples.day == day))
                made = forecaster.predict(samples.where(rows))
                for place, row in enumerate(rows.tolist()):
                    found[row] = (made, place, float(value[row]), day)
        return found

    def answer(self, row: int) -> Forecast:
        """One forecast, with what it rests on."""
        site = self._forecaster.sites[int(self._site[row])]
        target = int(self._target[row])
        basis, levels, reason = self._told(row, site.capacity, self._when[target])
        return Forecast(site.id, target, site.capacity, basis, reason, levels)

    def _told(self, row: int, capacity: int, when: str) -> tuple[Basis, Floats | None, Reason]:
        if self._closed[row]:
            return Basis.CLOSED, None, Reason(when)
        usual, spread = (float(column[row]) for column in self._usual)
        if row in self._by_count:
            made, place, value, day = self._by_count[row]
            levels = made.levels[place]
            if made.has_usual[place]:
                more = capacity * (float(made.usual_now[place]) - value)
                likest = int(made.likest[place])
                like = as_date(self._forecaster.memory.first_day + likest) if likest >= 0 else None
                reason = Reason(when, capacity * (1 - min(max(float(made.usual[place]), 0), 1)), more, like)
                return self._basis(int(self._site[row]), day), levels, reason
            if not np.isnan(levels[0]):
                return Basis.CURRENT, levels, Reason(when)
        if not np.isnan(usual):
            level = min(max(usual, 0.0), 1.0)
            return Basis.USUAL, level + spread * NORMAL, Reason(when, capacity * (1 - level))
        return Basis.NOTHING, None, Reason(when)

    def _basis(self, site: int, day: int) -> Basis:
        morning = self._forecaster.morning(day)
        if morning is None or morning.mature[site]:
            return Basis.HISTORY
        return Basis.SIMILAR if morning.mature.any() else Basis.LITTLE


def _when(calendar: Calendar, target: int) -> str:
    """The target in words: on a Tuesday at this time, or on a public holiday."""
    day = calendar.place(np.array([target]))[0]
    holiday = int(calendar.kinds(day)[0]) == HOLIDAY
    return f"on a {'public holiday' if holiday else f'{as_date(int(day[0])):%A}'} at this time"
