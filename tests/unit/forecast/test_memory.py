"""Curves join counts, bridge no gaps, and know since when they know."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.forecast.calendar import SLOTS
from parking.forecast.memory import GAP_S, Memory, read_curve
from tests.support.counts import LONDON, UTC, epoch

DAY = date(2026, 9, 7)
NUMBER = (DAY - date(1970, 1, 1)).days


def memory() -> Memory:
    return Memory(1, UTC, first_day=NUMBER - 1, window=10)


def at(hour: float) -> int:
    return epoch(DAY, hour)


def test_a_quarter_hour_lies_on_the_line_between_its_counts() -> None:
    curves = memory()
    curves.extend(0, np.array([at(8), at(9)]), np.array([0.2, 0.6]))
    assert curves.level[0, 1, 32:37].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert curves.known[0, 1, 33] == at(9)
    assert curves.known[0, 1, 32] == at(8)


def test_a_gap_is_not_bridged() -> None:
    curves = memory()
    curves.extend(0, np.array([at(8), at(8) + GAP_S + 60]), np.array([0.2, 0.6]))
    levels = curves.level[0, 1, 32:38].tolist()
    assert levels[:2] == pytest.approx([0.2, 0.2])
    assert np.isnan(levels[2])


def test_what_is_older_than_the_window_is_forgotten() -> None:
    curves = memory()
    curves.extend(0, np.array([at(8)]), np.array([0.2]))
    curves.reach(NUMBER + 11)
    assert curves.first_day == NUMBER + 1
    assert np.isnan(curves.level).all()
    curves.extend(0, np.array([epoch(DAY, 8 + 11 * 24)]), np.array([0.4]))
    assert curves.level[0, 10, 32] == 0.4


def test_the_hour_that_the_clock_skips_stays_unknown() -> None:
    first = date(2027, 3, 28)
    curves = Memory(1, LONDON, first_day=(first - date(1970, 1, 1)).days, window=10)
    times = np.arange(epoch(first, 0, LONDON), epoch(first, 0, LONDON) + 5 * 3600, 900)
    curves.extend(0, times, np.linspace(0, 1, len(times)))
    known = ~np.isnan(curves.level[0, 0])
    assert known[:4].all()
    assert not known[4:8].any()
    assert known[8:20].all()


@given(
    st.lists(st.tuples(st.integers(0, 86_399), st.floats(0, 1)), min_size=1, max_size=30), st.integers(1, 30)
)
def test_counts_in_pieces_draw_the_same_curve(points: list[tuple[int, float]], cut: int) -> None:
    ordered = sorted({second: level for second, level in points}.items())
    times = np.array([at(0) + second for second, _ in ordered])
    levels = np.array([level for _, level in ordered])
    whole, pieces = memory(), memory()
    whole.extend(0, times, levels)
    for start in range(0, len(times), cut):
        pieces.extend(0, times[start : start + cut], levels[start : start + cut])
    assert np.array_equal(whole.level, pieces.level, equal_nan=True)


@given(st.floats(0, SLOTS - 0.01), st.integers(-3, 5))
def test_reading_gives_a_value_between_its_neighbours_or_nothing(slot: float, row: int) -> None:
    curves = np.linspace(0, 1, 2 * SLOTS).reshape(1, 2, SLOTS)
    found = read_curve(curves, site=np.array([0]), row=np.array([row]), slot=np.array([slot]))[0]
    if row in (0, 1):
        assert found == pytest.approx(min(row * SLOTS + slot, 2 * SLOTS - 1) / (2 * SLOTS - 1))
    else:
        assert np.isnan(found)
