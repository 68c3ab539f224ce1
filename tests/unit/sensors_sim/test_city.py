"""The city as it is built."""

import json
from collections import Counter

import numpy as np
import pytest

from parking.registry import parse_registry
from sensors_sim.city import CODECS, Radio, build_city
from sensors_sim.layout import CENTRE


@pytest.mark.parametrize(("bays", "sites"), [(500, 12), (1, 1), (0, 3), (5, 12), (60, 2), (3000, 40)])
def test_every_city_is_a_registry_that_can_be_imported(bays: int, sites: int) -> None:
    city = build_city(seed=3, bays=bays, sites=sites)
    registry = parse_registry(json.loads(json.dumps(city.registry())), source="city")
    assert len(registry.sites) == sites
    assert sum(len(site.bays) for site in registry.sites) == bays == city.bays


def test_the_same_seed_builds_the_same_city_and_another_seed_another() -> None:
    one, same, other = (build_city(seed=seed, bays=300, sites=9).registry() for seed in (4, 4, 5))
    assert one == same
    assert one != other


def test_all_ways_to_the_broker_occur_and_direct_is_the_most_common() -> None:
    city = build_city(seed=1, bays=500, sites=12)
    radios = Counter(Radio(radio) for radio in city.radio.tolist())
    assert set(radios) == set(Radio)
    assert radios.most_common(1)[0][0] is Radio.DIRECT


def test_device_ids_fit_their_codec() -> None:
    city = build_city(seed=1, bays=400, sites=8)
    assert len(set(city.device_ids)) == city.bays
    for device, radio in zip(city.device_ids, city.radio.tolist(), strict=True):
        if CODECS[Radio(radio)] != "parking-v1":
            assert len(device) == 16
            assert device == f"{int(device, 16):016x}"


def test_a_gateway_serves_one_site_only() -> None:
    city = build_city(seed=1, bays=2000, sites=12)
    for gateway in range(int(city.gateway.max()) + 1):
        assert len(set(city.site_of[: city.bays][city.gateway == gateway].tolist())) == 1


def test_a_car_park_has_gates_both_ways_and_a_sign_of_its_own() -> None:
    city = build_city(seed=1, bays=500, sites=12)
    parks = [site for site in city.sites if site.gates]
    assert len(parks) == 4
    for park in parks:
        assert {gate.direction for gate in park.gates} == {"in", "out"}
        assert 0 < park.initial_count < park.capacity
        assert any(sign.sites == (park.id,) for sign in city.signs)


def test_a_large_town_has_no_two_names_alike() -> None:
    names = [site.name for site in build_city(seed=1, bays=4000, sites=1500).sites]
    assert len(set(names)) == 1500


def test_the_town_lies_around_its_centre_and_bays_lie_apart() -> None:
    city = build_city(seed=1, bays=500, sites=12)
    places = np.array(city.locations)
    assert np.abs(places - np.array(CENTRE)).max() < 0.05
    assert len(set(city.locations)) == city.bays
