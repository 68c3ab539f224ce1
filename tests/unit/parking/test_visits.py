"""Entries and exits of one vehicle, paired by the tokens of its plate."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parking.model import Direction
from parking.plates import PlateKeys
from parking.visits import Crossing, Outcome, Visit, visits

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WINDOW = timedelta(hours=24)
IN, OUT = Direction.IN, Direction.OUT


def crossing(way: Direction, hours: float, plate: str = "a", *, days: int = 2) -> Crossing:
    at = MONDAY + timedelta(hours=hours)
    tokens = (f"{(at - timedelta(days=day)).date()}{plate}".encode() for day in range(days))
    return Crossing(at=at, direction=way, passage=f"{plate}{hours}{way}", tokens=tuple(tokens))


def pair(*crossings: Crossing, until: float = 100) -> list[tuple[Outcome, float | None, float | None]]:
    found = visits(crossings, until=MONDAY + timedelta(hours=until), window=WINDOW)
    return [(visit.outcome, _hours(visit.entered_at), _hours(visit.left_at)) for visit in found]


def _hours(at: datetime | None) -> float | None:
    return None if at is None else (at - MONDAY) / timedelta(hours=1)


def test_an_entry_and_the_next_exit_are_a_visit() -> None:
    assert pair(crossing(IN, 9), crossing(IN, 9.5, "b"), crossing(OUT, 10), crossing(OUT, 11, "b")) == [
        (Outcome.COMPLETE, 9, 10),
        (Outcome.COMPLETE, 9.5, 11),
    ]


def test_a_stay_over_midnight_is_paired_by_the_token_of_the_day_before() -> None:
    assert pair(crossing(IN, 23), crossing(OUT, 25)) == [(Outcome.COMPLETE, 23, 25)]


def test_two_entries_in_a_row_close_the_first() -> None:
    found = visits([crossing(IN, 9), crossing(IN, 30)], until=MONDAY + timedelta(hours=31), window=WINDOW)
    assert [(visit.outcome, visit.closed_at) for visit in found] == [
        (Outcome.EXIT_MISSED, MONDAY + timedelta(hours=30)),
        (Outcome.INSIDE, None),
    ]


def test_an_exit_alone_has_missed_its_entry() -> None:
    assert pair(crossing(OUT, 9), crossing(OUT, 9.2), crossing(IN, 10), crossing(OUT, 11)) == [
        (Outcome.ENTRY_MISSED, None, 9),
        (Outcome.ENTRY_MISSED, None, 9.2),
        (Outcome.COMPLETE, 10, 11),
    ]


def test_no_stay_is_longer_than_the_window() -> None:
    assert pair(crossing(IN, 1, days=3), crossing(OUT, 26, days=3)) == [
        (Outcome.EXIT_MISSED, 1, None),
        (Outcome.ENTRY_MISSED, None, 26),
    ]
    assert pair(crossing(IN, 1), until=25) == [(Outcome.INSIDE, 1, None)]
    assert pair(crossing(IN, 1), until=25.01) == [(Outcome.EXIT_MISSED, 1, None)]


def test_what_comes_after_the_end_or_has_no_token_is_left_out() -> None:
    bare = Crossing(at=MONDAY, direction=IN, passage="x", tokens=())
    assert pair(bare, crossing(IN, 9), crossing(OUT, 12), until=10) == [(Outcome.INSIDE, 9, None)]


def test_a_misread_exit_is_missed_here_and_an_entry_there() -> None:
    found = pair(crossing(IN, 9), crossing(OUT, 10, "misread"))
    assert Counter(outcome for outcome, *_ in found) == {Outcome.EXIT_MISSED: 1, Outcome.ENTRY_MISSED: 1}


def test_real_keys_pair_a_plate_over_midnight(tmp_path: Path) -> None:
    keys = PlateKeys(tmp_path)

    def seen(way: Direction, hours: float, plate: str) -> Crossing:
        at = MONDAY + timedelta(hours=hours)
        tokens = keys.tokens("castle-mews", plate, at, window=WINDOW)
        return Crossing(at=at, direction=way, passage=f"{hours}", tokens=tokens)

    assert pair(seen(IN, 22, "JO77 ABC"), seen(OUT, 30, "J077 A8C")) == [(Outcome.COMPLETE, 22, 30)]


CROSSINGS = st.lists(
    st.builds(
        crossing,
        st.sampled_from(Direction),
        st.integers(0, 200).map(lambda quarter: quarter / 4),
        st.sampled_from("abc"),
        days=st.integers(1, 3),
    ),
    max_size=20,
)


@given(CROSSINGS, st.randoms(use_true_random=False))
def test_neither_order_nor_copies_of_crossings_matter(crossings: list[Crossing], random: Any) -> None:
    again = [*crossings, *random.choices(crossings, k=len(crossings))] if crossings else []
    random.shuffle(again)
    until = MONDAY + timedelta(hours=40)
    assert visits(again, until=until, window=WINDOW) == visits(crossings, until=until, window=WINDOW)


@given(CROSSINGS)
def test_every_crossing_is_one_end_of_one_visit(crossings: list[Crossing]) -> None:
    found = visits(crossings, until=MONDAY + timedelta(hours=100), window=WINDOW)
    known = set(crossings)
    ends = [at for visit in found for at in (visit.entered_at, visit.left_at) if at is not None]
    assert sorted(ends) == sorted(one.at for one in known)
    entries = [visit.entered_at for visit in found if visit.entered_at is not None]
    assert sorted(entries) == sorted(one.at for one in known if one.direction is IN)
    for visit in found:
        assert _is_sound(visit)


def _is_sound(visit: Visit) -> bool:
    if visit.outcome is Outcome.COMPLETE:
        return visit.dwell is not None and timedelta() <= visit.dwell <= WINDOW
    if visit.outcome is Outcome.ENTRY_MISSED:
        return visit.entered_at is None and visit.left_at == visit.closed_at is not None
    return visit.left_at is None and (visit.closed_at is None) is (visit.outcome is Outcome.INSIDE)
