"""The usual curve leans on the days that are most like the one to come."""

import numpy as np
import pytest

from parking.forecast.calendar import SLOTS
from parking.forecast.series import Floats, Ints
from parking.forecast.usual import kinship, usual_curves

DAYS = np.arange(100, 128)
KINDS = DAYS % 7


def curve(levels: Floats, target_kind: int) -> Floats:
    found = usual_curves(
        levels,
        kinds=KINDS,
        days=DAYS,
        targets=np.array([DAYS[-1] + 1]),
        target_kinds=np.array([target_kind]),
    )
    return found[:, 0]


def flat(by_kind: Floats) -> Floats:
    """One site whose day is level, by its kind."""
    return np.repeat(by_kind[KINDS][None, :, None], SLOTS, axis=2)


def test_each_kind_of_day_has_its_own_usual() -> None:
    levels = flat(np.array([0.6, 0.6, 0.6, 0.6, 0.6, 0.9, 0.2]))
    assert curve(levels, 2)[0, 40] == pytest.approx(0.6, abs=0.05)
    assert curve(levels, 5)[0, 40] == pytest.approx(0.9, abs=0.12)
    assert curve(levels, 6)[0, 40] == pytest.approx(0.2, abs=0.12)


def test_recent_days_count_more() -> None:
    levels = flat(np.full(7, 0.2))
    levels[:, 14:] = 0.6
    assert curve(levels, 2)[0, 40] > 0.5


def test_holes_cost_only_what_they_hid() -> None:
    levels = flat(np.full(7, 0.4))
    levels[0, 3:9, 10:50] = np.nan
    levels[0, :, 90:] = np.nan
    found = curve(levels, 2)[0]
    assert found[:90].tolist() == pytest.approx([0.4] * 90, abs=0.02)
    assert np.isnan(found[90:]).all()


def test_kinship_is_a_covariance() -> None:
    matrix = kinship(days=DAYS, kinds=KINDS, other_days=DAYS, other_kinds=KINDS)
    assert np.allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9


def test_a_week_apart_is_closer_than_a_day_apart_across_the_weekend() -> None:
    days: Ints = np.array([3, 5, 10])  # with day 0 a Monday: Thursday, Saturday, Thursday
    matrix = kinship(days=days, kinds=days % 7, other_days=days, other_kinds=days % 7)
    assert matrix[0, 2] > matrix[0, 1]
