"""Opening hours: what a clock on the wall would say, through the nights on which it jumps."""

from datetime import UTC, date, datetime, time, timedelta
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.details import NOTHING, Entrance, SiteDetails, Tariff, site_details
from parking.opening import MAX_LENGTH, OpeningHours

LONDON = "Europe/London"
WEEK = OpeningHours("Mo-Sa 07:00-19:00; PH off", LONDON)


def test_hours_are_of_the_clock_on_the_wall_in_winter_and_in_summer() -> None:
    winter, summer = datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 7, 8, tzinfo=UTC)
    assert [WEEK.is_open(winter + timedelta(hours=hour)) for hour in (6, 7, 18, 19)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [WEEK.is_open(summer + timedelta(hours=hour)) for hour in (5, 6, 17, 18)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_public_holiday_is_not_a_weekday() -> None:
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert not WEEK.is_open(christmas)
    assert WEEK.next_change(christmas) == datetime(2026, 12, 26, 7, tzinfo=UTC)


def test_hours_past_midnight_hold_through_the_night_of_the_change() -> None:
    nights = OpeningHours("22:00-02:00", LONDON)
    opened = [
        minute
        for minute in range(6 * 60)
        if nights.is_open(datetime(2026, 10, 24, 20, tzinfo=UTC) + timedelta(minutes=minute))
    ]
    assert opened == list(range(60, 360))  # 21:00 UTC until 02:00, when it is 02:00 on the wall for good


@pytest.mark.parametrize("text", ["24/7", "Mo-Su 00:00-24:00", "Mo-Fr 00:00-24:00; Sa,Su 00:00-24:00"])
def test_what_never_changes_has_no_next_change_and_is_not_looked_for_long(text: str) -> None:
    always, at = OpeningHours(text, LONDON), datetime(2026, 3, 4, tzinfo=UTC)
    assert always.is_open(at)
    began = process_time()
    assert [always.next_change(at + timedelta(days=day)) for day in range(50)] == [None] * 50
    assert always.closed(at, at + timedelta(days=365)) == []
    # A search without an end takes seconds each time, this one a fraction of a millisecond.
    assert process_time() - began < 5


def test_what_is_not_known_to_be_open_is_closed_without_a_change_in_between() -> None:
    hours = OpeningHours("Mo-Su 08:00-10:00 unknown, 12:00-13:00", LONDON)
    at = datetime(2026, 3, 4, 7, tzinfo=UTC)
    assert hours.next_change(at) == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert hours.closed(at, at + timedelta(hours=7)) == [
        (at, at + timedelta(hours=5)),
        (at + timedelta(hours=6), at + timedelta(hours=7)),
    ]


@given(
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(0, 86_399),
    st.sampled_from(
        ["Mo-Fr 08:30-18:15", "22:00-06:00", "Sa,Su 10:00-16:00; Dec 25 off", "Apr-Sep 09:00-20:00"]
    ),
    st.sampled_from([LONDON, "America/New_York", "Asia/Kathmandu"]),
)
def test_nothing_changes_before_the_next_change(day: date, second: int, text: str, zone: str) -> None:
    hours = OpeningHours(text, zone)
    at = datetime.combine(day, time(), UTC) + timedelta(seconds=second)
    change = hours.next_change(at)
    assert change is not None
    assert change > at - timedelta(hours=1)  # in the hour that comes twice it may name the first
    step = (change - at) / 7
    if step > timedelta():
        assert {hours.is_open(at + step * n) for n in range(7)} == {hours.is_open(at)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("weekdays", "at character 5"),
        ("Mo-Fr 08:00-18:00 and so on", "at character"),
        ("Mo" * MAX_LENGTH, f"{MAX_LENGTH} at most"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        OpeningHours(text, LONDON)


def test_details_come_back_as_they_were_stored() -> None:
    stored = {
        "zone": "centre",
        "max_height_m": 2.1,
        "tariff": {"per_hour": 1.5, "currency": "GBP"},
        "entrances": [{"lon": -3.1, "lat": 51.4}],
        "spaces": {"disabled": 12},
        "of a later version": True,
    }
    assert site_details(stored) == SiteDetails(
        zone="centre",
        max_height_m=2.1,
        tariff=Tariff(per_hour=1.5),
        entrances=(Entrance(lon=-3.1, lat=51.4),),
        spaces={"disabled": 12},
    )
    assert site_details({}) == NOTHING
