"""The simple forecasts to beat, each made from counts no later than the origin."""

from typing import Final

import numpy as np

from parking.forecast.calendar import Calendar
from parking.forecast.pairs import TOLERANCE_S, nearest
from parking.forecast.series import Bools, Floats, Ints, Series

BASELINES: Final = (
    "persistence",
    "same time last week",
    "hour-by-weekday mean",
    "last week + today's difference",
)
_WEEK_S: Final = 7 * 86_400
_BUCKETS: Final = 7 * 24


def baselines(levels: Series, calendar: Calendar, *, origin: Ints, target: Ints) -> Floats:
    """What each baseline says [point, baseline] for a site's origins (indices of counts) and targets (times).

    NaN where it has nothing to say: no count within a quarter of an hour of the same time last week, or none
    yet in that hour of the week. `levels` are fractions of the capacity.
    """
    now = levels.occupied[origin]
    last_week, then_known = _week_before(levels, calendar, target)
    at_origin, now_known = _week_before(levels, calendar, levels.times[origin])
    columns = (
        now,
        np.where(then_known, last_week, np.nan),
        _hour_means(levels, calendar, origin=origin, target=target),
        np.where(then_known & now_known, np.clip(last_week + now - at_origin, 0, 1), np.nan),
    )
    return np.stack(columns, axis=1)


def _week_before(levels: Series, calendar: Calendar, times: Ints) -> tuple[Floats, Bools]:
    """The level a week before by the clock on the wall, and whether there is one."""
    shift = calendar.offset(times) - calendar.offset(times - _WEEK_S)
    index, near = nearest(levels.times, times - _WEEK_S + shift, within=TOLERANCE_S)
    return levels.occupied[index], near


def _hour_means(levels: Series, calendar: Calendar, *, origin: Ints, target: Ints) -> Floats:
    """The mean of all counts up to the origin in the target's hour of the week."""
    of_count, wanted = _bucket(calendar, levels.times), _bucket(calendar, target)
    found = np.full(len(target), np.nan)
    for bucket in np.unique(wanted).tolist():
        members = np.flatnonzero(of_count == bucket)
        sums = np.concatenate(([0.0], np.cumsum(levels.occupied[members])))
        mine = np.flatnonzero(wanted == bucket)
        count = np.searchsorted(members, origin[mine], side="right")
        some = count > 0
        found[mine[some]] = sums[count[some]] / count[some]
    return found


def _bucket(calendar: Calendar, times: Ints) -> Ints:
    day, slot = calendar.place(times)
    return (day % 7 * 24 + np.floor(slot / 4).astype(np.int64)) % _BUCKETS
