"""Commands: what a device answers before it does anything, and any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.commands import Command, Operation, decode_command, encode_command
from firmware_protocol.frames import FrameError, Outcome, Tlv, TlvType, telemetry

commands = st.builds(
    Command,
    id=st.integers(0, 0xFFFF_FFFF),
    operation=st.integers(0, 255),
    tlvs=st.lists(st.builds(Tlv, st.integers(0, 255), st.binary(max_size=6)), max_size=4).map(tuple),
)


@given(commands)
def test_command_comes_back_as_it_went(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@given(st.binary(max_size=40) | st.binary(max_size=300).map(lambda data: b"\x18" + data))
def test_any_bytes_give_a_command_or_a_frame_error(data: bytes) -> None:
    try:
        command = decode_command(data)
    except FrameError:
        return
    assert command.check() in Outcome
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("command-configure", Outcome.DONE),
        ("command-configure-heartbeat-alone", Outcome.DONE),
        ("command-status", Outcome.DONE),
        ("command-recalibrate", Outcome.DONE),
        ("command-reboot", Outcome.DONE),
        ("command-time", Outcome.DONE),
        ("command-id-0", Outcome.INVALID),
        ("command-heartbeat-too-short", Outcome.INVALID),
        ("command-without-its-argument", Outcome.INVALID),
        ("command-of-a-later-version", Outcome.UNSUPPORTED),
        ("command-unknown-argument", Outcome.UNSUPPORTED),
    ],
)
def test_published_command_is_answered_as_the_page_says(name: str, outcome: Outcome) -> None:
    data = next(row.data for row in vectors.load() if row.name == name)
    assert decode_command(data).check() == outcome


@pytest.mark.parametrize(
    ("operation", "tlvs", "outcome"),
    [
        (Operation.CONFIGURE, telemetry(debounce_ms=2000), Outcome.DONE),
        (Operation.CONFIGURE, telemetry(debounce_ms=60_000), Outcome.DONE),
        (Operation.CONFIGURE, telemetry(heartbeat_s=10, debounce_ms=1999), Outcome.INVALID),
        (Operation.CONFIGURE, telemetry(debounce_ms=60_001), Outcome.INVALID),
        (Operation.CONFIGURE, (), Outcome.INVALID),
        (Operation.CONFIGURE, telemetry(heartbeat_s=60) * 2, Outcome.INVALID),
        (Operation.CONFIGURE, (Tlv(TlvType.HEARTBEAT, b"\x01"),), Outcome.INVALID),
        (Operation.CONFIGURE, telemetry(heartbeat_s=60, time_s=1), Outcome.UNSUPPORTED),
        (Operation.STATUS, telemetry(heartbeat_s=60), Outcome.UNSUPPORTED),
        (Operation.TIME, telemetry(time_s=0), Outcome.DONE),
        (Operation.TIME, telemetry(time_s=0) * 2, Outcome.INVALID),
        (Operation.TIME, (Tlv(TlvType.TIME, b"\x01"),), Outcome.INVALID),
        (0, (), Outcome.UNSUPPORTED),
        (255, (), Outcome.UNSUPPORTED),
    ],
)
def test_arguments_are_checked_before_anything_is_done(
    operation: int, tlvs: tuple[Tlv, ...], outcome: Outcome
) -> None:
    assert Command(id=1, operation=operation, tlvs=tlvs).check() == outcome


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Command(id=1 << 32, operation=1), "bad_value"),
        (Command(id=-1, operation=1), "bad_value"),
        (Command(id=1, operation=256), "bad_value"),
        (Command(id=1, operation=1, tlvs=(Tlv(1, bytes(250)),)), "too_long"),
    ],
)
def test_encoder_refuses_what_does_not_fit(command: Command, code: str) -> None:
    with pytest.raises(FrameError) as caught:
        encode_command(command)
    assert caught.value.code == code


def test_frame_where_a_command_is_expected_is_a_bad_type() -> None:
    with pytest.raises(FrameError, match="type 1 is not a command"):
        decode_command(bytes.fromhex("110502000100040078a1fc"))
