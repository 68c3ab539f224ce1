"""Where things lie: streets around one centre with bays along both kerbs, car parks in rows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CENTRE = (-3.1791, 51.4816)
"""Longitude and latitude of the middle of the town, degrees."""
_METRES_PER_DEGREE = 111_320.0
_BAY_LENGTH_M = 6.0
_KERB_M = 4.5
_ROW_GAP_M = 45.0
_BAYS_PER_KERB = 30


@dataclass(frozen=True, slots=True)
class Places:
    """Longitude and latitude of each site and each bay; the first `with_bays` sites have bays."""

    sites: tuple[tuple[float, float], ...]
    bays: tuple[tuple[float, float], ...]
    with_bays: int


def place_sites(rng: np.random.Generator, bay_counts: list[int], kinds: list[str]) -> Places:
    """Lay out all sites (`kinds`), the first of which have `bay_counts` bays."""
    count = len(kinds)
    # A sunflower's spiral spreads the sites evenly, and farther out the more there are.
    turn = np.arange(count) * 2.39996 + rng.uniform(0, 2 * math.pi)
    radius = 130.0 * np.sqrt(np.arange(count) + 1.0)
    origins = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    bearings = turn + rng.uniform(-0.5, 0.5, count)
    bays: list[tuple[float, float]] = []
    for site, size in enumerate(bay_counts):
        offsets = _street(size) if kinds[site] == "on_street" else _rows(size)
        bays += _to_degrees(origins[site] + _rotate(offsets, float(bearings[site])))
    return Places(tuple(_to_degrees(origins)), tuple(bays), len(bay_counts))


def _street(size: int) -> NDArray[np.float64]:
    """Bays along two kerbs; beyond a length the street goes on in the next parallel one."""
    number = np.arange(size)
    along = number // 2 % _BAYS_PER_KERB * _BAY_LENGTH_M
    street = number // (2 * _BAYS_PER_KERB)
    return np.column_stack([along, (number % 2) * 2 * _KERB_M - _KERB_M + street * _ROW_GAP_M])


def _rows(size: int) -> NDArray[np.float64]:
    """A surface car park: rows of 20 bays side by side."""
    number = np.arange(size)
    return np.column_stack([number % 20 * 2.5, number // 20 * 11.0])


def _rotate(offsets: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(offsets @ np.array([[cos, sin], [-sin, cos]]))


def _to_degrees(metres: NDArray[np.float64]) -> list[tuple[float, float]]:
    lon, lat = CENTRE
    east = _METRES_PER_DEGREE * math.cos(math.radians(lat))
    return [(round(lon + x / east, 6), round(lat + y / _METRES_PER_DEGREE, 6)) for x, y in metres.tolist()]
