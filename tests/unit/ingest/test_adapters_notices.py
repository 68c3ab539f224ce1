"""What network servers tell of a device besides its uplinks: joins, its status, and what went wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.adapters.base import Notice, NoticeKind
from ingest.decoded import Decoded
from parking.identity import network_session
from parking.model import BayObservation, EventKind

Decode = Callable[..., Decoded]

EUI = "70B3D5E75E0000A1"
DEVICE = EUI.lower()
KNOWN = {DEVICE: "bosch-tps110"}
AT = datetime(2026, 3, 4, 11, 59, tzinfo=UTC)
IDS = {"device_id": "bay-1", "dev_eui": EUI, "dev_addr": "260B1234"}


def chirpstack(decoded: Decode, event: str, **members: Any) -> Decoded:
    message = {"deviceInfo": {"devEui": EUI}, "time": "2026-03-04T11:59:00Z"} | members
    return decoded(f"application/1/device/{DEVICE}/event/{event}", json.dumps(message), devices=KNOWN)


def things_stack(decoded: Decode, leaf: str, **members: Any) -> Decoded:
    message = {"end_device_ids": IDS, "received_at": "2026-03-04T11:59:00Z"} | members
    return decoded(f"v3/app@tenant/devices/bay-1/{leaf}", json.dumps(message), devices=KNOWN)


def test_a_join_begins_the_session_that_its_uplinks_then_have(decoded: Decode) -> None:
    joined = chirpstack(decoded, "join", devAddr="00aa11bb")
    assert joined.notice == Notice(
        kind=NoticeKind.JOIN, device=DEVICE, at=AT, session=network_session("00aa11bb")
    )
    followed = chirpstack(decoded, "up", devAddr="00aa11bb", fPort=1, data="AQ==")
    (seen,) = followed.observations
    assert isinstance(seen, BayObservation)
    assert seen.session == joined.notice.session
    again = things_stack(decoded, "join", join_accept={"session_key_id": "k2"})
    assert again.notice == Notice(kind=NoticeKind.JOIN, device=DEVICE, at=AT, session=network_session("k2"))


def test_a_join_is_no_sign_of_life_of_the_detector(decoded: Decode) -> None:
    joined = chirpstack(decoded, "join", devAddr="00aa11bb")
    assert (joined.observations, joined.rejections, bool(joined.ignored)) == ((), (), True)


def test_a_status_tells_battery_and_margin(decoded: Decode) -> None:
    told = chirpstack(decoded, "status", margin=7, batteryLevel=61.5)
    assert told.observations == (
        BayObservation(
            device=DEVICE,
            state=None,
            event_at=AT,
            seen_at=AT,
            seq=0,
            kind=EventKind.HEARTBEAT,
            battery_pct=61.5,
            margin_db=7,
        ),
    )
    assert told.ignored is None


@pytest.mark.parametrize("reason", ["batteryLevelUnavailable", "externalPowerSource"])
def test_a_level_of_zero_beside_its_reason_is_no_level(decoded: Decode, reason: str) -> None:
    told = chirpstack(decoded, "status", margin=0, batteryLevel=0, **{reason: True})
    (seen,) = told.observations
    assert isinstance(seen, BayObservation)
    assert (seen.battery_pct, seen.margin_db) == (None, 0)
    assert told.notice is not None
    assert told.notice.external_power is (reason == "externalPowerSource")


def test_a_status_of_a_device_that_is_not_ours_is_passed_over(decoded: Decode) -> None:
    message = {"deviceInfo": {"devEui": EUI}, "margin": 7}
    told = decoded(f"application/1/device/{DEVICE}/event/status", json.dumps(message))
    assert (told.observations, told.rejections, bool(told.ignored)) == ((), (), True)
    assert told.notice is not None


def test_a_log_tells_what_went_wrong(decoded: Decode) -> None:
    told = chirpstack(decoded, "log", level="ERROR", code="OTAA", description="no such device\n\x1b[31m")
    assert told.notice == Notice(
        kind=NoticeKind.LOG, device=DEVICE, at=AT, level="error", code="OTAA", text="no such device??[31m"
    )
    assert (told.observations, told.rejections) == ((), ())


def test_a_failed_downlink_is_a_log_too(decoded: Decode) -> None:
    error = {"name": "too_long", "message_format": "a payload of {size} bytes is too long"}
    told = things_stack(decoded, "down/failed", downlink_failed={"error": error})
    assert told.notice == Notice(
        kind=NoticeKind.LOG,
        device=DEVICE,
        at=AT,
        level="error",
        code="too_long",
        text="a payload of {size} bytes is too long",
    )


def test_a_log_of_any_length_is_cut(decoded: Decode) -> None:
    told = chirpstack(decoded, "log", description="x" * 10_000)
    assert told.notice is not None
    assert told.notice.text is not None
    assert len(told.notice.text) < 250


@pytest.mark.parametrize(
    ("event", "members", "detail"),
    [
        ("status", {"margin": 300}, "`$.margin`, not 300"),
        ("status", {"batteryLevel": 101}, "`$.batteryLevel`, not 101"),
        ("status", {"time": "noon"}, "time is 'noon'"),
        ("join", {"deviceInfo": {}}, "missing required field `devEui`"),
        ("log", {"level": 3}, "`$.level`, not 3"),
    ],
)
def test_a_bad_field_is_rejected_by_name_value_and_rule(
    decoded: Decode, event: str, members: dict[str, Any], detail: str
) -> None:
    (rejection,) = chirpstack(decoded, event, **members).rejections
    assert detail in rejection.detail
