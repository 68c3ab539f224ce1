"""The simple forecasts that are blended, each of which a person could make and understand.

For samples in columns: a site, the moment and level of its latest count (the origin), and the moment asked
for (the target). Everything looks back from the origin only. Deviations are measured in each site's own usual
deviation, `spread`, so that a lively and a steady site can teach each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from parking.forecast.calendar import SLOT_S
from parking.forecast.likeness import ALIKE, ANY_KIND, SAME_KIND, Likeness, like_days
from parking.forecast.memory import Memory, read_curve
from parking.forecast.samples import Samples
from parking.forecast.series import Floats, Ints

EXPERTS: Final = (
    "now",
    "last week and today's difference",
    "usual",
    "usual and today's difference",
    "learned correction",
    "changes on days of the same kind",
    "levels on days of the same kind",
    "changes on days alike",
    "levels on days alike",
    "changes on days of any kind",
    "levels on days of any kind",
)
"""The experts, in the order of their columns."""
NOW, LAST_WEEK, USUAL, SHIFTED, LEARNED = range(5)
CHANGES, LEVELS_THEN = [5, 7, 9], [6, 8, 10]
FEATURES: Final = 6


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of each sample before anything is learned: `experts` [sample, expert] as levels."""

    usual_now: Floats
    usual: Floats
    features: Floats
    experts: Floats
    likest: Ints

    def where(self, rows: Ints) -> "Outlook":
        """The rows with these numbers."""
        return Outlook(
            self.usual_now[rows], self.usual[rows], self.features[rows], self.experts[rows], self.likest[rows]
        )


def joined(parts: Sequence[Outlook]) -> Outlook:
    """Several outlooks as one."""
    return Outlook(
        np.concatenate([part.usual_now for part in parts]),
        np.concatenate([part.usual for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.experts for part in parts]),
        np.concatenate([part.likest for part in parts]),
    )


def outlook(
    samples: Samples, *, memory: Memory, usual: Floats, spread: Floats, kinds: Ints, day: int
) -> Outlook:
    """The experts for samples whose origins all lie in `day`, from the curves as they were that morning.

    `usual` is [site, 2, slot], for that day and the next; `kinds` has the kind of every row of the memory.
    The learned correction's column is the shifted usual until the caller fills it.
    """
    today = np.zeros(len(samples), dtype=np.int64)
    usual_now = read_curve(usual, site=samples.site, row=today, slot=samples.slot)
    usual_now = np.where(np.isnan(usual_now), samples.value, usual_now)
    then = read_curve(usual, site=samples.site, row=samples.target_day - day, slot=samples.target_slot)
    shifted = then + samples.value - usual_now
    likeness = Likeness.of(samples, memory=memory, spread=spread, kinds=kinds, day=day)
    like = [like_days(likeness, kernel) for kernel in (SAME_KIND, ALIKE, ANY_KIND)]
    columns = (
        samples.value,
        _last_week(samples, memory, kinds),
        then,
        shifted,
        shifted,
        *(column for days in like for column in (days.change + samples.value, days.level)),
    )
    experts = np.stack([np.where(np.isnan(column), shifted, column) for column in columns], axis=1)
    deviation = samples.value - usual_now
    features = _features(samples, memory, usual, deviation=deviation, day=day) / spread[samples.site][:, None]
    return Outlook(
        usual_now, then, np.clip(np.nan_to_num(features), -5, 5), np.clip(experts, 0, 1), like[0].likest
    )


def _last_week(samples: Samples, memory: Memory, kinds: Ints) -> Floats:
    """Last week's level at the target's time, and by how much today differs; not if it was another kind."""
    row = samples.target_day - memory.first_day
    then = read_curve(memory.level, site=samples.site, row=row - 7, slot=samples.target_slot)
    origin_row = samples.day - memory.first_day
    at_origin = read_curve(memory.level, site=samples.site, row=origin_row - 7, slot=samples.slot)
    last = len(kinds) - 1
    same = kinds[np.clip(row, 0, last)] == kinds[np.clip(row - 7, 0, last)]
    return np.where(same, then + samples.value - at_origin, np.nan)


def _features(samples: Samples, memory: Memory, usual: Floats, *, deviation: Floats, day: int) -> Floats:
    """Deviations [sample, feature]: now, how it changed of late, and yesterday's at both times of day."""
    site = samples.site
    row = np.full(len(samples), day - memory.first_day)
    columns = [deviation]
    for minutes in (30, 60, 120):
        slot = samples.slot - minutes * 60 / SLOT_S
        past = np.maximum(slot, 0)
        before = read_curve(memory.level, site=site, row=row, slot=past)
        before = before - read_curve(usual, site=site, row=row * 0, slot=past)
        columns.append(np.where(slot >= 0, deviation - before, 0))
    for slot in (samples.target_slot, samples.slot):
        columns.append(read_curve(memory.deviation, site=site, row=row - 1, slot=slot))
    return np.stack(columns, axis=1)
