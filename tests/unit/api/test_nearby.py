"""Where to park near a place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live import LiveView
from api.nearby import Places, Query, distances_m, nearby, walking_minutes, within
from parking.model import Counting, SiteStatus
from tests.support.live import HERE, everything, street

LON, LAT = HERE


def find(view: LiveView, **changes: object) -> list[str]:
    return [site.id for site in nearby(view, Places(view), ask(**changes))]


def ask(**changes: object) -> Query:
    return replace(Query(lat=LAT, lon=LON, radius_m=500, limit=20), **changes)  # type: ignore[arg-type]


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
    (found,) = distances_m(*start, np.array([end[0]]), np.array([end[1]]))
    assert found == pytest.approx(metres, abs=max(1, metres / 500))


def test_walking_is_longer_than_the_straight_line_and_is_rounded_up() -> None:
    assert [walking_minutes(metres) for metres in (0, 1, 57, 58, 577, 1000)] == [0, 1, 1, 2, 11, 18]


def test_sites_come_nearest_first_with_their_nearest_free_bays(view: LiveView) -> None:
    far = (LON, LAT + 0.003)
    view.replace(everything(street("ovvvvvvv", site="near"), street("v", site="far", at=far)))
    near, second = nearby(view, Places(view), ask())
    assert [bay.id for bay in near.bays] == ["near-1", "near-2", "near-3", "near-4", "near-5"]
    assert [bay.distance_m for bay in near.bays] == [11, 22, 33, 44, 56]
    assert (near.id, near.distance_m, near.walking_minutes) == ("near", 11, 1)
    assert (second.id, second.distance_m) == ("far", 334)


def test_a_full_site_is_left_out_unless_asked_for(view: LiveView) -> None:
    view.replace(everything(street("oo")))
    assert find(view) == []
    assert find(view, include_full=True) == ["queen-street"]


def test_unknown_is_never_free(view: LiveView) -> None:
    view.replace(everything(street("uuu")))
    assert find(view) == []
    (site,) = nearby(view, Places(view), ask(include_full=True))
    assert (site.matching_vacant, site.matching_unknown, site.bays) == (0, 3, [])


def test_only_the_categories_asked_for_count(view: LiveView) -> None:
    view.replace(
        everything(street("vv"), street("vu", site="blue", category="disabled", at=(LON, LAT + 0.001)))
    )
    (site,) = nearby(view, Places(view), ask(categories=frozenset({"disabled"})))
    assert (site.id, site.matching_vacant, site.matching_unknown, len(site.bays)) == ("blue", 1, 1, 1)
    assert find(view, categories=frozenset({"motorcycle"}), include_full=True) == []


def test_gates_count_vehicles_so_they_answer_only_for_ordinary_spaces(view: LiveView) -> None:
    (facts, number), _ = street("vvo", site="park")
    view.replace(everything(((replace(facts, counting=Counting.GATES), number), [])))
    assert find(view) == ["park"]
    assert find(view, categories=frozenset({"standard"})) == ["park"]
    assert find(view, categories=frozenset({"disabled"})) == []


def test_a_closed_site_is_left_out(view: LiveView) -> None:
    (facts, number), bays = street("vv")
    view.replace(everything(((facts, replace(number, status=SiteStatus.CLOSED)), bays)))
    assert find(view) == []


def test_a_stale_site_is_told_as_stale(view: LiveView) -> None:
    view.replace(everything(street("vv", age_s=60)))
    (site,) = nearby(view, Places(view), ask())
    assert site.stale


def test_what_is_beyond_the_radius_or_the_limit_is_left_out(view: LiveView) -> None:
    places = [street("v", site=f"s{n}", at=(LON, LAT + n * 0.002)) for n in range(5)]
    view.replace(everything(*places))
    assert find(view) == ["s0", "s1", "s2"]
    assert find(view, limit=2) == ["s0", "s1"]
    assert find(view, radius_m=100) == ["s0"]


def test_sites_without_a_location_are_found_by_their_bays(view: LiveView) -> None:
    (facts, number), bays = street("v")
    view.replace(everything(((replace(facts, location=None), number), bays)))
    assert find(view) == ["queen-street"]
    view.replace(everything())
    assert find(view) == []


@given(
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    bearing=st.floats(0, 6.28),
    share=st.floats(0, 2).filter(lambda share: abs(share - 1) > 0.01),
)
def test_the_band_of_latitude_never_loses_a_place(
    lat: float, lon: float, bearing: float, share: float
) -> None:
    radius_m = 1000.0
    step = radius_m * share / 111_195
    near = np.array([lat + step * np.cos(bearing)])
    east = np.array([lon + step * np.sin(bearing) / max(np.cos(np.radians(lat)), 1e-9)])
    (distance,) = distances_m(lat, lon, near, east)
    found = within(Query(lat=lat, lon=lon, radius_m=radius_m, limit=1), ["x"], near, east)
    assert [id for _, id in found] == (["x"] if distance <= radius_m else [])
