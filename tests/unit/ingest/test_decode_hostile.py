"""Whatever comes on whichever topic gives an observation, a rejection or a reason to ignore it."""

import json
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import codec
from firmware_protocol.frames import FrameType, State, StateFrame
from ingest.adapters.codecs import CODECS
from ingest.decode import decode
from ingest.decoded import Decoded
from parking.errors import Rejection
from parking.model import BayObservation

Decode = Callable[..., Decoded]

ARRIVAL = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CAMERA_TOPICS = (
    "frigate/events",
    "frigate/tracked_object_update",
    "parking/v1/castle-mews/anpr/cm-in-1/read",
)
JSON_TOPICS = (
    *CAMERA_TOPICS,
    "v3/app@tenant/devices/dev/up",
    "v3/app@tenant/devices/dev/join",
    "v3/app@tenant/devices/dev/down/failed",
    "application/1/device/0102030405060708/event/up",
    "application/1/device/0102030405060708/event/join",
    "application/1/device/0102030405060708/event/status",
    "application/1/device/0102030405060708/event/log",
    "lorawan/loriot/0102030405060708/up",
    "lorawan/helium/0102030405060708/up",
    "lorawan/aws-iot/0102030405060708/up",
    "helium/5f2e/rx",
)
LENIENT_TOPICS = ("lorawan/thingpark/0102030405060708/up",)
"""An object of any other kind is passed over here, not rejected."""
TOPICS = (*JSON_TOPICS, *LENIENT_TOPICS, "parking/v1/s/bay/d/up", "parking/v1/s/gateway/g/up")
FRAME = codec.encode(StateFrame(type=FrameType.EVENT, state=State.VACANT, boot=1, seq=1, age_s=1))

# Names that the envelopes use, so that random objects come near to being real.
NAMES = st.sampled_from(
    [
        *("type", "after", "id", "camera", "frame_time", "false_positive", "plate", "score", "timestamp"),
        *("recognized_license_plate", "recognized_license_plate_score", "end_device_ids", "device_id"),
        *("dev_eui", "uplink_message", "frm_payload", "f_port", "f_cnt", "received_at", "rx_metadata"),
        *("deviceInfo", "devEui", "data", "fPort", "fCnt", "time", "rxInfo", "devAddr"),
        *("join_accept", "downlink_failed", "error", "margin", "batteryLevel", "level", "description"),
        *("cmd", "EUI", "ts", "fcnt", "port", "bat", "gws", "DevEUI_uplink", "DevEUI", "Time", "FPort"),
        *("FCntUp", "payload_hex", "Lrrs", "devaddr", "payload", "reported_at", "hotspots"),
        *("WirelessMetadata", "LoRaWAN", "DevEui", "Timestamp", "Gateways", "PayloadData"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["rx", "gw", "00", 10**400, -1, 1.7e12, 1_772_625_598_123]),
    st.sampled_from(["lpr", "0102030405060708", "AQ==", "2026-03-04T12:00:00Z", "cam", "AB12 CDE", 1, 0.5]),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=20,
)


class AnyDevice:
    """A registry in which every device has this codec."""

    def __init__(self, name: str) -> None:
        self._name = name

    def codec(self, device: str) -> str:
        return self._name


def check(topic: str, payload: bytes, codec_name: str = "pni-placepod") -> Decoded:
    result = decode(topic, payload, received_at=ARRIVAL, directory=AnyDevice(codec_name))
    assert result.observations or result.rejections or result.ignored
    assert "decoder_error" not in [rejection.code for rejection in result.rejections]
    return result


@given(st.sampled_from(TOPICS) | st.text(), st.binary(max_size=400), st.sampled_from(sorted(CODECS)))
def test_random_bytes_never_raise(topic: str, payload: bytes, codec_name: str) -> None:
    check(topic, payload, codec_name)


@given(st.sampled_from(JSON_TOPICS + LENIENT_TOPICS), JSON, st.sampled_from(sorted(CODECS)))
def test_random_json_never_raises(topic: str, value: Any, codec_name: str) -> None:
    check(topic, json.dumps(value).encode(), codec_name)


@given(st.sampled_from(TOPICS[-2:]), st.binary(max_size=40))
def test_damaged_frames_never_raise(topic: str, noise: bytes) -> None:
    check(topic, bytes(a ^ b for a, b in zip(FRAME, noise.ljust(len(FRAME), b"\0"), strict=False)) + noise)


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=40), st.none() | st.integers(0, 255))
def test_a_payload_decoder_gives_readings_or_one_rejection(
    name: str, payload: bytes, port: int | None
) -> None:
    outcome: object
    try:
        outcome = CODECS[name](payload, port)
    except Rejection as rejection:
        outcome = rejection.code and rejection.detail
    assert outcome


@pytest.mark.parametrize("topic", JSON_TOPICS)
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"[" * 100_000, "invalid_field"),
        (b'{"x":' + b"[" * 100_000, "invalid_json"),
        (b'{"after":' * 20_000, "invalid_json"),
        (b'{"x":' * 20_000 + b"1" + b"}" * 20_000, "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": Infinity}', "invalid_json"),
        (b'{"a": 1', "invalid_json"),
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"null", "invalid_field"),
        (b"[]", "invalid_field"),
        (b'"text"', "invalid_field"),
    ],
)
def test_what_is_no_json_object_is_rejected(topic: str, payload: bytes, code: str) -> None:
    assert [rejection.code for rejection in check(topic, payload).rejections] == [code]


# Envelopes that are nearly good: one value at a time is replaced by anything.
ENVELOPES: dict[str, dict[str, Any]] = {
    "v3/app@tenant/devices/dev/up": {
        "end_device_ids": {"device_id": "d", "dev_eui": "0102030405060708"},
        "received_at": "2026-03-04T12:00:00Z",
        "uplink_message": {"f_port": 1, "f_cnt": 1, "frm_payload": "AQ==", "session_key_id": "a"},
    },
    "application/1/device/0102030405060708/event/status": {
        "deviceInfo": {"devEui": "0102030405060708"},
        "time": "2026-03-04T12:00:00Z",
        "margin": 5,
        "batteryLevel": 50.5,
    },
    "application/1/device/0102030405060708/event/log": {
        "deviceInfo": {"devEui": "0102030405060708"},
        "level": "ERROR",
        "code": "X",
        "description": "y",
    },
    "lorawan/loriot/0102030405060708/up": {
        "cmd": "gw",
        "EUI": "0102030405060708",
        "ts": 1_772_625_598_123,
        "fcnt": 1,
        "port": 1,
        "data": "01",
        "bat": 9,
        "gws": [{}],
    },
    "lorawan/thingpark/0102030405060708/up": {
        "DevEUI_uplink": {
            "DevEUI": "0102030405060708",
            "Time": "2026-03-04T12:00:00Z",
            "FPort": 1,
            "FCntUp": 1,
            "payload_hex": "01",
            "Late": 0,
            "Lrrs": {"Lrr": [{}]},
        }
    },
    "helium/5f2e/rx": {
        "dev_eui": "0102030405060708",
        "fcnt": 1,
        "port": 1,
        "payload": "AQ==",
        "reported_at": 1_772_625_598_123,
        "hotspots": [{}],
    },
    "lorawan/aws-iot/0102030405060708/up": {
        "PayloadData": "AQ==",
        "WirelessMetadata": {
            "LoRaWAN": {
                "DevEui": "0102030405060708",
                "FPort": 1,
                "Timestamp": "2026-03-04T12:00:00Z",
                "Gateways": [{}],
            }
        },
    },
}


def paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where each member of an object is, however deep."""
    if not isinstance(value, dict):
        return []
    return [path for name in value for path in [(*at, name), *paths(value[name], (*at, name))]]


@given(st.sampled_from(sorted(ENVELOPES)), st.data(), JSON | LEAVES)
def test_an_envelope_with_one_wrong_value_never_raises(topic: str, data: st.DataObject, value: Any) -> None:
    envelope = json.loads(json.dumps(ENVELOPES[topic]))
    *parents, name = data.draw(st.sampled_from(paths(envelope)))
    inner = envelope
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    check(topic, json.dumps(envelope).encode(), "bosch-tps110")


PLATE = "LK21 XYZ"


def spoilt(read: dict[str, Any]) -> list[dict[str, Any]]:
    """A message with each of its values in turn replaced by ones that hold a plate or are out of range."""
    bad = (PLATE, [PLATE], {PLATE: PLATE}, {"plate": PLATE}, 1e300, -1, 10**40, [[PLATE, PLATE]], PLATE * 9)
    return [{**read, name: value} for name in read for value in bad]


@pytest.mark.parametrize("topic", CAMERA_TOPICS)
def test_no_rejection_of_a_camera_holds_a_plate(topic: str) -> None:
    update = {"type": "lpr", "id": "1-a", "plate": PLATE, "camera": "in", "score": 0.9, "timestamp": 1.7e9}
    seen = {
        "id": "1-a",
        "camera": "in",
        "frame_time": 1.7e9,
        "recognized_license_plate": PLATE,
        "recognized_license_plate_score": 0.9,
        "false_positive": False,
    }
    messages = [json.dumps(message) for message in spoilt(update)]
    messages += [json.dumps({"type": "update", "after": after}) for after in spoilt(seen)]
    messages += [message[: len(message) // 2] for message in messages] + [
        f"{PLATE} {{}}",
        f'{{"{PLATE}": 1,}}',
    ]
    rejected = 0
    for message in messages:
        result = check(topic, message.encode())
        rejected += len(result.rejections)
        told = repr(result) + str(result) + "".join(map(str, result.rejections))
        folded = "".join(c for c in told if c in string.ascii_uppercase + string.digits)
        assert PLATE not in told
        assert PLATE.replace(" ", "") not in folded
    assert rejected > len(messages) / 2


def test_the_next_good_message_is_decoded(decoded: Decode) -> None:
    assert decoded("parking/v1/s/bay/d/up", b"\xff" * 50).rejections
    (observation,) = decoded("parking/v1/s/bay/d/up", FRAME).observations
    assert isinstance(observation, BayObservation)
