"""The baselines say what their names say, from no later than the origin."""

from datetime import date, timedelta

import numpy as np
import pytest

from parking.backtest.baselines import baselines
from parking.forecast.series import Series
from tests.support.counts import LONDON, UTC, epoch

MONDAY = date(2026, 9, 7)


def levels(*points: tuple[date, float, float]) -> Series:
    """Counts by day, hour and level."""
    return Series(
        np.array([epoch(day, hour) for day, hour, _ in points]), np.array([level for *_, level in points])
    )


def test_each_baseline_by_hand() -> None:
    next_monday = MONDAY + timedelta(days=7)
    series = levels(
        (MONDAY, 9, 0.2),
        (MONDAY, 10, 0.6),
        (MONDAY, 10.5, 0.8),
        (next_monday, 9, 0.3),
        (next_monday, 10, 0.9),
    )
    found = baselines(series, UTC, origin=np.array([3]), target=series.times[[4]])
    assert found[0].tolist() == pytest.approx([0.3, 0.6, 0.7, 0.7])


def test_last_week_with_a_difference_stays_within_what_can_be() -> None:
    next_monday = MONDAY + timedelta(days=7)
    series = levels((MONDAY, 9, 0.2), (MONDAY, 10, 0.9), (next_monday, 9, 0.8), (next_monday, 10, 0.9))
    found = baselines(series, UTC, origin=np.array([2]), target=series.times[[3]])
    assert found[0, 3] == 1


def test_without_last_week_there_is_nothing_to_say() -> None:
    series = levels((MONDAY, 9, 0.2), (MONDAY, 10, 0.6))
    found = baselines(series, UTC, origin=np.array([0]), target=series.times[[1]])
    assert found[0, 0] == 0.2
    assert np.isnan(found[0, 1:]).all()


def test_last_week_is_the_same_time_by_the_clock_on_the_wall() -> None:
    before, after = date(2026, 10, 24), date(2026, 10, 31)  # the clocks go back on the 25th
    series = Series(
        np.array([epoch(before, 9, LONDON), epoch(before, 10, LONDON), epoch(after, 10, LONDON)]),
        np.array([0.1, 0.5, 0.7]),
    )
    found = baselines(series, LONDON, origin=np.array([2]), target=series.times[[2]])
    assert found[0, 1] == 0.5


def test_a_later_count_changes_nothing() -> None:
    next_monday = MONDAY + timedelta(days=7)
    early = levels((MONDAY, 9, 0.2), (MONDAY, 10, 0.6), (next_monday, 9, 0.3))
    target = np.array([epoch(next_monday, 10)])
    for later in (0.0, 1.0):
        series = Series(np.append(early.times, target), np.append(early.occupied, later))
        found = baselines(series, UTC, origin=np.array([2]), target=target)
        assert found[0].tolist() == pytest.approx([0.3, 0.6, 0.6, 0.7])
