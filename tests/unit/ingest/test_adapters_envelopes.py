"""The network servers' envelopes, and what becomes of the uplinks in them."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pytest

from ingest.adapters.base import Uplink
from ingest.decode import Decoded
from parking.model import BayObservation, EventKind, Occupancy

Decode = Callable[..., Decoded]
Build = Callable[..., tuple[str, dict[str, Any]]]

EUI = "70B3D5E75E0000A1"
DEVICE = EUI.lower()
BOSCH = {DEVICE: "bosch-tps110"}
PNI = {DEVICE: "pni-placepod"}


def things_stack(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    return "v3/car-parks@council/devices/bay-1/up", {
        "end_device_ids": {"device_id": "bay-1", "dev_eui": EUI, "dev_addr": "260B1234"},
        "received_at": "2026-03-04T11:59:58.123456789Z",
        "uplink_message": {
            "session_key_id": "AYfq",
            "f_port": 1,
            "f_cnt": 42,
            "frm_payload": b64encode(bytes.fromhex(payload)).decode(),
            "rx_metadata": [{}, {}],
        }
        | message,
    }


def chirpstack(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    names = {"f_port": "fPort", "f_cnt": "fCnt"}
    return f"application/1/device/{DEVICE}/event/up", {
        "deduplicationId": "3c5e",
        "time": "2026-03-04T12:59:58.123456789+01:00",
        "deviceInfo": {"devEui": EUI},
        "devAddr": "260b1234",
        "fPort": 1,
        "fCnt": 42,
        "data": b64encode(bytes.fromhex(payload)).decode(),
        "rxInfo": [{}, {}],
    } | {names[name]: value for name, value in message.items()}


both = pytest.mark.parametrize("build", [things_stack, chirpstack])


def bays(result: Decoded) -> list[BayObservation]:
    return [observation for observation in result.observations if isinstance(observation, BayObservation)]


def test_the_things_stack_envelope_is_read_whole(decoded: Decode) -> None:
    topic, message = things_stack("01")
    assert decoded(topic, json.dumps(message), devices=BOSCH).uplink == Uplink(
        device=DEVICE,
        dev_eui=EUI,
        device_id="bay-1",
        fport=1,
        fcnt=42,
        payload=b"\x01",
        received_at=datetime(2026, 3, 4, 11, 59, 58, 123456, UTC),
        received_text="2026-03-04T11:59:58.123456789Z",
        n_gateways=2,
        session="AYfq",
    )


def test_the_chirpstack_envelope_is_read_whole(decoded: Decode) -> None:
    topic, message = chirpstack("01")
    assert decoded(topic, json.dumps(message), devices=BOSCH).uplink == Uplink(
        device=DEVICE,
        dev_eui=EUI,
        fport=1,
        fcnt=42,
        payload=b"\x01",
        received_at=datetime(2026, 3, 4, 11, 59, 58, 123456, UTC),
        received_text="2026-03-04T12:59:58.123456789+01:00",
        n_gateways=2,
        session="260b1234",
        dedup_id="3c5e",
    )


@both
def test_the_network_gives_time_and_identity(decoded: Decode, build: Build) -> None:
    topic, message = build("01")
    result = decoded(topic, json.dumps(message), devices=BOSCH)
    at = datetime(2026, 3, 4, 11, 59, 58, 123456, UTC)
    assert result.uplink is not None
    assert bays(result) == [
        BayObservation(
            device=DEVICE,
            state=Occupancy.OCCUPIED,
            event_at=at,
            seen_at=at,
            seq=42,
            session=crc32(result.uplink.session.encode()),
        )
    ]


@both
def test_several_states_of_one_uplink_keep_their_order(decoded: Decode, build: Build) -> None:
    topic, message = build("156600156601")
    seen = bays(decoded(topic, json.dumps(message), devices=PNI))
    assert [(o.part, o.seq, o.state) for o in seen] == [(0, 42, "vacant"), (1, 42, "occupied")]


@both
def test_absent_fields_are_zero(decoded: Decode, build: Build, arrival: datetime) -> None:
    topic, message = build("376601")
    inner = message.get("uplink_message", message)
    for name in ("f_cnt", "fCnt", "f_port", "fPort", "session_key_id", "rx_metadata", "rxInfo"):
        inner.pop(name, None)
    for name in ("received_at", "time", "devAddr", "deduplicationId"):
        message.pop(name, None)
    message.get("end_device_ids", {}).pop("dev_addr", None)
    result = decoded(topic, json.dumps(message), devices=PNI)
    assert result.uplink is not None
    assert (result.uplink.fport, result.uplink.n_gateways) == (None, 0)
    assert [(o.seq, o.session, o.event_at, o.kind) for o in bays(result)] == [
        (0, 0, arrival, EventKind.HEARTBEAT)
    ]


@both
def test_an_uplink_without_payload_is_ignored(decoded: Decode, build: Build) -> None:
    topic, message = build("")
    result = decoded(topic, json.dumps(message), devices=PNI)
    assert (result.observations, result.rejections, bool(result.ignored)) == ((), (), True)


@both
def test_a_start_up_is_no_arrival(decoded: Decode, build: Build) -> None:
    topic, message = build("00" * 12 + "0027020201", f_port=3)
    (seen,) = bays(decoded(topic, json.dumps(message), devices=BOSCH))
    assert (seen.kind, seen.state) == (EventKind.BOOT, Occupancy.OCCUPIED)


@both
def test_our_frame_over_lorawan_counts_for_itself(decoded: Decode, build: Build) -> None:
    topic, message = build("1105070102000f0e1064fc")
    (seen,) = bays(decoded(topic, json.dumps(message), devices={DEVICE: "parking-v1"}))
    assert (seen.session, seen.seq, seen.age_s, seen.previous_s) == (7, 258, 15, 3600)
    assert (seen.seen_at - seen.event_at).total_seconds() == 15


@both
@pytest.mark.parametrize(
    ("devices", "code"), [({}, "unknown_device"), ({DEVICE: "no-such"}, "unknown_codec")]
)
def test_an_unknown_device_or_codec_is_rejected_with_the_uplink(
    decoded: Decode, build: Build, devices: dict[str, str], code: str
) -> None:
    topic, message = build("01")
    result = decoded(topic, json.dumps(message), devices=devices)
    assert [rejection.code for rejection in result.rejections] == [code]
    assert result.uplink is not None


def test_a_device_without_eui_goes_by_its_name(decoded: Decode) -> None:
    topic, message = things_stack("01")
    del message["end_device_ids"]["dev_eui"]
    (seen,) = bays(decoded(topic, json.dumps(message), devices={"bay-1": "bosch-tps110"}))
    assert seen.device == "bay-1"


@pytest.mark.parametrize(
    ("path", "value", "code", "detail"),
    [
        ("uplink_message.f_port", 256, "invalid_field", "`$.uplink_message.f_port`, not 256"),
        ("uplink_message.f_cnt", -1, "invalid_field", "`$.uplink_message.f_cnt`, not -1"),
        ("uplink_message.f_cnt", 2**32, "invalid_field", "not 4294967296"),
        ("uplink_message.f_cnt", 10**30, "invalid_field", "f_cnt"),
        ("uplink_message.f_cnt", 1.5, "invalid_field", "not 1.5"),
        ("uplink_message.f_cnt", "7", "invalid_field", "Expected `int`, got `str`"),
        ("uplink_message.frm_payload", "~~", "invalid_field", "base64"),
        ("uplink_message.frm_payload", 5, "invalid_field", "not 5"),
        ("uplink_message.rx_metadata", 5, "invalid_field", "rx_metadata"),
        ("uplink_message", [], "invalid_field", "uplink_message"),
        ("uplink_message", ..., "invalid_field", "missing required field `uplink_message`"),
        ("end_device_ids", ..., "invalid_field", "missing required field `end_device_ids`"),
        ("end_device_ids.device_id", ..., "invalid_field", "missing required field `device_id`"),
        ("end_device_ids.device_id", "a b", "invalid_field", "not 'a b'"),
        ("end_device_ids.device_id", "x" * 65, "invalid_field", "device_id"),
        ("end_device_ids.dev_eui", "70B3", "invalid_field", "not '70B3'"),
        ("end_device_ids.dev_eui", EUI + "\n", "invalid_field", "dev_eui"),
        ("received_at", "yesterday", "invalid_field", "received_at is 'yesterday'"),
        ("received_at", "2026-03-04T12:00:00", "invalid_field", "not an RFC 3339 time"),
        ("received_at", "0001-01-01T00:00:00+23:59", "invalid_field", "received_at"),
        ("received_at", "1970-01-01T00:00:00Z", "out_of_range", "not from 2000 to 2099"),
        ("received_at", "9999-12-31T23:59:59Z", "out_of_range", "not from 2000 to 2099"),
    ],
)
def test_a_bad_field_is_rejected_by_name_value_and_rule(
    decoded: Decode, path: str, value: Any, code: str, detail: str
) -> None:
    topic, message = things_stack("01")
    *parents, name = path.split(".")
    inner = message
    for parent in parents:
        inner = inner[parent]
    if value is ...:
        del inner[name]
    else:
        inner[name] = value
    result = decoded(topic, json.dumps(message), devices=BOSCH)
    assert result.observations == ()
    (rejection,) = result.rejections
    assert rejection.code == code
    assert detail in rejection.detail
