"""How far a count has drifted, and the corrections that follow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.drift import USUAL_HOUR, Correction, DriftWatch, Inside, Rule, quietest_hour

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CAPACITY = 100


def only(correction: Correction | None) -> Correction:
    assert correction is not None
    return correction


def learnt(count: int, *facts: Inside, sd: float = 30.0) -> DriftWatch:
    watch = DriftWatch(CAPACITY, sd=sd)
    for fact in facts:
        watch.learn(count, fact)
    return watch


def test_a_count_by_hand_is_believed_at_once_and_wholly() -> None:
    correction = only(learnt(80, Inside.counted(71), sd=0.0).correct(80, NOON))
    assert correction == Correction(
        rule=Rule.MANUAL, before=80, after=71, at=NOON, reason="71 were counted by hand"
    )


def test_a_closed_and_empty_car_park_counts_none() -> None:
    correction = only(learnt(13, Inside.closed()).correct(13, NOON))
    assert (correction.rule, correction.after) == (Rule.CLOSURE, 0)
    assert correction.reason == "the site is closed and empty"


def test_the_same_fact_again_corrects_nothing_more() -> None:
    watch = learnt(80, Inside.counted(71))
    count = only(watch.correct(80, NOON)).after
    watch.learn(count, Inside.counted(71))
    assert watch.correct(count, NOON) is None


@pytest.mark.parametrize(
    ("count", "rule", "after"), [(-7, Rule.BELOW_ZERO, 0), (112, Rule.ABOVE_CAPACITY, 100)]
)
def test_what_cannot_be_inside_is_certain_drift_on_record(count: int, rule: Rule, after: int) -> None:
    watch = DriftWatch(CAPACITY)
    watch.bound(count)
    correction = only(watch.correct(count, NOON))
    assert (correction.rule, correction.before, correction.after) == (rule, count, after)
    assert str(abs(count - after)) in correction.reason


@pytest.mark.parametrize("count", [0, 1, 50, 100])
def test_what_can_be_inside_is_left_alone(count: int) -> None:
    watch = DriftWatch(CAPACITY)
    watch.bound(count)
    assert watch.correct(count, NOON) is None


def test_nights_that_grow_tell_the_share_of_exits_that_are_missed() -> None:
    rng = np.random.default_rng(5)
    watch, drift, count = DriftWatch(400, overnight=(10, 3)), 0, 0
    seen = []
    for night in range(20):
        exits = 1000
        missed = int(rng.binomial(exits, 0.03))
        drift += missed
        watch.passed(exits=exits - missed, hours=24)
        count = 10 + int(rng.integers(-3, 4)) + drift
        watch.night(count, 4)
        correction = watch.correct(count, NOON + timedelta(days=night))
        if correction:
            drift -= correction.before - correction.after
            seen.append(correction.rule)
    assert abs(drift) < 8
    assert 0.02 < watch.missed_share < 0.04
    assert set(seen) <= {Rule.NIGHT_MINIMUM, Rule.MISSED_EXITS}


def test_one_event_at_night_is_not_taken_for_drift() -> None:
    watch = DriftWatch(400, overnight=(10, 3))
    for _ in range(10):
        watch.passed(exits=100, hours=24)
        watch.night(10, 4)
    before = watch.drift
    watch.passed(exits=100, hours=24)
    watch.night(130, 4)
    assert watch.drift - before < 20


def test_another_quietest_hour_tells_nothing_of_the_first() -> None:
    watch = DriftWatch(400)
    for _ in range(3):
        watch.night(300, 4)
    drift = watch.drift
    watch.night(120, 13)
    assert abs(watch.drift - drift) < 8


def test_missed_entries_are_drift_the_other_way() -> None:
    watch = DriftWatch(400, overnight=(20, 2))
    count = 20
    for night in range(15):
        count -= 10
        watch.passed(exits=500, hours=24)
        watch.night(count, 4)
        if correction := watch.correct(count, NOON + timedelta(days=night)):
            count = correction.after
    assert watch.missed_share < -0.01
    assert abs(count - 20) <= 8


def test_a_guess_moves_the_count_as_far_as_it_is_trusted() -> None:
    rough = Inside(rule=Rule.MISSED_EXITS, vehicles=50, sd=30, reason="")
    good = Inside(rule=Rule.MISSED_EXITS, vehicles=50, sd=3, reason="")
    assert 10 < learnt(80, rough).drift < 20 < learnt(80, good).drift < 30


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("passed"), st.integers(0, 300)),
            st.tuples(st.just("night"), st.integers(-50, 500)),
            st.tuples(st.just("bound"), st.integers(-500, 900)),
            st.tuples(st.just("hand"), st.integers(0, 100)),
            st.tuples(st.just("guess"), st.integers(0, 150)),
        ),
        max_size=40,
    ),
    st.integers(-50, 200),
)
def test_whatever_is_learnt_every_correction_is_a_whole_record(
    steps: list[tuple[str, int]], count: int
) -> None:
    watch = DriftWatch(CAPACITY)
    for number, (kind, value) in enumerate(steps):
        actions: dict[str, Any] = {
            "passed": lambda value=value: watch.passed(exits=value),
            "night": lambda value=value: watch.night(value, 4),
            "bound": lambda value=value: watch.bound(value),
            "hand": lambda value=value, count=count: watch.learn(count, Inside.counted(value)),
            "guess": lambda value=value, count=count: watch.learn(
                count, Inside(rule=Rule.MISSED_EXITS, vehicles=value, sd=5.0, reason="a guess")
            ),
        }
        actions[kind]()
        correction = watch.correct(count, NOON + timedelta(hours=number))
        if correction is not None:
            assert correction.before == count != correction.after
            assert correction.reason
            count = correction.after
        if kind == "hand":
            assert count == value
        assert np.isfinite(watch.drift)
        assert watch.sd >= 0


def test_the_quietest_hour_is_found_in_spite_of_drift_and_of_one_event() -> None:
    counts = [
        (NOON + timedelta(days=day, hours=hour), 50 * day + (hour - 15) ** 2 - 900 * (day == 2 and hour == 3))
        for day in range(5)
        for hour in range(24)
    ]
    assert quietest_hour(counts) == (12 + 15) % 24
    assert quietest_hour(counts, so_far=4, margin=5) == 4
    assert quietest_hour(counts, so_far=20, margin=5) == 3
    assert quietest_hour(counts[:30]) == USUAL_HOUR
    assert quietest_hour([]) == USUAL_HOUR
