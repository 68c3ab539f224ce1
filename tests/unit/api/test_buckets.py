"""Token buckets: how much passes, how long to wait, and how many are kept."""

import pytest

from api.buckets import Buckets
from tests.support.live import Hands


def taken(buckets: Buckets, name: str, tries: int) -> int:
    return sum(buckets.take(name) == 0 for _ in range(tries))


def test_a_burst_passes_and_then_as_much_as_comes_in(hands: Hands) -> None:
    buckets = Buckets(per_s=4, burst=10, elapsed=hands)
    assert taken(buckets, "a", 100) == 10
    hands.seconds += 1
    assert taken(buckets, "a", 100) == 4
    hands.seconds += 60
    assert taken(buckets, "a", 100) == 10
    assert taken(buckets, "b", 100) == 10


def test_who_waits_as_told_gets_one(hands: Hands) -> None:
    buckets = Buckets(per_s=0.5, burst=3, elapsed=hands)
    assert taken(buckets, "a", 3) == 3
    wait = buckets.take("a")
    assert wait == pytest.approx(2)
    hands.seconds += wait - 0.1
    assert buckets.empty("a")
    assert buckets.take("a") == pytest.approx(0.1)
    hands.seconds += 0.11
    assert not buckets.empty("a")
    assert taken(buckets, "a", 5) == 1


def test_trying_in_vain_costs_nothing(hands: Hands) -> None:
    buckets = Buckets(per_s=1, burst=1, elapsed=hands)
    assert taken(buckets, "a", 1000) == 1
    hands.seconds += 1.01
    assert taken(buckets, "a", 1000) == 1


def test_no_limit_is_none(hands: Hands) -> None:
    assert taken(Buckets(per_s=0, burst=1, elapsed=hands), "a", 1000) == 1000


def test_the_number_of_buckets_is_bounded_and_those_in_need_are_kept(hands: Hands) -> None:
    buckets = Buckets(per_s=1, burst=2, most=100, elapsed=hands)
    for number in range(100):
        assert taken(buckets, f"early {number}", 5) == 2
    # No room: all further ones share one bucket.
    assert sum(taken(buckets, f"more {number}", 5) for number in range(50)) == 2
    assert len(buckets) <= 101
    assert buckets.take("early 7") > 0
    # Those that are full again make room.
    hands.seconds += 10
    assert taken(buckets, "later", 5) == 2
    assert taken(buckets, "later still", 5) == 2
    assert len(buckets) == 2
