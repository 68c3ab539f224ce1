"""The last weeks as curves: for each site and local day, how full it was at each quarter hour.

A quarter hour's level lies on the line between the counts around it. It is *known* from the later of the two
on, and nothing that looks back from a moment may use what was not yet known then.
"""

import numpy as np

from parking.forecast.calendar import SLOT_S, SLOTS, Calendar
from parking.forecast.series import Floats, Ints

GAP_S = 65 * 60
"""Counts further apart than this say nothing about what lay between them. Hourly counts are near enough."""
NEAR_S = 20 * 60
"""Beside a gap a count stands for the quarter hours this close to it."""


class Memory:
    """Curves of `sites` over the latest `window` days and today; levels are fractions of the capacity."""

    def __init__(self, sites: int, calendar: Calendar, *, first_day: int, window: int) -> None:
        self.calendar = calendar
        self.window = window
        self.first_day = first_day
        self.level = np.full((sites, 3, SLOTS), np.nan)
        self.known = np.full((sites, 3, SLOTS), np.inf)
        self.deviation = np.full((sites, 3, SLOTS), np.nan)
        self._last: list[tuple[int, float] | None] = [None] * sites

    @property
    def days(self) -> int:
        """How many days the curves have room for."""
        return self.level.shape[1]

    def reach(self, day: int) -> None:
        """Make room up to the day after `day`, and forget what is older than the window."""
        more = day + 2 - self.first_day - self.days
        if more > 0:
            room = ((0, 0), (0, more), (0, 0))
            self.level = np.pad(self.level, room, constant_values=np.nan)
            self.known = np.pad(self.known, room, constant_values=np.inf)
            self.deviation = np.pad(self.deviation, room, constant_values=np.nan)
        old = day - self.window - self.first_day
        if old > 0:
            self.first_day += old
            # Copies, not views: curves are read flat, and flattening a view would copy it at every reading.
            self.level = self.level[:, old:].copy()
            self.known = self.known[:, old:].copy()
            self.deviation = self.deviation[:, old:].copy()

    def extend(self, site: int, times: Ints, levels: Floats) -> None:
        """Draw a site's curve on through later counts, in order of time."""
        before = self._last[site]
        if before is not None:
            times = np.concatenate(([before[0]], times))
            levels = np.concatenate(([before[1]], levels))
        self._last[site] = (int(times[-1]), float(levels[-1]))
        start = times[0] + 1 if before is not None else times[0] - NEAR_S
        grid = np.arange(-(-start // SLOT_S), times[-1] // SLOT_S + 1) * SLOT_S
        if not len(grid):
            return
        drawn, known = _between(grid, times, levels)
        day, slot = self.calendar.place(grid)
        fits = (day >= self.first_day) & (day < self.first_day + self.days) & ~np.isnan(drawn)
        where = (site, day[fits] - self.first_day, slot[fits].astype(np.int64))
        self.level[where] = drawn[fits]
        self.known[where] = known[fits]


def read_curve(curves: Floats, *, site: Ints, row: Ints, slot: Floats) -> Floats:
    """Values of curves [site, row, slot] between quarter hours, the arguments broadcast against each other.

    Where one neighbour is missing the other stands; rows outside are not known.
    """
    rows = curves.shape[1]
    flat = curves.reshape(curves.shape[0], -1)
    whole = np.floor(slot).astype(np.int64)
    index = row * SLOTS + whole
    part = slot - whole
    inside = (row >= 0) & (row < rows)
    index = np.minimum(np.maximum(index, 0), rows * SLOTS - 1)
    low = flat[site, index]
    high = flat[site, np.minimum(index + 1, rows * SLOTS - 1)]
    found = low + (high - low) * part
    found = np.where(np.isnan(low), high, np.where(np.isnan(high), low, found))
    return np.where(inside, found, np.nan)


def _between(grid: Ints, times: Ints, levels: Floats) -> tuple[Floats, Floats]:
    """Levels on the grid from the counts around it, and when each was known."""
    after = np.searchsorted(times, grid)
    right = np.minimum(after, len(times) - 1)
    left = np.maximum(np.where(times[right] == grid, after, after - 1), 0)
    span = times[right] - times[left]
    share = (grid - times[left]) / np.maximum(span, 1)
    line = levels[left] + (levels[right] - levels[left]) * np.clip(share, 0, 1)
    to_left, to_right = np.abs(grid - times[left]), np.abs(times[right] - grid)
    beside = np.where(to_left <= to_right, levels[left], levels[right])
    near = np.minimum(to_left, to_right) <= NEAR_S
    drawn = np.where(span <= GAP_S, np.where((span > 0) | near, line, np.nan), np.where(near, beside, np.nan))
    return drawn, np.maximum(times[right], grid).astype(np.float64)
