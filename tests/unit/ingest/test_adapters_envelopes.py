"""The network servers' envelopes, and what becomes of the uplinks in them."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.adapters.base import Uplink
from ingest.decoded import Decoded
from parking.identity import NETWORK_TIMED
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


def loriot(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    names = {"f_port": "port", "f_cnt": "fcnt"}
    return f"lorawan/loriot/{DEVICE}/up", {
        "cmd": "gw",
        "EUI": EUI,
        "ts": 1772625598123,
        "fcnt": 42,
        "port": 1,
        "bat": 128,
        "gws": [{}, {}],
        "data": payload,
    } | {names[name]: value for name, value in message.items()}


def thingpark(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    names = {"f_port": "FPort", "f_cnt": "FCntUp"}
    return f"lorawan/thingpark/{DEVICE}/up", {
        "DevEUI_uplink": {
            "Time": "2026-03-04T12:59:58.123456+01:00",
            "DevEUI": EUI,
            "FPort": "1",
            "FCntUp": "42",
            "DevAddr": "260B1234",
            "Late": "0",
            "Lrrs": {"Lrr": [{}, {}]},
            "payload_hex": payload,
        }
        | {names[name]: str(value) for name, value in message.items()}
    }


def helium(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    names = {"f_port": "port", "f_cnt": "fcnt"}
    return "helium/5f2e/rx", {
        "dev_eui": EUI,
        "devaddr": "260B1234",
        "fcnt": 42,
        "port": 1,
        "reported_at": 1772625598123,
        "hotspots": [{}, {}],
        "payload": b64encode(bytes.fromhex(payload)).decode(),
    } | {names[name]: value for name, value in message.items()}


def aws_iot(payload: str, **message: Any) -> tuple[str, dict[str, Any]]:
    names = {"f_port": "FPort", "f_cnt": "FCnt"}
    return f"lorawan/aws-iot/{DEVICE}/up", {
        "PayloadData": b64encode(bytes.fromhex(payload)).decode(),
        "WirelessDeviceId": "d-1",
        "WirelessMetadata": {
            "LoRaWAN": {
                "DevEui": EUI,
                "DevAddr": "260B1234",
                "FPort": 1,
                "FCnt": 42,
                "Timestamp": "2026-03-04T11:59:58.123456Z",
                "Gateways": [{}],
                "PublicGateways": [{}],
            }
            | {names[name]: value for name, value in message.items()}
        },
    }


SERVERS = [things_stack, chirpstack, loriot, thingpark, helium, aws_iot]
every = pytest.mark.parametrize("build", SERVERS)
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


@every
def test_the_network_gives_time_and_identity(decoded: Decode, build: Build) -> None:
    topic, message = build("01")
    result = decoded(topic, json.dumps(message), devices=BOSCH)
    (seen,) = bays(result)
    at = datetime(2026, 3, 4, 11, 59, 58, 123000, UTC)
    assert at <= seen.event_at == seen.seen_at <= at.replace(microsecond=123456)
    assert (seen.device, seen.state, seen.kind) == (DEVICE, Occupancy.OCCUPIED, EventKind.CHANGE)
    assert seen.seq == 42
    assert seen.session >= NETWORK_TIMED
    assert result.uplink is not None
    assert (result.uplink.dev_eui, result.uplink.n_gateways, result.uplink.fport) == (EUI, 2, 1)


@every
def test_several_states_of_one_uplink_keep_their_order(decoded: Decode, build: Build) -> None:
    topic, message = build("156600156601")
    seen = bays(decoded(topic, json.dumps(message), devices=PNI))
    assert [(o.part - seen[0].part, o.seq, o.state) for o in seen] == [(0, 42, "vacant"), (1, 42, "occupied")]


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


@every
def test_an_uplink_without_payload_is_ignored(decoded: Decode, build: Build) -> None:
    topic, message = build("")
    result = decoded(topic, json.dumps(message), devices=PNI)
    assert (result.observations, result.rejections, bool(result.ignored)) == ((), (), True)


@every
def test_a_start_up_is_no_arrival(decoded: Decode, build: Build) -> None:
    topic, message = build("00" * 12 + "0027020201", f_port=3)
    (seen,) = bays(decoded(topic, json.dumps(message), devices=BOSCH))
    assert (seen.kind, seen.state) == (EventKind.BOOT, Occupancy.OCCUPIED)


@every
def test_our_frame_over_lorawan_counts_for_itself(decoded: Decode, build: Build) -> None:
    topic, message = build("1105070102000f0e1064fc")
    (seen,) = bays(decoded(topic, json.dumps(message), devices={DEVICE: "parking-v1"}))
    assert (seen.session, seen.seq, seen.part, seen.age_s, seen.previous_s) == (7, 258, 0, 15, 3600)
    assert (seen.seen_at - seen.event_at).total_seconds() == 15


@every
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


@pytest.mark.parametrize(
    ("build", "path", "value", "detail"),
    [
        (loriot, "EUI", "70B3", "`$.EUI`, not '70B3'"),
        (loriot, "EUI", ..., "missing required field `EUI`"),
        (loriot, "cmd", ..., "missing required field `cmd`"),
        (loriot, "data", "0g", "data is '0g', not pairs of hexadecimal digits"),
        (loriot, "data", "00 ", "data is '00 '"),
        (loriot, "ts", -1, "`$.ts`, not -1"),
        (loriot, "ts", 10**400, "ts"),
        (loriot, "bat", 256, "`$.bat`, not 256"),
        (loriot, "fcnt", 2**32, "fcnt"),
        (thingpark, "DevEUI_uplink.DevEUI", "x", "DevEUI`, not 'x'"),
        (thingpark, "DevEUI_uplink.FPort", "256", "FPort`, not '256'"),
        (thingpark, "DevEUI_uplink.FCntUp", "many", "FCntUp`, not 'many'"),
        (thingpark, "DevEUI_uplink.payload_hex", "0", "payload_hex is '0'"),
        (thingpark, "DevEUI_uplink.Time", "now", "Time is 'now', not an RFC 3339 time"),
        (helium, "dev_eui", ..., "missing required field `dev_eui`"),
        (helium, "payload", "~", "base64"),
        (helium, "reported_at", 15_868_685_461_234, "reported_at is 1.58687e+10 s, not from 2000 to 2099"),
        (aws_iot, "WirelessMetadata.LoRaWAN.DevEui", "58a0cb000202c99", "DevEui`, not '58a0cb000202c99'"),
        (aws_iot, "WirelessMetadata.LoRaWAN", ..., "missing required field `LoRaWAN`"),
        (aws_iot, "WirelessMetadata.LoRaWAN.Timestamp", "later", "Timestamp is 'later'"),
    ],
)
def test_a_bad_field_of_the_other_servers_is_named_too(
    decoded: Decode, build: Build, path: str, value: Any, detail: str
) -> None:
    topic, message = build("01")
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
    assert rejection.code in ("invalid_field", "out_of_range")
    assert detail in rejection.detail


@every
def test_a_time_that_cannot_be_still_shows_the_uplink(decoded: Decode, build: Build) -> None:
    topic, message = build("01")
    inner = message.get("WirelessMetadata", {}).get("LoRaWAN") or message.get("DevEUI_uplink") or message
    for name in ("received_at", "time", "Time", "Timestamp"):
        if name in inner:
            inner[name] = "2226-03-04T12:00:00Z"
    for name in ("ts", "reported_at"):
        if name in inner:
            inner[name] = 8_000_000_000_000
    result = decoded(topic, json.dumps(message), devices=BOSCH)
    assert [rejection.code for rejection in result.rejections] == ["out_of_range"]
    assert result.uplink is not None
    assert result.uplink.payload == b"\x01"


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        (f"lorawan/loriot/{DEVICE}/up", {"cmd": "txd", "EUI": EUI}),
        (f"lorawan/thingpark/{DEVICE}/up", {"DevEUI_downlink_Sent": {"DevEUI": EUI}}),
    ],
)
def test_a_message_of_another_kind_is_ignored(decoded: Decode, topic: str, message: dict[str, Any]) -> None:
    result = decoded(topic, json.dumps(message), devices=BOSCH)
    assert (result.observations, result.rejections, bool(result.ignored)) == ((), (), True)


@every
def test_a_payload_that_no_radio_carries_is_rejected(decoded: Decode, build: Build) -> None:
    fits, too_long = (build("156601" * states) for states in (85, 86))
    topic, message = fits
    parts = [seen.part for seen in bays(decoded(topic, json.dumps(message), devices=PNI))]
    assert parts == list(range(parts[0], parts[0] + 85))
    topic, message = too_long
    (rejection,) = decoded(topic, json.dumps(message), devices=PNI).rejections
    assert (rejection.code, rejection.detail) == ("too_large", "a payload of 258 bytes, at most 255")


def test_loriots_battery_level_is_lorawans(decoded: Decode) -> None:
    topic, message = loriot("01")
    levels = {1: 0.0, 128: 50.2, 254: 100.0, 0: None, 255: None}
    for level, percent in levels.items():
        (seen,) = bays(decoded(topic, json.dumps(message | {"bat": level}), devices=BOSCH))
        assert seen.battery_pct == percent
