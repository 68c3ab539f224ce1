"""The made-up cities are what they say, and every figure of the benchmark is there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.cities import CITIES, Character, make
from bench.forecast import as_json, judge, timing

SMALL = Character(name="small", what="", sites=2, days=10, warm_up_days=8)


@pytest.mark.parametrize("character", CITIES, ids=[city.name for city in CITIES])
def test_a_city_keeps_its_rhythm_and_its_capacity(character: Character) -> None:
    history = make(replace(character, days=3, changed_after=None))
    assert len(history.sites) == character.sites
    for site, series in zip(history.sites, history.counts, strict=True):
        assert series.occupied.min() >= 0
        assert series.occupied.max() <= site.capacity
        assert abs(float(np.median(np.diff(series.times))) - character.every_s) <= character.jitter_s


def test_the_same_seed_makes_the_same_city() -> None:
    first, second, other = (make(SMALL, seed=seed).counts[0].occupied for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_city_that_changes_is_fuller_afterwards() -> None:
    calm = make(SMALL).counts[1].occupied
    changed = make(replace(SMALL, changed_after=5)).counts[1].occupied
    half = len(calm) // 2
    assert np.array_equal(calm[:half], changed[:half])
    assert changed[half:].mean() > 1.1 * calm[half:].mean()


def test_every_figure_is_there_as_json() -> None:
    found = json.loads(json.dumps(as_json([judge(SMALL)], timing(SMALL))))
    assert [row["horizon_minutes"] for row in found["cities"]["small"]] == [30, 60, 120, 1440]
    assert found["timing"]["us_a_site_together"] > 0
    assert found["timing"]["us_a_site_alone"] > found["timing"]["us_a_site_together"] / 2
