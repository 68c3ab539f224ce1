"""The running count of one site, step by step."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.books import Books
from parking.drift import Correction, Inside, Rule

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLOWS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.none() | st.integers(0, 100)), max_size=60
)


def opened(count: int = 20, *, nights: bool = True, capacity: int = 100) -> Books:
    return Books(capacity, at=MONDAY, count=count, nights=nights)


def keep(books: Books, flows: list[tuple[int, int, int | None]]) -> list[Correction]:
    """Step through hours of entries, exits and counts by hand."""
    found = []
    for hour, (entries, exits, by_hand) in enumerate(flows, 1):
        known = [] if by_hand is None else [Inside.counted(by_hand)]
        correction = books.step(MONDAY + hour * HOUR, entries=entries, exits=exits, known=known)
        found += [correction] if correction else []
    return found


def test_without_drift_the_count_is_what_passed() -> None:
    books = opened(nights=False)
    assert keep(books, [(10, 0, None), (5, 25, None), (0, 10, None)]) == []
    assert books.count == 0


def test_a_count_by_hand_is_on_record_and_counted_on_from() -> None:
    books = opened()
    (correction,) = keep(books, [(10, 4, 31), (3, 1, None)])
    assert (correction.rule, correction.before, correction.after) == (Rule.MANUAL, 26, 31)
    assert correction.at == MONDAY + HOUR
    assert books.count == 33


def test_the_impossible_is_corrected_at_once_and_said() -> None:
    books = opened(nights=False)
    found = keep(books, [(90, 0, None), (0, 105, None)])
    assert [(each.rule, each.before, each.after) for each in found] == [
        (Rule.ABOVE_CAPACITY, 110, 100),
        (Rule.BELOW_ZERO, -5, 0),
    ]


@given(FLOWS, st.booleans())
def test_the_books_balance_and_the_same_steps_give_the_same(
    flows: list[tuple[int, int, int | None]], nights: bool
) -> None:
    books, again = opened(nights=nights), opened(nights=nights)
    found = keep(books, flows)
    assert found == keep(again, flows)
    moved = sum(entries - exits for entries, exits, _ in flows)
    assert books.count == 20 + moved + sum(each.after - each.before for each in found)
    assert books.sd >= 0


@pytest.mark.parametrize("minutes", [10, 60])
def test_nights_take_away_what_exits_leave_behind(minutes: int) -> None:
    rng = np.random.default_rng(4)
    steps_a_day = 24 * 60 // minutes
    books = Books(300, at=MONDAY, count=12, zone=ZoneInfo("Europe/London"), overnight=(12, 4))
    inside = 12
    for step in range(21 * steps_a_day):
        now = MONDAY + (step + 1) * timedelta(minutes=minutes)
        busy = 8 <= now.hour < 20
        came = int(rng.poisson(0.8 * minutes)) if busy else 0
        went = inside - 12 if now.hour >= 20 else min(inside, int(rng.poisson(0.7 * minutes)) * busy)
        missed = int(rng.binomial(went, 0.04))
        inside += came - went
        books.step(now, entries=came, exits=went - missed)
        if step > 14 * steps_a_day:
            assert abs(books.count - inside) < 25
