"""How far what was published is from the truth, on cases small enough to work out by hand."""

import numpy as np
import pytest

from bench.true_city import Stays
from bench.truth_scores import LIMIT_S, OCCUPIED, UNKNOWN, VACANT, Samples, bays, longest, occupancy, use


def samples(states: list[list[int]], truth: list[list[bool]]) -> Samples:
    """One site: what was published of each bay at each look, and what was true."""
    seen, true = np.array(states), np.array(truth)
    vacant = (seen == VACANT).sum(axis=1, keepdims=True)
    unknown = (seen == UNKNOWN).sum(axis=1, keepdims=True)
    return Samples(
        every_s=60,
        capacity=np.array([seen.shape[1]]),
        occupied=(seen == OCCUPIED).sum(axis=1, keepdims=True),
        unknown=unknown,
        free_min=vacant,
        free_max=vacant + unknown,
        truth=true.sum(axis=1, keepdims=True),
        bay_states=seen,
        bay_truth=true,
    )


def stays(*rows: tuple[int, float, float]) -> Stays:
    """Whole stays: bay, begin and end in hours."""
    bay, begin, end = (np.array(column) for column in zip(*rows, strict=True))
    return Stays(bay, begin * 3600.0, end * 3600.0, np.ones(len(rows), dtype=np.bool_))


def test_what_is_true_is_off_by_nothing() -> None:
    seen = samples([[VACANT, OCCUPIED], [OCCUPIED, OCCUPIED]], [[False, True], [True, True]])

    assert (occupancy(seen).error, occupancy(seen).within, occupancy(seen).promised) == (0.0, 100.0, 0.0)
    assert (bays(seen).unknown, bays(seen).wrong, bays(seen).longest_wrong_s) == (0.0, 0.0, 0.0)


def test_a_bay_said_to_be_free_that_is_not_is_a_promise_too_much() -> None:
    seen = samples([[VACANT, OCCUPIED], [VACANT, OCCUPIED]], [[True, True], [False, True]])

    found = occupancy(seen)
    assert (found.error, found.within, found.promised) == (25.0, 50.0, 25.0)
    assert (bays(seen).wrong, bays(seen).longest_wrong_s) == (25.0, 60.0)


def test_an_unknown_bay_widens_the_bounds_and_is_not_wrong() -> None:
    seen = samples([[UNKNOWN, OCCUPIED]], [[True, True]])

    assert (occupancy(seen).error, occupancy(seen).within) == (0.0, 100.0)
    assert (bays(seen).unknown, bays(seen).wrong) == (50.0, 0.0)


def test_the_longest_run_is_within_one_bay() -> None:
    assert longest(np.array([[True, False], [True, True], [False, True]])) == 2
    assert longest(np.zeros((0, 2), dtype=np.bool_)) == 0


def test_a_stay_cut_in_two_is_one_too_many_and_an_overstay_less() -> None:
    true = stays((0, 0, 3), (1, 0, 1))
    told = stays((0, 0, 1.5), (0, 1.5, 3), (1, 0, 1))

    found = use(told, true)
    assert LIMIT_S == 7200
    assert found.stays == 50.0
    assert found.dwell_min == pytest.approx(-40)
    assert (found.overstays, found.found, found.precision, found.recall) == (1, 0, 100.0, 0.0)


def test_two_stays_told_as_one_make_an_overstay_that_never_was() -> None:
    found = use(stays((0, 0, 3)), stays((0, 0, 1), (0, 1.5, 3)))

    assert (found.overstays, found.found, found.precision, found.recall) == (0, 1, 0.0, 100.0)


def test_an_overstay_in_another_bay_is_another_overstay() -> None:
    found = use(stays((1, 0, 3)), stays((0, 0, 3)))

    assert (found.precision, found.recall) == (0.0, 0.0)
