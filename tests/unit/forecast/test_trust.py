"""A site whose forecasts are worse than its plain count is not believed, and the plain count is honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.forecast.summary import MINUTES
from parking.forecast.trust import HORIZONS_MIN, Record, distrust, plain_points


def records(error: float, plain: float, n: int = 200) -> list[Record]:
    return [Record(horizon, n, error, plain, 0.8, 0.1) for horizon in HORIZONS_MIN]


def test_every_scored_horizon_is_foretold() -> None:
    assert set(HORIZONS_MIN) <= set(MINUTES)


@pytest.mark.parametrize(
    ("error", "plain", "n", "believed"),
    [
        (2, 5, 200, True),
        (5, 5, 200, True),
        (5.2, 5, 200, True),
        (6, 5, 200, False),
        (6, 5, 20, True),
        (0.08, 0, 200, True),
    ],
)
def test_worse_than_the_plain_count_by_more_than_chance_is_not_believed(
    error: float, plain: float, n: int, believed: bool
) -> None:
    said = distrust(records(error, plain, n))
    assert (said is None) == believed
    if said is not None:
        assert "wrong by 6.0 % of its spaces, and the plain count by 5.0 %" in said


def test_one_bad_horizon_does_not_outweigh_the_others() -> None:
    mixed = [Record(30, 100, 3, 2, 0.8, 0.1), Record(1440, 100, 4, 20, 0.8, 0.1)]
    assert distrust(mixed) is None


@given(st.floats(0, 100), st.floats(0.1, 40), st.integers(0, 9999))
def test_the_plain_count_covers_eighty_percent_of_errors_as_large_as_its_own(
    free: float, error: float, seed: int
) -> None:
    points = plain_points(free, 100, records(1, error))
    assert bool(np.all((points.low >= 0) & (points.low <= points.free) & (points.free <= points.high)))
    assert bool(np.all((points.chance >= 0) & (points.chance <= 1)))
    random = np.random.default_rng(seed)
    truth = np.clip(free + random.laplace(scale=max(error, 0.5), size=4000), 0, 100)
    inside = np.mean((truth >= points.low[0] - 1e-9) & (truth <= points.high[0] + 1e-9))
    assert inside > 0.77
    there = np.mean(free + random.laplace(scale=max(error, 0.5), size=4000) >= 0.5)
    assert points.chance[0] == pytest.approx(there, abs=0.04)
