"""Like days: past days on which the site, and the whole city, stood as they stand now.

What happened next on those days, weighted by how like they are, is a forecast that follows shapes no average
shows: a late morning, a full afternoon, a Saturday before Christmas. All distances are in spreads.
"""

from dataclasses import dataclass

import numpy as np

from parking.forecast.memory import Memory, read_curve
from parking.forecast.samples import Samples
from parking.forecast.series import Floats, Ints
from parking.forecast.usual import day_type

_TRAIL = 6
"""Quarter hours back over which the city is compared: an hour and a half."""
_SLOPE = 0.5
"""Weight of the last hour's change beside the level."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """How fast weight falls: `width`, the price of another weekday and another type of day, the city's part.

    Widths and prices are in spreads, `age_days` is the half-life of a day's weight.
    """

    width: float
    weekday: float
    type: float
    city: float
    age_days: float


SAME_KIND = Kernel(width=1.1, weekday=2.1, type=5.7, city=0.3, age_days=14)
ALIKE = Kernel(width=0.7, weekday=1.1, type=2.8, city=1.0, age_days=14)
ANY_KIND = Kernel(width=0.5, weekday=0.5, type=1.5, city=0.5, age_days=30)
"""From what the calendar says to what the counts say; the blend learns which to believe when."""


@dataclass(frozen=True, slots=True)
class LikeDays:
    """The forecasts: the mean `change` from origin to target, and the mean `level` there; the likest row."""

    change: Floats
    level: Floats
    likest: Ints


@dataclass(frozen=True, slots=True)
class Likeness:
    """For each sample and past day: levels at origin and target, squared distances, other kinds of day."""

    at_origin: Floats
    at_target: Floats
    own: Floats
    whole: Floats
    other_kind: Floats
    other_type: Floats
    age: Ints

    @classmethod
    def of(cls, samples: Samples, *, memory: Memory, spread: Floats, kinds: Ints, day: int) -> "Likeness":
        """Compare the samples, whose origins lie in `day`, with all days before it."""
        row = day - memory.first_day
        past = np.arange(row)[None, :]
        ahead = (samples.target_day - day)[:, None]
        site = samples.site[:, None]
        slot = samples.slot[:, None]
        at_origin = read_curve(memory.level, site=site, row=past, slot=slot)
        at_target = read_curve(memory.level, site=site, row=past + ahead, slot=samples.target_slot[:, None])
        at_target = np.where(past + ahead < row, at_target, np.nan)
        scale = spread[samples.site][:, None]
        own = ((samples.value[:, None] - at_origin) / scale) ** 2
        own += _SLOPE * _slopes(samples, memory.level, at_origin, row=row) / scale**2
        origins, which = np.unique(samples.origin, return_inverse=True)
        places = memory.calendar.place(origins)[1]
        whole = [
            _city(memory, spread, row=row, origin=int(origin), slot=int(place))
            for origin, place in zip(origins, places, strict=True)
        ]
        aim = kinds[np.minimum(samples.target_day - memory.first_day, len(kinds) - 1)][:, None]
        then = kinds[np.minimum(past + ahead, len(kinds) - 1)]
        return cls(
            at_origin,
            at_target,
            own,
            np.stack(whole)[which.reshape(-1)],
            (aim != then).astype(np.float64),
            (day_type(aim) != day_type(then)).astype(np.float64),
            row - past[0],
        )


def _slopes(samples: Samples, level: Floats, at_origin: Floats, *, row: int) -> Floats:
    """The squared differences of the last hour's change, today against each past day; 0 where unknown."""
    slot = samples.slot - 4
    site = samples.site
    today = read_curve(level, site=site, row=np.full(len(site), row), slot=np.maximum(slot, 0))
    today = np.where(slot >= 0, samples.value - today, np.nan)
    past = np.arange(at_origin.shape[1])[None, :]
    before = read_curve(level, site=site[:, None], row=past, slot=np.maximum(slot, 0)[:, None])
    return np.nan_to_num((today[:, None] - (at_origin - before)) ** 2)


def _city(memory: Memory, spread: Floats, *, row: int, origin: int, slot: int) -> Floats:
    """All sites' mean squared distance from each past day over the trail.

    Only what was known at `origin` counts. Without anything known every day is equally far.
    """
    trail = slice(max(slot - _TRAIL + 1, 0), slot + 1)
    today = np.where(memory.known[:, row, trail] <= origin, memory.level[:, row, trail], np.nan)
    apart = (memory.level[:, :row, trail] - today[:, None, :]) / spread[:, None, None]
    known = ~np.isnan(apart)
    count = known.sum(axis=(0, 2))
    distance = np.where(known, apart**2, 0).sum(axis=(0, 2)) / np.maximum(count, 1)
    some = count > 0
    return np.where(some, distance, float(distance[some].mean()) if some.any() else 0.0)


def like_days(likeness: Likeness, kernel: Kernel) -> LikeDays:
    """What happened next on like days; NaN without any."""
    distance = (
        likeness.own
        + kernel.city * likeness.whole
        + kernel.weekday**2 * likeness.other_kind
        + (kernel.type**2 - kernel.weekday**2) * likeness.other_type
    )
    change = likeness.at_target - likeness.at_origin
    usable = ~np.isnan(change)
    distance = np.where(usable, distance, np.inf)
    if not distance.shape[1]:
        nothing = np.full(len(distance), np.nan)
        return LikeDays(nothing, nothing, np.full(len(distance), -1))
    nearest = distance.min(axis=1, keepdims=True)
    distance -= np.where(np.isfinite(nearest), nearest, 0)  # else on a day like no other all weights vanish
    weights = np.exp(-0.5 * distance / kernel.width**2) * 0.5 ** (likeness.age / kernel.age_days)
    total = weights.sum(axis=1)
    found = total > 0
    weights /= np.where(found, total, 1)[:, None]

    def mean(values: Floats) -> Floats:
        summed = np.where(usable, values * weights, 0).sum(axis=1)
        return np.where(found, summed, np.nan)

    return LikeDays(mean(change), mean(likeness.at_target), np.where(found, weights.argmax(axis=1), -1))
