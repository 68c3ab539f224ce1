"""When a driver arrives, as typed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.arrival import FARTHEST, arrival_at

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LONDON = "Europe/London"


def test_minutes_count_from_now() -> None:
    assert arrival_at("25", NOON, LONDON) == NOON + timedelta(minutes=25)


def test_a_time_of_day_is_the_sites_next_one() -> None:
    assert arrival_at("18:00", NOON, LONDON) == datetime(2026, 7, 1, 17, 0, tzinfo=UTC)
    assert arrival_at("9:30", NOON, LONDON) == datetime(2026, 7, 2, 8, 30, tzinfo=UTC)
    assert arrival_at("13:00", NOON, LONDON) == NOON


def test_a_time_of_day_is_kept_over_a_change_of_clocks() -> None:
    evening = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # 21:00 in London; the clocks go back in the night
    assert arrival_at("18:00", evening, LONDON) == datetime(2026, 10, 25, 18, 0, tzinfo=UTC)


def test_a_time_with_its_zone_is_taken_as_it_is() -> None:
    assert arrival_at("2026-07-01T15:00:00 02:00", NOON, LONDON) == datetime(2026, 7, 1, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "-5", "1441", "25:00", "six", "2026-07-01", "2020-01-01T00:00Z"])
def test_anything_else_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(ValueError, match=r"within 24 hours|minutes from now"):
        arrival_at(text, NOON, LONDON)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.times())
def test_a_time_of_day_is_never_past_nor_farther_than_a_day(now: datetime, of_day: object) -> None:
    now = now.replace(tzinfo=UTC)
    at = arrival_at(f"{of_day:%H:%M}", now, LONDON)
    assert now <= at <= now + FARTHEST + timedelta(hours=1)
