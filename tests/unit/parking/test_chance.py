"""The chance of a space on arrival: the plain rule, and what every answer keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.chance import Asked, Chance, TurnoverChances, some_free

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
counts = st.integers(0, 500)


def chance(vacant: int, occupied: int, unknown: int = 0, *, minutes: float = 5) -> Chance | None:
    return TurnoverChances().chance(
        Asked(
            site="s",
            kind="on_street",
            vacant=vacant,
            occupied=occupied,
            unknown=unknown,
            as_of=NOW,
            arrival=NOW + timedelta(minutes=minutes),
        )
    )


def test_where_nothing_reports_no_chance_is_told() -> None:
    assert chance(0, 0, 12) is None


def test_what_is_free_now_is_free_now() -> None:
    assert some_free(vacant=1, occupied=9, minutes=0, dwell_min=60) == pytest.approx(1)
    assert some_free(vacant=0, occupied=9, minutes=0, dwell_min=60) == pytest.approx(0)


def test_the_last_space_goes_and_many_spaces_stay() -> None:
    last = [some_free(vacant=1, occupied=4, minutes=m, dwell_min=60) for m in (1, 5, 10)]
    assert last == sorted(last, reverse=True)
    assert last[1] < 0.9
    assert some_free(vacant=12, occupied=28, minutes=10, dwell_min=60) > 0.99


def test_in_the_end_each_space_is_free_as_often_as_the_site_is_empty() -> None:
    """One space, seen free, leaning to 0.85 with the weight of four: it is taken 0.68 of the time."""
    assert some_free(vacant=1, occupied=0, minutes=1e6, dwell_min=60) == pytest.approx(1 - 3.4 / 5)


@given(vacant=counts, occupied=counts, unknown=counts, minutes=st.floats(0, 1440))
def test_a_chance_lies_between_nought_and_one_and_unknown_spaces_only_raise_the_upper_bound(
    vacant: int, occupied: int, unknown: int, minutes: float
) -> None:
    found = chance(vacant, occupied, unknown, minutes=minutes)
    if found is None:
        assert vacant + occupied == 0
        return
    assert 0 <= found.low <= 1
    assert 0 <= found.high <= 1
    assert found.low == pytest.approx(chance(vacant, occupied, minutes=minutes).low)  # type: ignore[union-attr]
    assert found.high >= found.low - 1e-9


@given(vacant=st.integers(0, 30), occupied=st.integers(1, 30), minutes=st.floats(0, 120))
def test_one_more_free_space_never_lowers_the_chance(vacant: int, occupied: int, minutes: float) -> None:
    before = some_free(vacant=vacant, occupied=occupied, minutes=minutes, dwell_min=60)
    assert some_free(vacant=vacant + 1, occupied=occupied - 1, minutes=minutes, dwell_min=60) >= before - 1e-9
