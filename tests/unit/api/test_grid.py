"""Places on a grid: the same as looking at each place, wherever on earth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.grid import EARTH_RADIUS_M, Floats, Grid, spans


def haversine_m(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    """Metres from one place to many, by another formula than the grid's."""
    half_lat = np.sin((np.radians(lats) - np.radians(lat)) / 2)
    half_lon = np.sin(np.radians(lons - lon) / 2)
    chord = half_lat**2 + np.cos(np.radians(lat)) * np.cos(np.radians(lats)) * half_lon**2
    result: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return result


@pytest.mark.parametrize(
    ("start", "end", "metres"),
    [
        ((51.482, -3.176), (51.482, -3.176), 0),
        ((0.0, 0.0), (0.0, 1.0), 111_195),
        ((0.0, 179.5), (0.0, -179.5), 111_195),
        ((90.0, 0.0), (90.0, 123.0), 0),
        ((51.5074, -0.1278), (48.8566, 2.3522), 343_600),  # London to Paris
    ],
)
def test_distances(start: tuple[float, float], end: tuple[float, float], metres: float) -> None:
    grid = Grid(np.array([end[1]]), np.array([end[0]]))
    found, distances = grid.within(lat=start[0], lon=start[1], radius_m=400_000)
    assert found.tolist() == [0]
    assert distances[0] == pytest.approx(metres, abs=max(1, metres / 500))


corners = st.sampled_from([-90.0, -89.999, -0.001, 0.0, 0.004, 51.48, 89.999, 90.0])
edges = st.sampled_from([-180.0, -179.9999, -0.004, 0.0, 179.9999, 180.0])


@given(
    lat=st.floats(-90, 90) | corners,
    lon=st.floats(-180, 180) | edges,
    radius_m=st.floats(1, 10_000),
    seed=st.integers(0, 1_000_000),
)
def test_the_grid_finds_what_looking_at_each_place_finds(
    lat: float, lon: float, radius_m: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    reach = np.degrees(radius_m / EARTH_RADIUS_M) * 2
    lats = np.clip(lat + random.uniform(-reach, reach, 200), -90, 90)
    east = reach / max(np.cos(np.radians(lat)), 1e-6)
    lons = (lon + random.uniform(-east, east, 200) + 180) % 360 - 180
    distances = haversine_m(lat, lon, lats, lons)
    plain = np.abs(distances - radius_m) > 1e-3  # rounding may decide on the rim
    found, metres = Grid(lons, lats).within(lat=lat, lon=lon, radius_m=radius_m)
    assert set(found[plain[found]].tolist()) == set(np.nonzero((distances < radius_m) & plain)[0].tolist())
    assert metres == pytest.approx(distances[found], abs=0.05)


def test_places_without_a_location_are_never_found() -> None:
    grid = Grid(np.array([np.nan, 0.0, 0.0]), np.array([0.0, np.nan, 0.0]))
    assert grid.within(lat=0, lon=0, radius_m=100)[0].tolist() == [2]
    empty = Grid(np.array([]), np.array([]))
    assert empty.within(lat=0, lon=0, radius_m=100)[0].tolist() == []


def test_spans_lists_ranges_one_after_the_other() -> None:
    assert spans(np.array([3, 7, 7, 0]), np.array([5, 7, 8, 2])).tolist() == [3, 4, 7, 0, 1]
    assert spans(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []
