"""Which of many places are near one: a grid, so that the answer costs what is near and not what there is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EARTH_RADIUS_M: Final = 6_371_008.8
CELL_DEG: Final = 0.004
"""Some 450 m to the north, and as many degrees to the east."""
_COLUMNS: Final = round(360 / CELL_DEG)


class Grid:
    """Places by number, sorted by the cell in which they lie, rows of cells from the south."""

    def __init__(self, lons: Floats, lats: Floats) -> None:
        (located,) = np.nonzero(~np.isnan(lons) & ~np.isnan(lats))
        cells = _rows(lats[located]) * _COLUMNS + _columns(lons[located])
        order = np.argsort(cells, kind="stable")
        self._cells = cells[order]
        self._places: Ints = located[order]
        self._x, self._y, self._z = _on_sphere(lons[self._places], lats[self._places])

    def within(self, *, lat: float, lon: float, radius_m: float) -> tuple[Ints, Floats]:
        """The numbers of the places within the radius, and their distances in metres along the ground."""
        found = spans(*self._candidates(lat, lon, radius_m))
        x, y, z = _on_sphere(np.array([lon]), np.array([lat]))
        squares = (self._x[found] - x) ** 2 + (self._y[found] - y) ** 2 + (self._z[found] - z) ** 2
        (close,) = np.nonzero(squares <= (2 * np.sin(min(radius_m / EARTH_RADIUS_M, np.pi) / 2)) ** 2)
        half_chords = np.sqrt(squares[close]) / 2
        distances: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(half_chords, 1.0))
        return self._places[found[close]], distances

    def _candidates(self, lat: float, lon: float, radius_m: float) -> tuple[Ints, Ints]:
        """Where the cells that the circle touches begin and end."""
        # A trifle more, so that no rounding loses a place.
        angle = radius_m / EARTH_RADIUS_M * 1.001
        reach = np.degrees(angle)
        rows = np.arange(_row(lat - reach), _row(lat + reach) + 1)
        edges = np.array([(0, _COLUMNS - 1)])
        if abs(lat) + reach < 90:
            wide = np.degrees(np.arcsin(min(np.sin(angle) / np.cos(np.radians(lat)), 1.0))) * 1.001
            west, east = (
                int(np.floor((lon - wide + 180) / CELL_DEG)),
                int(np.floor((lon + wide + 180) / CELL_DEG)),
            )
            if east - west < _COLUMNS:
                west, east = west % _COLUMNS, east % _COLUMNS
                edges = np.array([(west, east)] if west <= east else [(west, _COLUMNS - 1), (0, east)])
        first = (rows[:, None] * _COLUMNS + edges[:, 0]).ravel()
        last = (rows[:, None] * _COLUMNS + edges[:, 1]).ravel()
        return np.searchsorted(self._cells, first, "left"), np.searchsorted(self._cells, last, "right")


def spans(starts: Ints, ends: Ints) -> Ints:
    """All numbers of these ranges, one range after the other."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _on_sphere(lons: Floats, lats: Floats) -> tuple[Floats, Floats, Floats]:
    """Points on the unit sphere: x, y, z."""
    lon, lat = np.radians(lons), np.radians(lats)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def _rows(lats: Floats) -> Ints:
    return np.floor((lats + 90) / CELL_DEG).astype(np.int64)


def _row(lat: float) -> int:
    return int(np.floor((min(max(lat, -90.0), 90.0) + 90) / CELL_DEG))


def _columns(lons: Floats) -> Ints:
    return np.floor((lons + 180) / CELL_DEG).astype(np.int64) % _COLUMNS
