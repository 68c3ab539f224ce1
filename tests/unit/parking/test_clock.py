"""Which time of a camera's message to believe."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.clock import ABOUT, CameraClock, Stamp, TimeFrom, event_time

ARRIVAL = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 4, 12, 0, tzinfo=UTC)
OFFSETS = st.timedeltas(timedelta(days=-2), timedelta(days=2))


def at(reading: datetime, **options: bool) -> Stamp:
    return Stamp(readings=(reading,), **options)


def told(reading: datetime, received_at: datetime = ARRIVAL, *, clock: CameraClock | None = None) -> datetime:
    return event_time(at(reading), received_at, clock or CameraClock())


def test_without_a_time_the_arrival_counts() -> None:
    assert event_time(None, ARRIVAL, CameraClock(TimeFrom.CAMERA)) == ARRIVAL


@pytest.mark.parametrize("seconds", [0, 2, 29, 40, 500, 86_400, -1, -40])
def test_a_plausible_time_of_the_camera_counts(seconds: int) -> None:
    reading = ARRIVAL - timedelta(seconds=seconds)
    assert told(reading) == reading


@pytest.mark.parametrize("minutes", [15, -15, 60, -60, 330, -345, 840, -840])
@pytest.mark.parametrize("seconds", [0, 3, -3, 30])
def test_a_wrong_zone_is_found_and_the_arrival_counts(minutes: int, seconds: int) -> None:
    assert told(ARRIVAL + timedelta(minutes=minutes, seconds=seconds)) == ARRIVAL


def test_local_time_that_is_labelled_utc_is_a_wrong_zone() -> None:
    local = SUMMER.astimezone(ZoneInfo("Europe/London")).replace(tzinfo=UTC)
    assert told(local - timedelta(seconds=2), SUMMER) == SUMMER


def test_a_time_without_a_zone_is_the_gates_local_time() -> None:
    summer = datetime(2026, 7, 4, 12, 59, 58)
    assert told(summer, SUMMER) == SUMMER - timedelta(seconds=2)
    berlin = CameraClock(zone=ZoneInfo("Europe/Berlin"))
    assert told(summer.replace(hour=13), SUMMER, clock=berlin) == SUMMER - timedelta(seconds=2)


@pytest.mark.parametrize("hour", [0, 1])
def test_in_the_hour_that_comes_twice_the_arrival_decides(hour: int) -> None:
    arrival = datetime(2026, 10, 25, hour, 30, 2, tzinfo=UTC)
    assert told(datetime(2026, 10, 25, 1, 30), arrival) == arrival - timedelta(seconds=2)


def test_of_several_readings_the_nearest_to_the_arrival_counts() -> None:
    first, second = datetime(2026, 4, 3, 11, 59, tzinfo=UTC), datetime(2026, 3, 4, 11, 59, tzinfo=UTC)
    assert event_time(Stamp(readings=(first, second)), ARRIVAL, CameraClock()) == second


def test_a_time_that_can_only_be_right_is_kept_whenever_it_arrives() -> None:
    hour_ago = ARRIVAL - timedelta(hours=1)
    assert event_time(at(hour_ago, sure=True), ARRIVAL, CameraClock()) == hour_ago
    assert event_time(at(hour_ago, resent=True), ARRIVAL, CameraClock()) == hour_ago


def test_the_gates_options_decide() -> None:
    hour_ago, just_now = ARRIVAL - timedelta(hours=1), ARRIVAL - timedelta(seconds=7)
    assert told(hour_ago, clock=CameraClock(TimeFrom.CAMERA)) == hour_ago
    assert told(just_now, clock=CameraClock(TimeFrom.ARRIVAL)) == ARRIVAL
    assert event_time(at(just_now, sure=True), ARRIVAL, CameraClock(TimeFrom.ARRIVAL)) == ARRIVAL


@given(OFFSETS, st.sampled_from(TimeFrom), st.booleans())
def test_the_time_is_the_cameras_or_the_arrival(offset: timedelta, time: TimeFrom, sure: bool) -> None:
    reading = ARRIVAL + offset
    found = event_time(at(reading, sure=sure), ARRIVAL, CameraClock(time))
    assert found in (reading, ARRIVAL)
    assert found.tzinfo is UTC
    if found != reading and time is TimeFrom.AUTO:
        quarters = abs(offset) % timedelta(minutes=15)
        assert min(quarters, timedelta(minutes=15) - quarters) <= ABOUT
        assert not sure
