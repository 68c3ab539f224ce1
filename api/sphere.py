"""Distances on the ground as straight lines through the earth: exact everywhere, poles and date line too."""

from math import pi, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EARTH_RADIUS_M: Final = 6_371_008.8


class Points:
    """Points on the unit sphere, by number. A point without a location (NaN) is beyond every radius."""

    def __init__(self, lons: Floats, lats: Floats) -> None:
        self.x, self.y, self.z = on_sphere(lons, lats)

    def squares(self, here: Floats, numbers: Ints) -> Floats:
        """The squared chords from `here` to these points, as many."""
        x, y, z = here
        squares: Floats = (self.x[numbers] - x) ** 2 + (self.y[numbers] - y) ** 2 + (self.z[numbers] - z) ** 2
        return squares


def on_sphere(lons: Floats, lats: Floats) -> tuple[Floats, Floats, Floats]:
    """Points on the unit sphere: x, y, z."""
    lon, lat = np.radians(lons), np.radians(lats)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def square_of(radius_m: float) -> float:
    """The squared chord, on the unit sphere, of so many metres along the ground."""
    return (2 * sin(min(radius_m / EARTH_RADIUS_M, pi) / 2)) ** 2


def metres(squares: Floats) -> Floats:
    """Metres along the ground of squared chords on the unit sphere."""
    far: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(np.sqrt(squares) / 2, 1.0))
    return far


def spans(starts: Ints, ends: Ints) -> Ints:
    """All numbers of these ranges, one range after the other."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())
