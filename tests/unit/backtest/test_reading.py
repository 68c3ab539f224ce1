"""A file of counts is read as it is meant, or refused with line, column, value and rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.backtest.reading import HistoryFileError, Oddities, read_history
from tests.support.counts import LONDON

HEADER = "SystemCodeNumber,Capacity,Occupancy,LastUpdated"


def lines(*rows: str, header: str = HEADER) -> list[str]:
    return [line + "\n" for line in (header, *rows)]


def test_what_is_odd_is_dealt_with_and_counted() -> None:
    history = read_history(
        lines(
            "B,100,40,2026-07-01 08:00:00",
            "B,100,140,2026-07-01 09:00:00",
            "B,100,-3,2026-07-01 09:30:00",
            "B,100,50,2026-07-01 10:00:00",
            "B,100,50,2026-07-01 10:00:00",
            "B,100,55,2026-07-01 10:00:00",
            "A,80,7,2026-07-01T08:00:00+01:00",
            "A,90,8,2026-07-01 12:00:00",
            "A,90,9,2026-07-04 12:00:00",
        ),
        LONDON,
    )
    assert [(site.id, site.capacity) for site in history.sites] == [("A", 90), ("B", 100)]
    assert history.oddities == Oddities(
        rows=9,
        negative=1,
        over_capacity=1,
        copies=1,
        conflicts=1,
        other_capacity=1,
        gaps=1,
        missing_days=2,
    )
    a, b = history.counts
    assert b.occupied.tolist() == [40, 140, 55]
    assert a.times[0] == b.times[0] == 1782889200  # 07:00 UTC: local summer time


def test_more_columns_in_any_order_are_welcome() -> None:
    header = "Occupancy,note,LastUpdated,Capacity,SystemCodeNumber"
    history = read_history(lines('5,"a, b",2026-07-01 08:00,10,x', header=header), LONDON)
    assert history.counts[0].occupied.tolist() == [5]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("A,0,5,2026-07-01 08:00:00", "line 3: Capacity: '0' must be within 1..10000000"),
        ("A,ten,5,2026-07-01 08:00:00", "line 3: Capacity: 'ten' must be a whole number"),
        ("A,10,,2026-07-01 08:00:00", "line 3: Occupancy: '' must be a whole number"),
        ("A,10,5", "line 3: LastUpdated: nothing must be a time such as 2026-10-04 07:59:42"),
        ("A,10,5,yesterday", "line 3: LastUpdated: 'yesterday' must be a time such as"),
        ("A,10,5,0001-01-01", "line 3: LastUpdated: '0001-01-01' must lie in the years 1971..2200"),
        (" ,10,5,2026-07-01 08:00:00", "line 3: SystemCodeNumber: ' ' must not be empty"),
    ],
)
def test_a_bad_value_is_refused_by_line_column_value_and_rule(row: str, complaint: str) -> None:
    with pytest.raises(HistoryFileError) as refused:
        read_history(lines("A,10,5,2026-07-01 07:00:00", row), LONDON)
    assert refused.value.message.startswith(complaint)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(HistoryFileError) as refused:
        read_history(lines("A,5", header="SystemCodeNumber,Occupancy"), LONDON)
    assert refused.value.message == (
        "line 1: column Capacity is missing; the header is: SystemCodeNumber, Occupancy"
    )


@pytest.mark.parametrize("content", [[], [HEADER + "\n"], lines("A,10,-5,2026-07-01 08:00:00")])
def test_a_file_without_counts_is_refused(content: list[str]) -> None:
    with pytest.raises(HistoryFileError):
        read_history(content, LONDON)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), max_size=6))
def test_any_text_is_read_or_refused(rows: list[str]) -> None:
    try:
        history = read_history(lines("A,10,5,2026-07-01 08:00:00", *rows), LONDON)
    except HistoryFileError:
        return
    assert history.oddities.rows >= 1
