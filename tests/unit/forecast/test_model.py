"""What the system may rely on of a forecast, whatever the history."""

import re
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.forecast.calendar import Calendar, time_zone
from parking.forecast.forecast import Basis, Forecast
from parking.forecast.model import ForecastModel
from parking.forecast.series import Closure, ForecastInputError, Series, Site
from tests.support.counts import LONDON, UTC, counts, epoch, evening, office, until

MONDAY = date(2026, 9, 7)
HOUR = 3600


def one(model: ForecastModel, site: str, at: int, horizon_s: int) -> Forecast:
    return model.forecast(at, [horizon_s])[site][0]


def free(forecast: Forecast) -> float:
    assert forecast.free is not None
    return forecast.free


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, Series, int]:
    """A capacity, a few days of any counts at any rhythm (also impossible ones), and a moment to ask at."""
    capacity = draw(st.integers(1, 500))
    spacing = draw(st.integers(120, 5000))
    seed = draw(st.integers(0, 999))
    length = draw(st.integers(1, 400))
    random = np.random.default_rng(seed)
    times = epoch(MONDAY, 0) + np.cumsum(random.integers(1, spacing, length))
    occupied = random.integers(-capacity, 2 * capacity + 1, length).astype(float)
    return capacity, Series(times, occupied), int(times[-1]) + draw(st.integers(0, 200_000))


@settings(deadline=None, max_examples=40)
@given(histories(), st.lists(st.integers(300, 86_400), min_size=1, max_size=4))
def test_free_spaces_and_chances_stay_within_what_can_be(
    history: tuple[int, Series, int], horizons: list[int]
) -> None:
    capacity, series, at = history
    model = ForecastModel.fit([Site("a", capacity)], UTC, {"a": series})
    for forecast in model.forecast(at, horizons)["a"]:
        if forecast.levels is None:
            assert forecast.basis is Basis.NOTHING
            continue
        quantiles = [forecast.quantile(p) for p in (0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1)]
        known = [value for value in quantiles if value is not None]
        assert known == sorted(known)
        assert len(known) == len(quantiles)
        assert known[0] >= 0
        assert known[-1] <= capacity
        chances = [forecast.chance(n) for n in range(-1, capacity + 3)]
        assert all(value is not None and 0 <= value <= 1 for value in chances)
        assert chances == sorted(chances, key=lambda value: -(value or 0))
        assert chances[0] == 1
        assert chances[-1] == 0


def test_a_week_of_history_is_told_in_a_sentence() -> None:
    series = counts(office, start=MONDAY, days=24, capacity=100, noise=0.02)
    at = epoch(MONDAY + timedelta(days=22), 11)
    model = ForecastModel.fit([Site("a", 100)], UTC, {"a": until(series, at)})
    model.update({"a": (at, 97)})
    forecast = one(model, "a", at, HOUR)
    assert forecast.basis is Basis.HISTORY
    said = re.fullmatch(
        r"Usually (\d+) free on a Tuesday at this time, now (\d+) fewer than usual; "
        r"most like \w+day \d+ September\.",
        forecast.why,
    )
    assert said is not None
    assert int(said[1]) == pytest.approx(15, abs=6)
    assert int(said[2]) == pytest.approx(12, abs=6)
    assert free(forecast) < 17


def test_nothing_is_said_of_a_site_without_any_count() -> None:
    model = ForecastModel([Site("a", 50)], UTC)
    forecast = one(model, "a", epoch(MONDAY, 12), HOUR)
    assert (forecast.basis, forecast.free, forecast.interval(), forecast.chance()) == (
        Basis.NOTHING,
        None,
        None,
        None,
    )
    assert forecast.why.startswith("No forecast")


def test_the_first_count_alone_carries_two_hours_with_a_wide_margin() -> None:
    model = ForecastModel([Site("a", 200)], UTC)
    at = epoch(MONDAY, 12)
    assert model.update({"a": (at, 80)}) == 1
    soon, later, tomorrow = model.forecast(at, [1800, 2 * HOUR, 24 * HOUR])["a"]
    assert (soon.basis, later.basis, tomorrow.basis) == (Basis.CURRENT, Basis.CURRENT, Basis.NOTHING)
    assert free(soon) == pytest.approx(120)
    near, far = soon.interval(), later.interval()
    assert near is not None
    assert far is not None
    assert 20 < near[1] - near[0] < far[1] - far[0]


def test_a_site_without_counts_borrows_from_the_others() -> None:
    at = epoch(MONDAY + timedelta(days=21), 8)
    others = {
        name: until(counts(office, start=MONDAY, days=22, capacity=100, noise=0.02, seed=seed), at)
        for seed, name in enumerate("bc")
    }
    model = ForecastModel.fit([Site("new", 400), Site("b", 100), Site("c", 100)], UTC, others)
    forecast = one(model, "new", at, 4 * HOUR)
    assert forecast.basis is Basis.USUAL
    assert free(forecast) == pytest.approx(60, abs=20)
    model.update({"new": (at + 60, 40)})
    counted = one(model, "new", at + 60, 4 * HOUR)
    assert counted.basis is Basis.SIMILAR
    assert "others like it" in counted.why


def test_a_young_site_borrows_from_those_it_resembles() -> None:
    at = epoch(MONDAY + timedelta(days=23), 10)
    kinds = {"office": office, "office-2": office, "evening": evening, "evening-2": evening}
    history = {
        name: until(counts(level, start=MONDAY, days=24, capacity=100, noise=0.02, seed=seed), at)
        for seed, (name, level) in enumerate(kinds.items())
    }
    two_days_ago = epoch(MONDAY + timedelta(days=21), 12)
    late = counts(evening, start=MONDAY, days=24, capacity=100, noise=0.02, seed=9)
    history["young"] = late.between(two_days_ago, at)
    model = ForecastModel.fit([Site(name, 100) for name in history], UTC, history)
    assert free(one(model, "young", at, 12 * HOUR)) == pytest.approx(25, abs=10)


def test_a_young_site_among_no_others_says_so() -> None:
    series = counts(office, start=MONDAY, days=3, capacity=100)
    model = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    assert one(model, "a", int(series.times[-1]), HOUR).basis is Basis.LITTLE


def test_without_a_count_of_late_the_usual_is_told_as_such() -> None:
    series = counts(office, start=MONDAY, days=21, capacity=100, noise=0.02)
    model = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    at = epoch(MONDAY + timedelta(days=23), 11)
    forecast = one(model, "a", at, HOUR)
    assert forecast.basis is Basis.USUAL
    assert free(forecast) == pytest.approx(15, abs=7)
    assert "no count of today" in forecast.why


def test_a_closed_site_has_no_space_and_its_counts_while_closed_teach_nothing() -> None:
    shut = Closure(epoch(MONDAY + timedelta(days=14), 0), epoch(MONDAY + timedelta(days=19), 0))
    at = epoch(MONDAY + timedelta(days=21), 11)
    series = until(counts(office, start=MONDAY, days=22, capacity=100, noise=0.02), at)
    empty = Series(
        series.times,
        np.where((series.times >= shut.start) & (series.times < shut.end), 0, series.occupied),
    )
    gone = Series(empty.times[empty.occupied > 0], empty.occupied[empty.occupied > 0])
    future = Closure(at + HOUR, at + 2 * HOUR)
    closed = ForecastModel.fit([Site("a", 100, (shut, future))], UTC, {"a": empty})
    never = ForecastModel.fit([Site("a", 100)], UTC, {"a": gone})
    during, after = closed.forecast(at, [HOUR, 4 * HOUR])["a"]
    assert (during.basis, during.free, during.chance()) == (Basis.CLOSED, 0, 0)
    assert during.why == "Closed at that time."
    assert free(after) == pytest.approx(free(one(never, "a", at, 4 * HOUR)))


def test_a_public_holiday_is_like_a_sunday_and_not_like_its_weekday() -> None:
    holiday = MONDAY + timedelta(days=28)
    series = counts(office, start=MONDAY, days=28, capacity=100, noise=0.02)
    at = epoch(holiday, 0)
    plain = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    told = ForecastModel.fit(
        [Site("a", 100)], Calendar(time_zone("UTC"), frozenset({holiday})), {"a": series}
    )
    assert free(one(plain, "a", at, 12 * HOUR)) < 30
    forecast = one(told, "a", at, 12 * HOUR)
    assert free(forecast) > 60
    assert "public holiday" in forecast.why


@pytest.mark.parametrize("changes", [date(2026, 10, 25), date(2027, 3, 28)])
def test_habits_follow_the_clock_on_the_wall_when_it_changes(changes: date) -> None:
    start = changes - timedelta(days=27)  # a Monday, so that the clocks change on the last Sunday
    series = counts(office, start=start, days=30, capacity=100, calendar=LONDON, noise=0.02)
    monday = changes + timedelta(days=1)
    at = epoch(monday, 7, LONDON)
    model = ForecastModel.fit([Site("a", 100)], LONDON, {"a": until(series, at)})
    before_nine, after_nine = model.forecast(at, [90 * 60, 3 * HOUR])["a"]
    assert free(before_nine) > 80
    assert free(after_nine) < 30


def test_counts_one_by_one_and_all_at_once_end_in_the_same_forecast() -> None:
    series = counts(office, start=MONDAY, days=9, capacity=100, noise=0.05)
    half = len(series.times) // 2
    whole = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    stepwise = ForecastModel.fit(
        [Site("a", 100)], UTC, {"a": Series(series.times[:half], series.occupied[:half])}
    )
    for at, occupied in zip(series.times[half:].tolist(), series.occupied[half:].tolist(), strict=True):
        assert stepwise.update({"a": (at, occupied)}) == 1
        stepwise.forecast(at, [HOUR])  # asking changes nothing
    last = int(series.times[-1])
    expected, actual = one(whole, "a", last, HOUR), one(stepwise, "a", last, HOUR)
    assert actual.levels is not None
    assert expected.levels is not None
    assert actual.levels.tolist() == pytest.approx(expected.levels.tolist())


def test_a_count_that_is_no_news_changes_nothing() -> None:
    series = counts(office, start=MONDAY, days=8, capacity=100)
    model = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    last = int(series.times[-1])
    before = free(one(model, "a", last, HOUR))
    assert model.update({"a": (last, 3)}) == 0
    assert model.update({"a": (last - 60, 3)}) == 0
    assert free(one(model, "a", last, HOUR)) == before


@pytest.mark.parametrize("horizon", [0, 299, 86_401, -5])
def test_a_horizon_outside_five_minutes_to_a_day_is_refused(horizon: int) -> None:
    model = ForecastModel([Site("a", 50)], UTC)
    with pytest.raises(ForecastInputError, match=f"horizon: {horizon} s is not within 300..86400"):
        model.forecast(epoch(MONDAY, 12), [horizon])


def test_a_clock_a_little_behind_is_forgiven_and_the_past_is_not_foretold() -> None:
    series = counts(office, start=MONDAY, days=9, capacity=100)
    model = ForecastModel.fit([Site("a", 100)], UTC, {"a": series})
    midnight = epoch(MONDAY + timedelta(days=9), 0)
    model.update({"a": (midnight + 5, 10)})
    assert free(one(model, "a", midnight - 2, 300)) > 50
    with pytest.raises(ForecastInputError, match="lies before the latest count"):
        model.forecast(midnight - 3600, [HOUR])


def test_questions_that_make_no_sense_are_refused_by_name() -> None:
    with pytest.raises(ForecastInputError, match="site a: capacity 0 is not at least 1"):
        Site("a", 0)
    with pytest.raises(ForecastInputError, match="end 5 is not after start 5"):
        Closure(5, 5)
    with pytest.raises(ForecastInputError, match="not strictly increasing"):
        Series(np.array([5, 5]), np.zeros(2))
    with pytest.raises(ForecastInputError, match="not a finite number"):
        Series(np.array([5]), np.array([np.nan]))
    with pytest.raises(ForecastInputError, match="site 'b' is not one of this model's"):
        ForecastModel([Site("a", 50)], UTC).update({"b": (5, 5)})
    with pytest.raises(ForecastInputError, match="a site is listed twice"):
        ForecastModel([Site("a", 50), Site("a", 50)], UTC)
