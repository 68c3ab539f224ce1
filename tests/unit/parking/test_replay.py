"""Replay windows over a batch: each counter of a key is new once, whatever the order and the copies."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.window import SPAN, Window
from parking.replay import Seal, Verdict, WindowKey, judge

NEW, USED, BEHIND = Verdict.NEW, Verdict.USED, Verdict.BEHIND


def seal(counter: int, *, device: str = "ps-1", secret_print: int = 11) -> Seal:
    return Seal(device, 1, secret_print, counter)


def test_each_key_of_each_device_has_a_window_of_its_own() -> None:
    seals = [seal(7), seal(7), seal(7, device="ps-2"), seal(7, secret_print=12)]
    judged = judge(seals, {})
    assert judged.verdicts == [NEW, USED, NEW, NEW]
    assert judged.windows == {
        ("ps-1", 11): Window(7, 1),
        ("ps-2", 11): Window(7, 1),
        ("ps-1", 12): Window(7, 1),
    }


def test_what_is_64_behind_the_highest_stored_is_refused_and_what_is_63_behind_taken_once() -> None:
    windows = {("ps-1", 11): Window(100, 1)}
    judged = judge([seal(36), seal(37), seal(37), seal(100)], windows)
    assert judged.verdicts == [BEHIND, NEW, USED, USED]
    assert judged.windows == {("ps-1", 11): Window(100, 1 | 1 << 63)}
    assert windows == {("ps-1", 11): Window(100, 1)}


def test_within_a_batch_nothing_is_too_old_because_of_its_place() -> None:
    assert judge([seal(500), seal(1), seal(200)], {}).verdicts == [NEW, NEW, NEW]


def test_nothing_new_moves_no_window() -> None:
    assert judge([seal(9)], {("ps-1", 11): Window(9, 1)}).windows == {}


@given(
    counters=st.lists(st.integers(0, 60), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    data=st.data(),
)
def test_within_the_window_each_counter_is_new_once_in_any_order_and_batches(
    counters: list[int], cuts: list[int], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(counters))
    windows: dict[WindowKey, Window] = {}
    new: list[int] = []
    edges = sorted({0, *(cut % (len(order) + 1) for cut in cuts), len(order)})
    for first, end in pairwise(edges):
        batch = [seal(counter) for counter in order[first:end]]
        judged = judge(batch, windows)
        new += [s.counter for s, verdict in zip(batch, judged.verdicts, strict=True) if verdict is NEW]
        assert BEHIND not in judged.verdicts
        windows |= judged.windows
    assert sorted(new) == sorted(set(counters))
    assert windows == {
        ("ps-1", 11): Window(max(counters), sum(1 << max(counters) - n for n in set(counters)))
    }


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
def test_no_counter_is_ever_new_twice(counters: list[int]) -> None:
    windows: dict[WindowKey, Window] = {}
    new: list[int] = []
    for counter in [*counters, *counters, *reversed(counters)]:
        judged = judge([seal(counter)], windows)
        new += [counter] if judged.verdicts == [NEW] else []
        windows |= judged.windows
    assert len(new) == len(set(new))
    assert max(counters) in new
    assert SPAN == 64
