"""The optional values of a frame, written and read."""

from typing import Any

import pytest

from firmware_protocol.codec import decode, encode
from firmware_protocol.frames import FrameError, HealthFrame, ResetCause, Tlv, TlvType, telemetry

VALUES: dict[str, Any] = {
    "firmware": "1.4.2",
    "hardware": "phw-b",
    "reset_cause": ResetCause.WATCHDOG,
    "rssi_dbm": -90,
    "uptime_s": 86_400,
    "heartbeat_s": 3600,
    "frames_sent": 512,
    "frames_failed": 3,
}


def read(frame: HealthFrame) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in VALUES}


def test_all_optional_values_come_back() -> None:
    frame = decode(encode(HealthFrame(boot=1, tlvs=telemetry(**VALUES))))
    assert isinstance(frame, HealthFrame)
    assert read(frame) == VALUES


def test_absent_values_are_none() -> None:
    assert read(HealthFrame(boot=1)) == dict.fromkeys(VALUES)


@pytest.mark.parametrize("kind", list(TlvType))
def test_value_of_another_form_reads_as_absent(kind: TlvType) -> None:
    for value in (b"", b"\x80" * 3, b"a" * 33):
        assert read(HealthFrame(boot=1, tlvs=(Tlv(kind, value),))) == dict.fromkeys(VALUES)


def test_first_value_of_proper_form_counts() -> None:
    values = tuple(Tlv(TlvType.RSSI, value) for value in (b"\xb5\xb5", b"\xb5", b"\xb6"))
    assert HealthFrame(boot=1, tlvs=values).rssi_dbm == -75


def test_reset_cause_of_a_later_device_is_unknown() -> None:
    assert HealthFrame(boot=1, tlvs=(Tlv(TlvType.RESET_CAUSE, b"\x63"),)).reset_cause == ResetCause.UNKNOWN


@pytest.mark.parametrize(
    "values",
    [{"firmware": ""}, {"firmware": "v" * 33}, {"hardware": "größe"}, {"rssi_dbm": 128}, {"uptime_s": -1}],
)
def test_value_that_does_not_fit_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(FrameError) as caught:
        telemetry(**values)
    assert caught.value.code == "bad_value"
