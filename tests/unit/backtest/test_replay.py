"""The replay judges everything on the same points, and never looks ahead."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cities import CITIES, Character, make
from parking.backtest.reading import History
from parking.backtest.replay import METHODS, Replayed, replay
from parking.backtest.scores import Results, results
from parking.forecast.calendar import DAY_S
from parking.forecast.series import ForecastInputError, Series
from tests.support.counts import UTC

HORIZONS = (1800, 3600, 7200, DAY_S)
SMALL = Character(name="small", what="", sites=3, days=15, every_s=1800, jitter_s=300, open_hours=(7, 20))


def judged_from(history: History, warm_up_days: int) -> int:
    return UTC.start_of(int(history.counts[0].times[0]) // DAY_S + warm_up_days)


def judge(history: History, *, warm_up_days: int) -> tuple[Replayed, Results]:
    replayed = replay(history, UTC, horizons_s=HORIZONS, warm_up_days=warm_up_days)
    scored = results(
        replayed, history.sites, horizons_s=HORIZONS, judged_from=judged_from(history, warm_up_days)
    )
    return replayed, scored


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.floats(8, 14.5))
def test_a_different_future_changes_no_earlier_forecast(seed: int, days: float) -> None:
    history = make(SMALL, seed=seed)
    now = int(history.counts[0].times[0]) // DAY_S * DAY_S + int(days * DAY_S)
    random = np.random.default_rng(seed)
    other = replace(
        history,
        counts=tuple(
            Series(
                series.times,
                np.where(
                    series.times > now,
                    random.integers(0, site.capacity + 1, len(series.times)),
                    series.occupied,
                ),
            )
            for site, series in zip(history.sites, history.counts, strict=True)
        ),
    )
    first, second = (replay(one, UTC, horizons_s=HORIZONS, warm_up_days=7) for one in (history, other))
    before = first.points.judged & (first.points.origin <= now)
    assert before.any()
    assert np.array_equal(first.quantiles[before], second.quantiles[before], equal_nan=True)
    assert np.array_equal(first.numbers[before], second.numbers[before], equal_nan=True)
    after = first.points.judged & (first.points.origin > now)
    assert not np.array_equal(first.numbers[after], second.numbers[after])


def test_all_methods_are_judged_on_the_same_points() -> None:
    history = make(SMALL)
    replayed, scored = judge(history, warm_up_days=8)
    for number, card in enumerate(scored.overall):
        assert tuple(score.method for score in card.scores) == METHODS
        mine = replayed.points.horizon == number
        after = mine & (replayed.points.origin >= judged_from(history, 8))
        assert card.n + scored.no_baseline[number] + scored.no_number[number] == after.sum()
        assert card.n == sum(one.n for one in scored.by_site if one.horizon_s == card.horizon_s)


def test_targets_are_the_counts_nearest_to_the_horizon() -> None:
    points = replay(make(SMALL), UTC, horizons_s=(3600,), warm_up_days=8).points
    assert len(points)
    assert (np.abs(points.target - points.origin - 3600) <= 900).all()


def test_the_errors_are_those_a_hand_would_find() -> None:
    history = make(SMALL)
    replayed, scored = judge(history, warm_up_days=8)
    mine = replayed.points.judged & (replayed.points.horizon == 1) & ~np.isnan(replayed.numbers[:, 0])
    truth = replayed.points.truth[mine]
    card = scored.overall[1]
    persistence = card.scores[METHODS.index("persistence")]
    assert persistence.mae == pytest.approx(100 * np.abs(replayed.points.value[mine] - truth).mean())
    low, high = np.clip(replayed.quantiles[mine, 0, 3], 0, 1), np.clip(replayed.quantiles[mine, 0, 11], 0, 1)
    assert card.engine.coverage == pytest.approx(np.mean((truth >= low - 1e-9) & (truth <= high + 1e-9)))
    assert 0 <= card.engine.brier <= 1


@pytest.mark.parametrize("name", ["young", "hourly", "full", "day only"])
def test_the_forecast_is_never_much_worse_than_the_best_baseline(name: str) -> None:
    character = next(city for city in CITIES if city.name == name)
    character = replace(character, sites=4, days=min(character.days, 35))
    _, scored = judge(make(character), warm_up_days=character.warm_up_days)
    for card in scored.overall:
        if card.n:
            assert card.gain > (0.1 if card.horizon_s < DAY_S else -0.1)
            assert 0.65 < card.engine.coverage < 0.95


def test_a_stated_chance_comes_true_as_often_as_stated() -> None:
    character = Character(name="busy", what="", sites=6, days=40, demand=4.0)
    replayed, _ = judge(make(character), warm_up_days=14)
    rows = replayed.points.judged & (replayed.points.horizon < 3)
    for column, promised in ((2, 0.05), (5, 0.3), (7, 0.5), (9, 0.7), (12, 0.95)):
        held = np.clip(replayed.quantiles[rows, 0, column], 0, 1)
        truth = replayed.points.truth[rows]
        inner = (held > 0) & (held < 1)
        assert np.mean(truth[inner] <= held[inner]) == pytest.approx(promised, abs=0.07)


def test_a_horizon_outside_a_day_is_refused() -> None:
    with pytest.raises(ForecastInputError, match=r"horizon: 1500 minutes is not within 5\.\.1440"):
        replay(make(SMALL), UTC, horizons_s=(90_000,), warm_up_days=8)
