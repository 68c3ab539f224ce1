"""A month at the gates: misreads, double reads and missed exits, and what the rules make of them."""

import pytest

from bench.counting import CAPACITY, RULES, Rules, follow, month
from parking.drift import Rule
from sensors_sim.faults import Faults
from sensors_sim.profiles import Use

BARE, JOINED, *_, ALL = RULES


@pytest.mark.parametrize(
    ("use", "seed", "days"),
    [
        (Use.OFFICE, 11, 30),
        (Use.OFFICE, 12, 30),
        (Use.RESIDENTIAL, 13, 30),
        (Use.RESIDENTIAL, 14, 30),
        (Use.STATION, 15, 30),
        (Use.STATION, 16, 30),
        (Use.SHOPPING, 17, 10),
    ],
)
def test_a_months_count_stays_within_three_percent(use: Use, seed: int, days: int) -> None:
    lived = month(use, seed, days=days)
    bare, joined, corrected = (follow(lived, rules) for rules in (BARE, JOINED, ALL))
    assert corrected.mean < 3.0
    assert joined.mean > 20.0
    assert bare.mean > 20.0
    for correction in corrected.corrections:
        assert correction.before != correction.after
        assert correction.reason


def test_cameras_that_miss_nothing_leave_little_to_correct() -> None:
    lived = month(Use.OFFICE, 21, days=10, faults=Faults())
    assert follow(lived, JOINED).mean == 0
    corrected = follow(lived, ALL)
    assert corrected.mean < 1.5


def test_double_reads_alone_are_joined_and_nothing_drifts() -> None:
    lived = month(Use.OFFICE, 22, days=10, faults=Faults(double=0.5, misread=0.1))
    assert int(lived.entries.sum()) == pytest.approx(lived.vehicles, rel=0.005)
    assert follow(lived, JOINED).mean < 1.0


def test_bounds_alone_keep_the_count_possible_and_say_so() -> None:
    lived = month(Use.STATION, 23, days=10)
    result = follow(lived, Rules(name="bounds", nights=False))
    assert {correction.rule for correction in result.corrections} <= {Rule.ABOVE_CAPACITY, Rule.BELOW_ZERO}
    assert result.corrections
    assert all(0 <= correction.after <= CAPACITY for correction in result.corrections)
