"""Moments have the place in the week that a clock on the wall gives them."""

from datetime import UTC as UTC_ZONE
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.forecast.calendar import HOLIDAY, Calendar, as_date, public_holidays, time_zone
from parking.forecast.series import ForecastInputError

LONDON = Calendar(time_zone("Europe/London"))


@given(
    st.integers(0, 4_000_000_000), st.sampled_from(["Europe/London", "Asia/Kathmandu", "America/St_Johns"])
)
def test_day_and_quarter_are_those_of_the_local_clock(at: int, zone: str) -> None:
    day, slot = Calendar(time_zone(zone)).place(np.array([at]))
    there = datetime.fromtimestamp(at, UTC_ZONE).astimezone(time_zone(zone))
    assert as_date(int(day[0])) == there.date()
    assert slot[0] == pytest.approx((there.hour * 3600 + there.minute * 60 + there.second) / 900)


def test_a_day_begins_at_local_midnight() -> None:
    summer = datetime(2026, 7, 1, tzinfo=time_zone("Europe/London"))
    day, slot = LONDON.place(np.array([int(summer.timestamp())]))
    assert LONDON.start_of(int(day[0])) == int(summer.timestamp())
    assert slot[0] == 0


def test_kinds_are_weekdays_but_for_holidays() -> None:
    good_friday = date(2026, 4, 3)
    calendar = Calendar(time_zone("Europe/London"), public_holidays("GB", "ENG", [2026]))
    friday = (good_friday - date(1970, 1, 1)).days
    assert calendar.kinds(np.arange(friday - 1, friday + 2)).tolist() == [3, HOLIDAY, 5]
    assert LONDON.kinds(np.array([friday])).tolist() == [4]


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "London\0"])
def test_a_time_zone_that_is_not_known_is_named(name: str) -> None:
    with pytest.raises(ForecastInputError, match="is not known"):
        time_zone(name)


def test_a_country_that_is_not_known_is_named() -> None:
    with pytest.raises(ForecastInputError, match="'XX'"):
        public_holidays("XX", None, [2026])
    with pytest.raises(ForecastInputError, match="'GB-ZZZ'"):
        public_holidays("GB", "ZZZ", [2026])
