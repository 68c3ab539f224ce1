"""A site's number: it always adds up, and what may be free lies within the capacity."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.availability import Counts, count_bays, count_gates, is_stale, ttl

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
naturals = st.integers(0, 10**6)


def assert_sound(counts: Counts) -> None:
    """What holds of every published number."""
    assert counts.vacant + counts.occupied + counts.unknown == counts.capacity
    assert 0 <= counts.free_min <= counts.free_max <= counts.capacity
    assert min(counts.vacant, counts.occupied, counts.unknown) >= 0


@given(naturals, naturals, naturals)
def test_bays_add_up_and_the_unknown_ones_may_be_either(vacant: int, occupied: int, unknown: int) -> None:
    counts = count_bays(vacant=vacant, occupied=occupied, unknown=unknown)
    assert_sound(counts)
    assert (counts.free_min, counts.free_max) == (vacant, vacant + unknown)


@given(naturals, st.integers(-(10**6), 2 * 10**6))
def test_a_count_at_the_gates_is_sound_however_far_it_has_drifted(capacity: int, inside: int) -> None:
    counts = count_gates(capacity=capacity, inside=inside)
    assert_sound(counts)
    if 0 <= inside <= capacity:
        assert counts.occupied == inside


@pytest.mark.parametrize(("seconds", "stale"), [(-5, False), (0, False), (15, False), (15.001, True)])
def test_a_number_is_stale_once_it_is_older_than_allowed(seconds: float, stale: bool) -> None:
    assert is_stale(NOON, NOON + timedelta(seconds=seconds), stale_after_s=15) is stale


def test_a_device_may_miss_two_heartbeats() -> None:
    assert ttl(60) == timedelta(seconds=150)
