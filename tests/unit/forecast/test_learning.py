"""What is learned: weights of experts, the carry-over of deviations, and the size of errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.forecast.blend import Blend
from parking.forecast.calibration import LEVELS, Calibration
from parking.forecast.correction import Correction
from parking.forecast.experts import EXPERTS, FEATURES
from parking.forecast.forecast import probability_below
from parking.forecast.horizons import ANCHORS_S, Between, between

HOUR = ANCHORS_S.index(3600)
DAY = ANCHORS_S.index(86_400)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_weights_are_never_negative_and_in_sum_one(seed: int, days: int) -> None:
    random = np.random.default_rng(seed)
    blend = Blend(3)
    for _ in range(days):
        errors = random.normal(size=(20, len(EXPERTS))) * random.uniform(0, 3, len(EXPERTS))
        blend.learn(HOUR, random.integers(0, 3, 20), errors)
    assert blend.weights.min() >= 0
    assert np.allclose(blend.weights.sum(axis=-1), 1)


def test_the_expert_that_is_right_wins() -> None:
    random = np.random.default_rng(1)
    blend = Blend(2)
    for _ in range(20):
        errors = random.normal(size=(40, len(EXPERTS)))
        errors[:, 3] *= 0.05
        blend.learn(HOUR, np.repeat([0, 1], 20), errors)
    assert blend.weights[:, HOUR, 3].min() > 0.8


def test_a_site_of_its_own_kind_gets_weights_of_its_own() -> None:
    random = np.random.default_rng(2)
    blend = Blend(8)
    for _ in range(30):
        site = np.repeat(np.arange(8), 20)
        errors = random.normal(size=(160, len(EXPERTS)))
        errors[site > 0, 3] *= 0.3
        errors[site == 0] *= 3
        errors[site == 0, 1] *= 0.03
        blend.learn(HOUR, site, errors)
    assert blend.weights[0, HOUR].argmax() == 1
    assert (blend.weights[1:, HOUR].argmax(axis=-1) == 3).all()


def test_the_correction_finds_how_deviations_carry_over_in_spite_of_wild_days() -> None:
    random = np.random.default_rng(3)
    truth = np.array([0.7, 0.0, 0.4, 0.0, 0.0, 0.1])
    correction = Correction()
    for day in range(30):
        features = random.normal(size=(50, FEATURES))
        seen = features @ truth + 0.1 * random.normal(size=50)
        if day % 10 == 4:
            seen = seen + 5
        correction.learn(HOUR, features, seen)
    assert correction.coefficients[HOUR].tolist() == pytest.approx(truth.tolist(), abs=0.1)


def test_intervals_cover_what_they_promise_also_after_errors_double() -> None:
    random = np.random.default_rng(4)
    calibration = Calibration(2)
    sizes = np.array([0.02, 0.08])
    covered: list[float] = []
    for day in range(80):
        site = np.repeat([0, 1], 30)
        slot, level = random.uniform(0, 96, 60), random.uniform(0.3, 0.7, 60)
        error = random.normal(size=60) * sizes[site] * (2 if day >= 40 else 1)
        place = Between(np.full(60, HOUR), np.full(60, HOUR), np.zeros(60))
        held = calibration.quantiles(place, site=site, slot=slot, level=level)
        inside = (level + error >= held[:, 3]) & (level + error <= held[:, 11])
        covered.append(float(inside.mean()))
        calibration.learn(HOUR, site=site, slot=slot, level=level, error=error)
    assert np.mean(covered[20:40]) == pytest.approx(0.8, abs=0.05)
    assert np.mean(covered[55:]) == pytest.approx(0.8, abs=0.06)


def test_a_count_that_never_moves_does_not_narrow_the_margins_of_the_others() -> None:
    random = np.random.default_rng(6)
    calibration = Calibration(3)
    covered: list[float] = []
    for day in range(60):
        site = np.repeat([0, 1, 2], 20)
        slot, level = random.uniform(0, 96, 60), random.uniform(0.3, 0.7, 60)
        error = np.where(site == 0, 0, 0.05 * random.normal(size=60))
        place = Between(np.full(60, HOUR), np.full(60, HOUR), np.zeros(60))
        held = calibration.quantiles(place, site=site, slot=slot, level=level)
        inside = (level + error >= held[:, 3]) & (level + error <= held[:, 11])
        if day >= 30:
            covered.append(float(inside[site > 0].mean()))
        calibration.learn(HOUR, site=site, slot=slot, level=level, error=error)
    assert np.mean(covered) == pytest.approx(0.8, abs=0.05)


def test_errors_are_expected_where_they_are_made() -> None:
    random = np.random.default_rng(5)
    calibration = Calibration(1)
    nobody = np.zeros(200, dtype=np.int64)
    for _ in range(30):
        slot, level = random.uniform(0, 96, 200), random.uniform(0, 1, 200)
        error = random.normal(size=200) * np.where(slot < 48, 0.01, 0.06) * np.where(level > 0.97, 0.2, 1)
        calibration.learn(HOUR, site=nobody, slot=slot, level=level, error=error)
    place = Between(np.full(3, HOUR), np.full(3, HOUR), np.zeros(3))
    night, noon, full = calibration.size(
        place, site=nobody[:3], slot=np.array([8.0, 72.0, 72.0]), level=np.array([0.5, 0.5, 0.99])
    )
    assert noon > 3 * night
    assert full < noon / 2


@given(
    st.lists(st.floats(-1, 2), min_size=len(LEVELS), max_size=len(LEVELS)), st.floats(-2, 3), st.floats(0, 1)
)
def test_a_probability_rises_with_its_limit(quantiles: list[float], limit: float, more: float) -> None:
    levels = np.sort(np.array(quantiles))[None, :]
    low, high = (float(probability_below(levels, np.array([at]))[0]) for at in (limit, limit + more))
    assert 0 <= low <= high <= 1


def test_between_anchors_lies_what_lies_between() -> None:
    seen = np.full(len(ANCHORS_S), 1000.0)
    table = np.log(np.array(ANCHORS_S, dtype=float))
    found = between(np.array([300, 2700, 5000, 86_400]), seen)
    assert found is not None
    assert np.exp(found.mix(table)).tolist() == pytest.approx([300, 2700, 5000, 86_400])


def test_anchors_that_have_seen_nothing_are_passed_over() -> None:
    seen = np.zeros(len(ANCHORS_S))
    assert between(np.array([3600]), seen) is None
    seen[[HOUR, DAY]] = 500
    seen[HOUR + 1] = 10
    found = between(np.array([300, 3600, 7200]), seen)
    assert found is not None
    assert set(found.lower.tolist()) | set(found.upper.tolist()) <= {HOUR, DAY}
    assert found.share[:2].tolist() == [0, 0]
