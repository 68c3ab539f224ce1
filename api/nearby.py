"""Where a driver near a place can park: distances over all bays at once, then the few that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import msgspec
import numpy as np
from numpy.typing import NDArray

from api.bodies import NearBay, NearSite, Point, site_body
from api.live import LiveSite, LiveView
from parking.db.live import Location
from parking.model import Counting, Occupancy

Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8
DETOUR = 1.3
"""Streets are not straight: walked distance over straight distance, a usual figure for towns."""
WALKING_M_PER_MINUTE = 75.0
BAYS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a driver asks for: within `radius_m` metres, `categories` empty for any."""

    lat: float
    lon: float
    radius_m: float
    limit: int
    categories: frozenset[str] = frozenset()
    include_full: bool = False


def distances_m(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    """Metres along the earth's surface from one place to many (haversine, degrees in)."""
    phi, phis = np.radians(lat), np.radians(lats)
    half_lat = np.sin((phis - phi) / 2)
    half_lon = np.sin(np.radians(lons - lon) / 2)
    chord = half_lat**2 + np.cos(phi) * np.cos(phis) * half_lon**2
    result: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return result


def walking_minutes(distance_m: float) -> int:
    """Whole minutes on foot, rounded up."""
    return ceil(distance_m * DETOUR / WALKING_M_PER_MINUTE)


class Places:
    """Every bay and site that has a location, as arrays. Built anew with each registry."""

    def __init__(self, view: LiveView) -> None:
        self.registry_version = view.registry_version
        bays = [(bay.id, bay.location) for bay in view.bays.values()]
        sites = [(id, site.facts.location) for id, site in view.sites.items()]
        self._bay_ids, self._bay_lats, self._bay_lons = _arrays(bays)
        self._site_ids, self._site_lats, self._site_lons = _arrays(sites)

    def bays_within(self, query: Query) -> list[tuple[float, str]]:
        """(distance, id) of each bay within the radius, nearest first."""
        return within(query, self._bay_ids, self._bay_lats, self._bay_lons)

    def sites_within(self, query: Query) -> list[tuple[float, str]]:
        """(distance, id) of each site whose own location is within the radius, nearest first."""
        return within(query, self._site_ids, self._site_lats, self._site_lons)


@dataclass(slots=True)
class _Found:
    """What is near of one site: the distance to the site or its nearest bay, and the free bays."""

    distance_m: float
    free: list[tuple[float, str]]


def nearby(view: LiveView, places: Places, query: Query) -> list[NearSite]:
    """The sites near a place, nearest first; a full or wholly unknown one only with `include_full`.

    A space whose state is unknown is never counted as free.
    """
    found: dict[str, _Found] = {id: _Found(distance, []) for distance, id in places.sites_within(query)}
    for distance, bay_id in places.bays_within(query):
        bay = view.bays[bay_id]
        if query.categories and bay.category not in query.categories:
            continue
        near = found.setdefault(bay.site, _Found(distance, []))
        near.distance_m = min(near.distance_m, distance)
        if view.sites[bay.site].bays[bay_id].state is Occupancy.VACANT:
            near.free.append((distance, bay_id))
    results = [_result(view, view.sites[id], near, query) for id, near in found.items()]
    wanted = [result for result in results if result is not None]
    return sorted(wanted, key=lambda result: (result.distance_m, result.id))[: query.limit]


def _result(view: LiveView, site: LiveSite, near: _Found, query: Query) -> NearSite | None:
    counts = _matching(view, site, query.categories)
    if counts is None or not (query.include_full or (counts[0] > 0 and site.snapshot.status == "open")):
        return None
    now = view.clock.now()
    body = site_body(site, as_of=view.as_of(site), stale=view.is_stale(site, now))
    distance = near.free[0][0] if near.free else near.distance_m
    return NearSite(
        **msgspec.structs.asdict(body),
        distance_m=round(distance),
        walking_minutes=walking_minutes(distance),
        matching_vacant=counts[0],
        matching_unknown=counts[1],
        bays=[_near_bay(view, bay, metres) for metres, bay in near.free[:BAYS_SHOWN]],
    )


def _matching(view: LiveView, site: LiveSite, categories: frozenset[str]) -> tuple[int, int] | None:
    """(vacant, unknown) spaces of these categories; None where the site has none of them."""
    if not categories:
        return site.snapshot.vacant, site.snapshot.unknown
    if site.facts.counting is Counting.GATES:
        # The gates count vehicles, not kinds of bays: only for an ordinary space is the count an answer.
        return (site.snapshot.vacant, site.snapshot.unknown) if "standard" in categories else None
    states = [now.state for bay, now in site.bays.items() if view.bays[bay].category in categories]
    return (states.count(Occupancy.VACANT), states.count(Occupancy.UNKNOWN)) if states else None


def _near_bay(view: LiveView, bay_id: str, distance_m: float) -> NearBay:
    bay = view.bays[bay_id]
    assert bay.location is not None, "only bays with a location are found"
    return NearBay(
        id=bay.id, category=bay.category, location=Point(*bay.location), distance_m=round(distance_m)
    )


def _arrays(places: Sequence[tuple[str, Location | None]]) -> tuple[list[str], Floats, Floats]:
    located = [(id, location) for id, location in places if location is not None]
    lons = np.array([location[0] for _, location in located], dtype=np.float64)
    lats = np.array([location[1] for _, location in located], dtype=np.float64)
    return [id for id, _ in located], lats, lons


def within(query: Query, ids: list[str], lats: Floats, lons: Floats) -> list[tuple[float, str]]:
    """(distance, id) of each place within the radius, nearest first."""
    # First a band of latitude: cheap, and leaves few for the trigonometry.
    band = np.degrees(query.radius_m / EARTH_RADIUS_M) * 1.001
    (rows,) = np.nonzero(np.abs(lats - query.lat) <= band)
    distances = distances_m(query.lat, query.lon, lats[rows], lons[rows])
    (close,) = np.nonzero(distances <= query.radius_m)
    nearest = close[np.argsort(distances[close], kind="stable")]
    return [(float(distances[index]), ids[rows[index]]) for index in nearest]
