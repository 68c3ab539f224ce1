"""The replay window against a set that forgets nothing."""

from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.window import SPAN, Window

TOP = 0xFFFF_FFFF
near = st.integers(0, 200) | st.integers(TOP - 100, TOP) | st.integers(0, TOP)


@given(st.lists(near, max_size=200))
def test_window_takes_each_counter_once_and_never_an_old_one(counters: list[int]) -> None:
    window, used = Window(), set[int]()
    for counter in counters:
        highest = max(used, default=-1)
        assert window.is_behind(counter) == (counter <= highest - SPAN)
        if window.is_behind(counter):
            continue
        assert window.is_used(counter) == (counter in used)
        if not window.is_used(counter):
            window = window.after(counter)
            used.add(counter)
    assert window.highest == max(used, default=-1)


@given(st.lists(near, max_size=100))
def test_what_is_kept_fits_two_64_bit_numbers(counters: list[int]) -> None:
    window = Window()
    for counter in counters:
        if not window.is_behind(counter) and not window.is_used(counter):
            window = window.after(counter)
    assert -1 <= window.highest <= TOP
    assert 0 <= window.used < 1 << 64
