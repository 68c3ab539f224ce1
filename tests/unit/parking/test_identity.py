"""The numbers that make an uplink's identity."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parking.identity import NETWORK_TIMED, PARTS, WINDOW, network_part, network_session

MINUTE = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
payloads = st.binary(min_size=1, max_size=242)
ports = st.none() | st.integers(0, 255)
times = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@given(payloads, ports, times, st.booleans(), st.integers(1, 121))
def test_all_parts_of_an_uplink_fit_into_their_column(
    payload: bytes, port: int | None, at: datetime | None, counted: bool, readings: int
) -> None:
    first = network_part(payload, port=port, heard_at=at, counted=counted, readings=readings)
    assert 0 <= first <= first + readings - 1 < PARTS
    assert first % readings == 0


@given(payloads, ports, st.integers(0, 59_999_999), st.integers(0, 59_999_999))
def test_copies_within_a_window_share_their_part(payload: bytes, port: int, first: int, second: int) -> None:
    parts = {
        network_part(payload, port=port, heard_at=MINUTE + timedelta(microseconds=us))
        for us in (first, second)
    }
    assert len(parts) == 1


def test_every_payload_of_one_byte_has_a_part_of_its_own() -> None:
    parts = {network_part(bytes((byte,)), port=1, heard_at=MINUTE) for byte in range(256)}
    assert len(parts) == 256


def test_a_repeated_uplink_hardly_ever_has_an_old_part() -> None:
    days = 8 * 24 * 60
    parts = [network_part(b"\x01", port=1, heard_at=MINUTE + minute * WINDOW) for minute in range(days)]
    assert all(one != other for one, other in pairwise(parts))
    # As many of them as one expects to be alike by chance, no more.
    assert len(set(parts)) > 0.8 * days


@given(st.text(max_size=40), st.text(max_size=40))
def test_sessions_have_numbers_apart_from_those_of_our_frames(one: str, other: str) -> None:
    assert 255 < NETWORK_TIMED <= network_session(one) < 2 * NETWORK_TIMED
    assert network_session(one, timed=False) < NETWORK_TIMED
    assert (network_session(one) == network_session(other)) is (one == other)
