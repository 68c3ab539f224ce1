"""When a battery will be empty: robust to outliers, honest about what it cannot know."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.health.battery import EMPTY_PCT, EMPTY_V, MIN_DAYS, Sample, forecast

TODAY = date(2026, 3, 4)


def volts(*level: float) -> list[Sample]:
    """A sample a day, the last one today."""
    first = TODAY - timedelta(days=len(level) - 1)
    return [Sample(first + timedelta(days=day), value, None) for day, value in enumerate(level)]


def falling(left: int, *, days: int = 60, a_day: float = 0.005) -> list[float]:
    """A voltage that is EMPTY_V in `left` days."""
    return [EMPTY_V + a_day * (left + days - 1 - day) for day in range(days)]


@given(left=st.integers(1, 300), days=st.integers(MIN_DAYS, 120), a_day=st.floats(0.001, 0.05))
def test_a_straight_fall_ends_on_its_day(left: int, days: int, a_day: float) -> None:
    found = forecast(volts(*falling(left, days=days, a_day=a_day)), today=TODAY)
    assert found.empty_on is not None
    assert found.earliest is not None
    assert abs((found.empty_on - TODAY).days - left) <= 1
    assert found.earliest <= found.empty_on


@given(st.data())
def test_wild_samples_now_and_then_move_it_little(data: st.DataObject) -> None:
    level = falling(40)
    for day in range(data.draw(st.integers(0, 9)), len(level), 10):
        level[day] = data.draw(st.floats(EMPTY_V - 0.15, 3.9))
    found = forecast(volts(*level), today=TODAY)
    assert found.empty_on is not None
    assert abs((found.empty_on - TODAY).days - 40) <= 12


def test_after_flat_years_the_last_weeks_tell() -> None:
    flat = [3.4 + 0.001 * (day % 3) for day in range(200)]
    knee = [3.4 - 0.012 * day for day in range(1, 26)]
    found = forecast(volts(*flat, *knee), today=TODAY)
    assert found.empty_on is not None
    assert abs((found.empty_on - TODAY).days - (3.4 - 0.3 - EMPTY_V) / 0.012) <= 8


def test_a_battery_that_was_replaced_begins_anew() -> None:
    level = [*falling(5, days=60), *[3.6 + 0.001 * (day % 2) for day in range(30)]]
    assert forecast(volts(*level), today=TODAY).empty_on is None
    assert forecast(volts(*level[:-20]), today=TODAY).says.startswith("not enough data")


@pytest.mark.parametrize("days", [0, 1, MIN_DAYS - 1])
def test_too_few_days_say_so(days: int) -> None:
    found = forecast(volts(*falling(10, days=days)), today=TODAY)
    assert (found.empty_on, found.earliest) == (None, None)
    assert found.says.startswith(f"not enough data: {days} of {MIN_DAYS} days")


@given(st.lists(st.floats(3.59, 3.61), min_size=MIN_DAYS, max_size=MIN_DAYS))
def test_noise_alone_is_not_soon_empty(noise: list[float]) -> None:
    found = forecast(volts(*[*noise, *noise[::-1]] * 2), today=TODAY)
    assert found.empty_on is None or (found.empty_on - TODAY).days > 30


def test_the_percentage_counts_before_the_voltage() -> None:
    first = TODAY - timedelta(days=29)
    told = [Sample(first + timedelta(days=day), 3.6, 60.0 - day) for day in range(30)]
    found = forecast(told, today=TODAY)
    assert found.empty_on is not None
    assert abs((found.empty_on - TODAY).days - (31 - EMPTY_PCT)) <= 1


@given(st.lists(st.tuples(st.none() | st.floats(0, 10), st.none() | st.floats(0, 100)), max_size=60))
def test_any_samples_have_an_answer(values: list[tuple[float | None, float | None]]) -> None:
    first = TODAY - timedelta(days=len(values))
    samples = [Sample(first + timedelta(days=day), *value) for day, value in enumerate(values)]
    found = forecast(samples, today=TODAY)
    assert found.says
    if found.empty_on is not None and found.earliest is not None:
        assert TODAY <= found.earliest <= found.empty_on
