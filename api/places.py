"""What lies near a place: the sites nearest first, and the spaces of each that would do.

Each site has a ball around all of its bays and entrances, so one subtraction for each tells how near it can
be. Bays are looked at only of the sites whose balls come next, so many sites at a time.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from api.bays import VACANT
from api.live import LiveSite, LiveView
from api.sphere import Bools, Floats, Ints, Points, metres, on_sphere, spans, square_of
from parking.model import Counting

BAYS_SHOWN: Final = 5
BLOCK: Final = 64
"""So many sites are looked at together."""
ORDINARY: Final = "standard"
"""What a space is of which nothing else is said."""
_TRIFLE: Final = 1e-9
"""Of the earth's radius, 6 mm: more than rounding can do to a ball."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where (`radius_m` in metres), what kinds of space would do (none: any), and for how many minutes."""

    lat: float
    lon: float
    radius_m: float
    categories: frozenset[str] = frozenset()
    stay_min: int | None = None


@dataclass(slots=True)
class Spaces:
    """The spaces of a site that would do, and the longest stay that they allow (None: not known)."""

    vacant: int
    occupied: int
    unknown: int
    max_stay_min: int | None = None


class Places:
    """Every site with its bays, entrances and own location. Built anew with each registry."""

    def __init__(self, view: LiveView) -> None:
        self.registry_version = view.registry_version
        self.table = table = view.bays
        self.sites = list(view.sites.values())
        self.told = np.array([name not in view.withheld for name in table.categories], dtype=np.bool_)
        place_of = {id: place for place, id in enumerate(view.sites)}
        # The table numbers only the sites that have bays.
        owners = np.array([place_of[id] for id in table.sites], dtype=np.int64)
        self.starts, self.ends = np.zeros((2, len(self.sites)), dtype=np.int64)
        self.starts[owners], self.ends[owners] = table.starts, table.ends
        limits = [view.sites[id].facts.details.max_stay_min or 0 for id in table.sites]
        own = table.max_stay_min
        self.max_stay_min = np.where(own > 0, own, np.array(limits, dtype=np.int32)[table.site])
        self.bays = Points(table.lons, table.lats)
        others = [(place, *at) for place, site in enumerate(self.sites) for at in _points(site)]
        columns = np.array(others, dtype=np.float64).reshape(-1, 3)
        self.points = Points(columns[:, 1], columns[:, 2])
        of_point = columns[:, 0].astype(np.int64)
        edges = np.searchsorted(of_point, np.arange(len(self.sites) + 1))
        self.point_starts, self.point_ends = edges[:-1], edges[1:]
        self._balls = _Balls(len(self.sites), (owners[table.site], self.bays), (of_point, self.points))

    def fitting(self, rows: Ints, wanted: Wanted) -> Bools:
        """Which of the bays in `rows` are of the right kind and may be stayed in long enough."""
        fits = np.ones(len(rows), dtype=np.bool_)
        if wanted.categories:
            kinds = np.array([name in wanted.categories for name in self.table.categories], dtype=np.bool_)
            fits &= kinds[self.table.category[rows]]
        if wanted.stay_min is not None:
            limits = self.max_stay_min[rows]
            fits &= (limits == 0) | (limits >= wanted.stay_min)
        return fits

    def near(self, wanted: Wanted, among: Bools | None = None) -> Iterator["Near"]:
        """The sites within the radius, nearest first; of those by number that `among` has, if given."""
        here = np.array(on_sphere(np.array(wanted.lon), np.array(wanted.lat)))
        most = square_of(wanted.radius_m)
        gaps = self._balls.gaps(here)
        may = gaps <= np.sqrt(most)
        (sites,) = np.nonzero(may if among is None else may & among)
        sites = sites[np.argsort(gaps[sites])]
        waiting: list[Near] = []
        for first in range(0, len(sites), BLOCK):
            rest = first + BLOCK
            waiting += _Block(self, sites[first:rest], wanted, here, most).near()
            waiting.sort()
            # What is not nearer than the next ball waits for it; equal distances go by number.
            gap_m = metres(max(gaps[sites[rest]], 0.0) ** 2) if rest < len(sites) else np.inf
            ready = bisect_left(waiting, (gap_m,))
            yield from waiting[:ready]
            del waiting[:ready]


def _points(site: LiveSite) -> Iterator[tuple[float, float]]:
    if site.facts.location is not None:
        yield site.facts.location
    for entrance in site.facts.details.entrances:
        yield entrance.lon, entrance.lat


class _Balls:
    """A ball around all points of each site (by number); the others are nowhere."""

    def __init__(self, count: int, *parts: tuple[Ints, Points]) -> None:
        owners = np.concatenate([of for of, _ in parts])
        at = np.stack([np.concatenate([getattr(p, axis) for _, p in parts]) for axis in "xyz"])
        located = ~np.isnan(at[0])
        owners, at = owners[located], at[:, located]
        number = np.bincount(owners, minlength=count)
        with np.errstate(invalid="ignore"):
            self._centre = np.stack([np.bincount(owners, axis, count) / number for axis in at])
        self._reach = np.zeros(count)
        np.maximum.at(self._reach, owners, np.sqrt(((at - self._centre[:, owners]) ** 2).sum(axis=0)))

    def gaps(self, here: Floats) -> Floats:
        """How far each site is at least, as a chord; negative within its ball, NaN where it is nowhere."""
        x, y, z = self._centre
        squares = (x - here[0]) ** 2 + (y - here[1]) ** 2 + (z - here[2]) ** 2
        gaps: Floats = np.sqrt(squares) - self._reach - _TRIFLE
        return gaps


class Near(NamedTuple):
    """One site near, by its number. It is as far (in metres along the ground) as its nearest free bay that
    would do, else as its nearest bay that would do, entrance or own location.
    """

    metres: float
    place: int
    block: "_Block"
    number: int

    def spaces(self, site: LiveSite) -> Spaces | None:
        """The spaces of the whole site that would do; None where it has none."""
        return self.block.spaces(self.number, site)

    def free_bays(self) -> list[tuple[int, float]]:
        """(row, metres) of its nearest free bays within the radius.

        Bays that are not told of one by one are never among them, though they count in the site's numbers.
        """
        return self.block.free_bays(self.number)


class _Block:
    """Some sites whose bays are looked at together; `number` is a site's place among them."""

    def __init__(self, places: Places, sites: Ints, wanted: Wanted, here: Floats, most: float) -> None:
        table, count = places.table, len(sites)
        self._sites, self._wanted = sites, wanted
        starts, ends = places.starts[sites], places.ends[sites]
        rows, numbers = spans(starts, ends), np.repeat(np.arange(count), ends - starts)
        self._all = not wanted.categories and wanted.stay_min is None
        if not self._all:
            fits = places.fitting(rows, wanted)
            rows, numbers = rows[fits], numbers[fits]
        states = table.state[rows]
        longest = np.zeros(count, dtype=np.int64)
        np.maximum.at(longest, numbers, places.max_stay_min[rows])
        self._longest: list[int] = longest.tolist()
        counted = np.bincount(3 * numbers + states, minlength=3 * count).reshape(-1, 3)
        self._counted: list[list[int]] = counted.tolist()

        squares = places.bays.squares(here, rows)
        nearest, free = np.full((2, count), np.inf)
        close = squares <= most
        np.minimum.at(nearest, numbers[close], squares[close])
        close &= (states == VACANT) & places.told[table.category[rows]]
        self._rows, self._squares, numbers = rows[close], squares[close], numbers[close]
        np.minimum.at(free, numbers, self._squares)
        self._edges: list[int] = np.searchsorted(numbers, np.arange(count + 1)).tolist()

        starts, ends = places.point_starts[sites], places.point_ends[sites]
        points, numbers = spans(starts, ends), np.repeat(np.arange(count), ends - starts)
        squares = places.points.squares(here, points)
        close = squares <= most
        np.minimum.at(nearest, numbers[close], squares[close])
        self._nearest = np.where(free < np.inf, free, nearest)

    def near(self) -> Iterator[Near]:
        """Those within the radius."""
        (numbers,) = np.nonzero(self._nearest < np.inf)
        of = metres(self._nearest[numbers]).tolist(), self._sites[numbers].tolist(), numbers.tolist()
        return (Near(far, place, self, number) for far, place, number in zip(*of, strict=True))

    def spaces(self, number: int, site: LiveSite) -> Spaces | None:
        """As `Near.spaces`."""
        if site.facts.counting is Counting.GATES:
            return _by_gates(site, self._wanted)
        longest = self._longest[number] or None
        if self._all:
            now = site.snapshot
            return Spaces(now.vacant, now.occupied, now.unknown, longest)
        vacant, occupied, unknown = self._counted[number]
        return Spaces(vacant, occupied, unknown, longest) if vacant + occupied + unknown else None

    def free_bays(self, number: int) -> list[tuple[int, float]]:
        """As `Near.free_bays`."""
        mine = slice(self._edges[number], self._edges[number + 1])
        nearest = np.argsort(self._squares[mine], kind="stable")[:BAYS_SHOWN]
        far = metres(self._squares[mine][nearest])
        return list(zip(self._rows[mine][nearest].tolist(), far.tolist(), strict=True))


def _by_gates(site: LiveSite, wanted: Wanted) -> Spaces | None:
    """Gates count vehicles, not kinds of spaces: of one kind only bounds are known.

    Of `vacant` free spaces at least those are of the kinds asked for that the others cannot take up. Where
    nothing is said of kinds, all spaces are ordinary.
    """
    now, details = site.snapshot, site.facts.details
    if (
        wanted.stay_min is not None
        and details.max_stay_min is not None
        and details.max_stay_min < wanted.stay_min
    ):
        return None
    if not wanted.categories:
        return Spaces(now.vacant, now.occupied, now.unknown, details.max_stay_min)
    marked = dict(details.spaces)
    marked[ORDINARY] = marked.get(ORDINARY, 0) + max(now.capacity - sum(marked.values()), 0)
    size = min(sum(number for kind, number in marked.items() if kind in wanted.categories), now.capacity)
    if size == 0:
        return None
    least, most = max(now.free_min - (now.capacity - size), 0), min(now.free_max, size)
    return Spaces(least, size - most, most - least, details.max_stay_min)
