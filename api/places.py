"""What lies near a place: bays, entrances and sites on grids, and the spaces of a site that would do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.bays import VACANT
from api.grid import Floats, Grid, Ints, spans
from api.live import LiveSite, LiveView
from parking.model import Counting

BAYS_SHOWN: Final = 5
ORDINARY: Final = "standard"
"""What a space is of which nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where (`radius_m` in metres), what kinds of space would do (none: any), and for how many minutes."""

    lat: float
    lon: float
    radius_m: float
    categories: frozenset[str] = frozenset()
    stay_min: int | None = None


@dataclass(frozen=True, slots=True)
class Spaces:
    """The spaces of a site that would do, and the longest stay that they allow (None: not known)."""

    vacant: int
    occupied: int
    unknown: int
    max_stay_min: int | None = None


class Places:
    """Every bay, site and entrance that has a location, on grids. Built anew with each registry."""

    def __init__(self, view: LiveView) -> None:
        self.registry_version = view.registry_version
        self.table = table = view.bays
        self.withheld = view.withheld
        self.sites = list(view.sites)
        place_of = {id: place for place, id in enumerate(self.sites)}
        points = [(place, *at) for place, id in enumerate(self.sites) for at in _points(view.sites[id])]
        columns = np.array(points, dtype=np.float64).reshape(-1, 3)
        self._points = Grid(columns[:, 1].copy(), columns[:, 2].copy())
        self._site_of_point = columns[:, 0].astype(np.int64)
        self._bays = Grid(table.lons, table.lats)
        # The table numbers only the sites that have bays.
        owners = np.array([place_of[id] for id in table.sites], dtype=np.int64)
        self.site_of_bay = owners[table.site]
        self.starts, self.ends = np.zeros((2, len(self.sites)), dtype=np.int64)
        self.starts[owners], self.ends[owners] = table.starts, table.ends
        limits = [view.sites[id].facts.details.max_stay_min or 0 for id in table.sites]
        own = table.max_stay_min
        self.max_stay_min = np.where(own > 0, own, np.array(limits, dtype=np.int32)[table.site])

    def fitting(self, rows: Ints, wanted: Wanted) -> Ints:
        """Places in `rows` of those bays that are of the right kind and may be stayed in long enough."""
        fits = np.ones(len(rows), dtype=np.bool_)
        if wanted.categories:
            kinds = np.array([name in wanted.categories for name in self.table.categories], dtype=np.bool_)
            fits &= kinds[self.table.category[rows]]
        if wanted.stay_min is not None:
            limits = self.max_stay_min[rows]
            fits &= (limits == 0) | (limits >= wanted.stay_min)
        return np.nonzero(fits)[0]

    def near(self, wanted: Wanted) -> "Near":
        """What is near."""
        area = {"lat": wanted.lat, "lon": wanted.lon, "radius_m": wanted.radius_m}
        rows, metres = self._bays.within(**area)
        fits = self.fitting(rows, wanted)
        points, point_metres = self._points.within(**area)
        return Near(self, rows[fits], metres[fits], self._site_of_point[points], point_metres)


def _points(site: LiveSite) -> Iterator[tuple[float, float]]:
    if site.facts.location is not None:
        yield site.facts.location
    for entrance in site.facts.details.entrances:
        yield entrance.lon, entrance.lat


class Near:
    """What is near: `sites` by their places, nearest first, their `distances_m`, and the free bays of each.

    A site is as far as its nearest free bay, else as its nearest bay, entrance or own location. Bays that are
    not told of one by one are never among the free ones here, though they count in the site's numbers.
    """

    def __init__(
        self, places: Places, rows: Ints, metres: Floats, point_sites: Ints, point_metres: Floats
    ) -> None:
        self._owners = places.site_of_bay[rows]
        self._rows, self._metres = rows, metres
        table = places.table
        told = np.array([name not in places.withheld for name in table.categories], dtype=np.bool_)
        self._free = (table.state[rows] == VACANT) & told[table.category[rows]]
        nearest, free = np.full((2, len(places.sites)), np.inf)
        np.minimum.at(nearest, self._owners, metres)
        np.minimum.at(nearest, point_sites, point_metres)
        np.minimum.at(free, self._owners[self._free], metres[self._free])
        (found,) = np.nonzero(nearest < np.inf)
        distances = np.where(free[found] < np.inf, free[found], nearest[found])
        order = np.argsort(distances, kind="stable")
        self.sites, self.distances_m = found[order], distances[order]

    def free_bays(self, place: int) -> list[tuple[int, float]]:
        """(row, metres) of the nearest free bays of a site."""
        (mine,) = np.nonzero(self._free & (self._owners == place))
        mine = mine[np.argsort(self._metres[mine], kind="stable")][:BAYS_SHOWN]
        return list(zip(self._rows[mine].tolist(), self._metres[mine].tolist(), strict=True))


class Matching:
    """The spaces that would do of each of some sites (by their places), over the whole site."""

    def __init__(self, places: Places, sites: Ints, wanted: Wanted) -> None:
        self._wanted = wanted
        ordered = np.sort(sites)
        rows = spans(places.starts[ordered], places.ends[ordered])
        rows = rows[places.fitting(rows, wanted)]
        number = np.searchsorted(ordered, places.site_of_bay[rows])
        count = len(ordered)
        states = np.bincount(3 * number + places.table.state[rows], minlength=3 * count).reshape(-1, 3)
        longest = np.zeros(count, dtype=np.int64)
        np.maximum.at(longest, number, places.max_stay_min[rows])
        self._counted = dict(
            zip(ordered.tolist(), zip(states.tolist(), longest.tolist(), strict=True), strict=True)
        )

    def spaces(self, place: int, site: LiveSite) -> Spaces | None:
        """The spaces that would do of one of these sites; None where it has none."""
        if site.facts.counting is Counting.GATES:
            return _by_gates(site, self._wanted)
        (vacant, occupied, unknown), longest = self._counted[place]
        if not self._wanted.categories and self._wanted.stay_min is None:
            now = site.snapshot
            return Spaces(now.vacant, now.occupied, now.unknown, longest or None)
        return Spaces(vacant, occupied, unknown, longest or None) if vacant + occupied + unknown else None


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
