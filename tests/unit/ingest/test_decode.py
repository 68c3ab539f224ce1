"""Our own frames and bundles, the choice of decoder by topic, and limits."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from firmware_protocol import codec
from firmware_protocol.frames import (
    Bundle,
    BundleEntry,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    ResetCause,
    State,
    StateFrame,
    telemetry,
)
from ingest import decode as decode_module
from ingest.adapters.codecs import CODECS
from ingest.decode import decode
from ingest.decoded import Decoded, Message
from ingest.own_frames import MAX_ENTRY_REJECTIONS
from parking.devices import DEVICE_TYPES
from parking.model import BayObservation, EventKind, Occupancy

Decode = Callable[..., Decoded]

BAY = "parking/v1/queen-street/bay/qs-001/up"
GATEWAY = "parking/v1/queen-street/gateway/gw-1/up"


def frame(**changes: object) -> StateFrame:
    values: dict[str, object] = {
        "type": FrameType.EVENT,
        "state": State.OCCUPIED,
        "boot": 7,
        "seq": 300,
        "age_s": 20,
        "previous_s": 3600,
        "battery_v": 3.1,
        "temperature_c": -4,
    }
    return StateFrame(**(values | changes))  # type: ignore[arg-type]


def bay(result: Decoded) -> BayObservation:
    (observation,) = result.observations
    assert isinstance(observation, BayObservation)
    return observation


def test_a_frame_says_when_its_state_began(decoded: Decode, arrival: datetime) -> None:
    assert decoded(BAY, codec.encode(frame())) == Decoded(
        site="queen-street",
        observations=(
            BayObservation(
                device="qs-001",
                state=Occupancy.OCCUPIED,
                event_at=arrival - timedelta(seconds=20),
                seen_at=arrival,
                seq=300,
                session=7,
                age_s=20,
                previous_s=3600,
                kind=EventKind.CHANGE,
                battery_v=3.1,
                temperature_c=-4,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("state", "expected", "fault"),
    [
        (State.VACANT, Occupancy.VACANT, False),
        (State.OCCUPIED, Occupancy.OCCUPIED, False),
        (State.UNKNOWN, Occupancy.UNKNOWN, False),
        (State.FAULT, Occupancy.UNKNOWN, True),
    ],
)
def test_each_state_has_its_meaning(decoded: Decode, state: State, expected: Occupancy, fault: bool) -> None:
    observation = bay(decoded(BAY, codec.encode(frame(state=state))))
    assert (observation.state, observation.fault) == (expected, fault)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (FrameType.EVENT, EventKind.CHANGE),
        (FrameType.HEARTBEAT, EventKind.HEARTBEAT),
        (FrameType.BOOT, EventKind.BOOT),
    ],
)
def test_each_type_has_its_kind(decoded: Decode, type_: FrameType, kind: EventKind) -> None:
    assert bay(decoded(BAY, codec.encode(frame(type=type_)))).kind is kind


def test_a_health_frame_says_nothing_of_the_bay(decoded: Decode, arrival: datetime) -> None:
    health = HealthFrame(
        boot=3, battery_v=2.9, tlvs=telemetry(firmware="1.4.0", reset_cause=ResetCause.BROWN_OUT)
    )
    observation = bay(decoded(BAY, codec.encode(health)))
    assert (observation.state, observation.session, observation.event_at) == (None, 3, arrival)
    assert (observation.battery_v, observation.temperature_c) == (2.9, None)
    assert (observation.firmware, observation.reset_cause) == ("1.4.0", "brown_out")


@pytest.mark.parametrize("size", range(11))
def test_a_cut_frame_is_rejected(decoded: Decode, size: int) -> None:
    result = decoded(BAY, codec.encode(frame())[:size])
    assert result.observations == ()
    assert [rejection.code for rejection in result.rejections] == ["truncated"]


def test_a_bundle_gives_an_observation_for_each_frame(decoded: Decode, arrival: datetime) -> None:
    held = ((60, frame(seq=1)), (0, frame(seq=2, age_s=5)))
    bundle = Bundle(tuple(BundleEntry(f"qs-{n}", delay, item) for n, (delay, item) in enumerate(held)))
    result = decoded(GATEWAY, codec.encode_bundle(bundle))
    seen = [(o.device, o.seen_at, o.event_at) for o in result.observations if isinstance(o, BayObservation)]
    assert seen == [
        ("qs-0", arrival - timedelta(seconds=60), arrival - timedelta(seconds=80)),
        ("qs-1", arrival, arrival - timedelta(seconds=5)),
    ]
    assert (result.rejections, result.site) == ((), "queen-street")


def broken(device: str, raw: bytes) -> BundleEntry:
    return BundleEntry(device, 0, FrameError("truncated", ""), raw)


def test_a_broken_entry_of_a_bundle_costs_only_itself(decoded: Decode) -> None:
    good: Frame = frame()
    bundle = Bundle((BundleEntry("a", 0, good), broken("b", b"\x11\x00"), BundleEntry("c", 0, good)))
    result = decoded(GATEWAY, codec.encode_bundle(bundle))
    assert [o.device for o in result.observations if isinstance(o, BayObservation)] == ["a", "c"]
    assert [(r.code, r.detail) for r in result.rejections] == [
        ("truncated", "entry 2, device b: 2 of 11 bytes")
    ]


def test_a_cut_bundle_keeps_what_came_whole(decoded: Decode) -> None:
    bundle = Bundle(tuple(BundleEntry(name, 0, frame()) for name in ("a", "b")))
    result = decoded(GATEWAY, codec.encode_bundle(bundle)[:-1])
    assert [o.device for o in result.observations if isinstance(o, BayObservation)] == ["a"]
    assert [rejection.code for rejection in result.rejections] == ["truncated"]


def test_a_bundle_of_rubbish_makes_few_rejections(decoded: Decode) -> None:
    bundle = Bundle(tuple(broken(f"d{n}", b"\xff") for n in range(1000)))
    result = decoded(GATEWAY, codec.encode_bundle(bundle))
    assert len(result.rejections) == MAX_ENTRY_REJECTIONS
    assert "980 more entries" in result.rejections[-1].detail


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "other/topic",
        "parking/v2/queen-street/bay/qs-001/up",
        "parking/v1/queen-street/bay/qs-001",
        "parking/v1/queen street/bay/qs-001/up",
        "v3/app@tenant/devices",
        "v3/app@tenant/gateways/gw/up",
        "application/1/device/0102030405060708/up",
        "application/1/device/0102030405060708/event/up/more",
        "lorawan/loriot/0102030405060708/down",
        "lorawan/loriot/up",
        "lorawan/kerlink/0102030405060708/up",
        "helium/5f2e/tx",
        "helium/rx",
    ],
)
def test_a_topic_that_no_one_reads_is_rejected(decoded: Decode, topic: str) -> None:
    assert [rejection.code for rejection in decoded(topic, b"{}").rejections] == ["unknown_topic"]


@pytest.mark.parametrize(
    "topic",
    [
        "parking/v1/queen-street/bay/qs-001/down",
        "parking/v1/queen-street/availability",
        "parking/v1/queen-street/sign/vms-12",
        "v3/app@tenant/devices/dev/down/ack",
        "application/1/device/0102030405060708/event/txack",
        "application/1/device/0102030405060708/event/location",
        "application/1/device/0102030405060708/command/down",
        "frigate/stats",
    ],
)
def test_a_topic_of_another_purpose_is_ignored(decoded: Decode, topic: str) -> None:
    result = decoded(topic, b"{}")
    assert (result.observations, result.rejections) == ((), ())
    assert result.ignored


@pytest.mark.parametrize(
    "topic",
    [
        BAY,
        GATEWAY,
        "v3/app@tenant/devices/dev/up",
        "application/1/device/0102030405060708/event/up",
        "application/1/device/0102030405060708/event/log",
        "v3/app@tenant/devices/dev/join",
        "lorawan/thingpark/0102030405060708/up",
        "helium/5f2e/rx",
        "frigate/events",
        "frigate/tracked_object_update",
    ],
)
@pytest.mark.parametrize("filler", [b"{", b"\x00", b"a"])
def test_a_message_of_a_megabyte_is_rejected(decoded: Decode, topic: str, filler: bytes) -> None:
    assert [rejection.code for rejection in decoded(topic, filler * 1_000_000).rejections] == ["too_large"]


def test_a_camera_may_send_images_and_no_more(decoded: Decode) -> None:
    topic = "parking/v1/castle-mews/anpr/cm-in-1/read"
    assert [rejection.code for rejection in decoded(topic, b"{" * 5_000_000).rejections] == ["too_large"]
    image = "/9j/" * 300_000
    read = {
        "device": "Network Camera",
        "time": "2026-03-04 12:00:00",
        "plate": "J77 ABC",
        "plate_image": image,
    }
    assert len(decoded(topic, json.dumps(read)).observations) == 1


def test_a_retained_replay_is_ignored(arrival: datetime) -> None:
    class Nothing:
        def codec(self, device: str) -> None: ...

    message = codec.encode(frame())
    result = decode(BAY, message, received_at=arrival, directory=Nothing(), retained=True)
    assert result == Decoded(ignored="a retained message is a replay")


def test_a_fault_of_ours_is_a_rejection_that_does_not_quote_the_message(
    decoded: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(message: Message) -> Decoded:
        raise RuntimeError(message.payload)

    monkeypatch.setattr(decode_module, "ROUTES", {"frigate": fail})
    (rejection,) = decoded("frigate/events", json.dumps({"plate": "AB12CDE"})).rejections
    assert (rejection.code, rejection.detail) == ("decoder_error", "RuntimeError while decoding")


def test_every_device_type_has_its_decoder() -> None:
    assert set(CODECS) == set(DEVICE_TYPES)


def test_times_stay_in_utc(decoded: Decode) -> None:
    assert bay(decoded(BAY, codec.encode(frame()))).event_at.tzinfo is UTC
