"""From messages to a batch: who is registered where, which times are believed, what is kept of rejections."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from ingest.admit import Admission, Rules
from ingest.refuse import KEPT_BYTES
from ingest.source import Message
from parking.columns import microseconds
from parking.db.known import Known
from parking.db.records import Batch, RejectedRecord
from parking.db.registry import Directory, Watch
from parking.db.table import BayTable
from parking.model import Direction, Occupancy
from parking.plates import PlateKeys, fold
from tests.support.cameras import AXIS_EVENT, BODIES, HIKVISION
from tests.support.cameras import PLATE as CAMERAS_PLATE

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EUI = "a84041000181c061"
PLATE = "JT06 KLM"
DIRECTORY = Directory(
    devices={
        "sensor-1": Watch("parking-v1", "bay-1", "street"),
        "sensor-2": Watch("parking-v1", "bay-2", "street"),
        "stored": Watch("parking-v1", None, None),
        "moved": Watch("parking-v1", "bay-6", "street", NOON - timedelta(minutes=10)),
        EUI: Watch("parking-v1", "bay-3", "street"),
        "b" * 16: Watch("bosch-tps110", "bay-4", "street"),
        "c" * 16: Watch("libelium-smart-parking", "bay-5", "street"),
    },
    gates={"cm-in": ("castle-mews", Direction.IN)},
)
KNOWN = Known(DIRECTORY, BayTable())  # no slots: every frame goes the general way
NOON_US = microseconds(NOON)
RULES = Rules(late=timedelta(days=7), early=timedelta(minutes=2))


def frame(state: State = State.OCCUPIED, *, seq: int = 1, age_s: int = 0) -> bytes:
    """A sensor's frame."""
    return codec.encode(StateFrame(type=FrameType.EVENT, state=state, boot=1, seq=seq, age_s=age_s))


def admit(topic: str, payload: bytes | str | dict[str, object], *, keys: PlateKeys | None = None) -> Batch:
    """The batch of one message that arrives at noon."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    data = payload.encode() if isinstance(payload, str) else payload
    return Admission(KNOWN, RULES, keys).batch([Message(topic, data, NOON_US, False, 1, 1)])


def rejection(batch: Batch) -> RejectedRecord:
    """The only thing in a batch."""
    assert (batch.bays, batch.gates) == ([], [])
    (record,) = batch.rejections
    return record


def lpr(plate: str = PLATE, *, camera: str = "cm-in", at: datetime = NOON) -> dict[str, object]:
    """A plate read as Frigate publishes it."""
    return {
        "type": "lpr",
        "id": "1772625600.1-abc",
        "camera": camera,
        "plate": plate,
        "score": 0.9,
        "timestamp": at.timestamp(),
    }


def chirpstack(eui: str, data: str, *, time: datetime) -> dict[str, object]:
    """An uplink as ChirpStack publishes it; `data` is Base64."""
    return {"deviceInfo": {"devEui": eui}, "time": time.isoformat(), "fPort": 1, "fCnt": 7, "data": data}


def test_a_frame_of_a_registered_sensor_is_a_record_of_its_bay() -> None:
    (record,) = admit("parking/v1/street/bay/sensor-1/up", frame(age_s=60)).bays
    assert (record.bay, record.site, record.received_at) == ("bay-1", "street", NOON)
    assert record.observation.state is Occupancy.OCCUPIED
    assert record.observation.event_at == NOON - timedelta(seconds=60)


@pytest.mark.parametrize("name", [EUI, EUI.upper()])
def test_an_eui_is_the_same_device_in_either_case(name: str) -> None:
    (record,) = admit(f"parking/v1/street/bay/{name}/up", frame()).bays
    assert (record.bay, record.observation.device) == ("bay-3", EUI)


@pytest.mark.parametrize(
    ("topic", "code", "told"),
    [
        ("parking/v1/street/bay/nobody/up", "unknown_device", "'nobody'"),
        ("parking/v1/street/bay/stored/up", "unassigned_device", "'stored'"),
        ("parking/v1/elsewhere/bay/sensor-1/up", "wrong_site", "'elsewhere'"),
        ("parking/v1/street/boy/sensor-1/up", "unknown_topic", "no decoder"),
    ],
)
def test_a_message_of_nobody_here_is_rejected_with_its_reason(topic: str, code: str, told: str) -> None:
    record = rejection(admit(topic, frame()))
    assert record.code == code
    assert told in record.detail
    assert (record.topic, record.size, record.received_at) == (topic, 11, NOON)


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (timedelta(days=-7, seconds=-1), "too_late"),
        (timedelta(days=-7, seconds=1), None),
        (timedelta(seconds=119), None),
        (timedelta(seconds=121), "too_early"),
        (timedelta(days=365), "too_early"),
    ],
)
def test_a_time_too_far_from_the_arrival_is_quarantined(offset: timedelta, code: str | None) -> None:
    uplink = admit(
        f"application/1/device/{'b' * 16}/event/up", chirpstack("b" * 16, "AQ==", time=NOON + offset)
    )
    read = admit("frigate/tracked_object_update", lpr(at=NOON + offset))
    assert [r.code for r in uplink.rejections] == [r.code for r in read.rejections] == [code] * bool(code)
    assert (len(uplink.bays), len(read.gates)) == ((0, 0) if code else (1, 1))


def test_a_device_cannot_be_heard_in_the_future_though_its_event_was_before() -> None:
    data = "EQEBAAEOEAAA/4A="  # one of our frames, an hour old
    early = chirpstack(EUI, data, time=NOON + timedelta(hours=1))
    assert rejection(admit(f"application/1/device/{EUI}/event/up", early)).code == "too_early"
    fine = chirpstack(EUI, data, time=NOON)
    assert len(admit(f"application/1/device/{EUI}/event/up", fine).bays) == 1


def test_a_detector_that_calls_itself_broken_is_not_believed() -> None:
    topic = f"application/1/device/{'c' * 16}/event/up"
    says_vacant = {"broken": "AxEHFAECAwQFBsg=", "radio": "AxEwFAECAwQFBsg="}
    states = {}
    for name, data in says_vacant.items():
        (record,) = admit(topic, chirpstack("c" * 16, data, time=NOON)).bays
        states[name] = (record.observation.state, record.observation.fault)
    assert states == {"broken": (Occupancy.UNKNOWN, True), "radio": (Occupancy.VACANT, False)}


def test_a_network_servers_error_is_logged_and_stores_nothing() -> None:
    message: dict[str, object] = {"deviceInfo": {"devEui": "b" * 16}, "level": "ERROR"}
    message |= {"code": "OTAA", "description": "no key"}
    with capture_logs() as logged:
        batch = admit(f"application/1/device/{'b' * 16}/event/log", message)
    assert (batch.bays, batch.gates, batch.rejections) == ([], [], [])
    (line,) = logged
    assert (line["log_level"], line["device"]) == ("warning", "b" * 16)
    assert (line["code"], line["text"]) == ("OTAA", "no key")


def test_a_status_is_a_record_without_a_state() -> None:
    message: dict[str, object] = {"deviceInfo": {"devEui": "b" * 16}, "batteryLevel": 50}
    message["time"] = NOON.isoformat()
    (record,) = admit(f"application/1/device/{'b' * 16}/event/status", message).bays
    assert (record.bay, record.observation.state, record.observation.battery_pct) == ("bay-4", None, 50)


def test_what_a_gateway_held_for_too_long_is_quarantined() -> None:
    def held(days: int) -> Batch:
        entry = BundleEntry(device="sensor-1", delay_s=days * 86_400, frame=codec.decode(frame()))
        return admit("parking/v1/street/gateway/gw-1/up", codec.encode_bundle(Bundle(entries=(entry,))))

    assert rejection(held(8)).code == "too_late"
    assert held(6).rejections == []


def test_one_bad_entry_of_a_bundle_does_not_cost_the_others() -> None:
    whole = codec.encode_bundle(
        Bundle(
            entries=(
                BundleEntry(device="sensor-1", delay_s=0, frame=codec.decode(frame())),
                BundleEntry(device="nobody", delay_s=0, frame=codec.decode(frame())),
                BundleEntry(device="sensor-2", delay_s=30, frame=codec.decode(frame(State.VACANT))),
            )
        )
    )
    batch = admit("parking/v1/street/gateway/gw-1/up", whole)
    assert [record.bay for record in batch.bays] == ["bay-1", "bay-2"]
    assert [record.code for record in batch.rejections] == ["unknown_device"]


def test_a_passage_is_counted_by_the_registrys_direction_with_a_token_for_its_plate(tmp_path: Path) -> None:
    keys = PlateKeys(tmp_path / "keys")
    (record,) = admit("frigate/tracked_object_update", lpr(), keys=keys).gates
    assert (record.site, record.camera, record.direction) == ("castle-mews", "cm-in", Direction.IN)
    assert record.token == keys.token("castle-mews", PLATE, NOON)
    assert fold(PLATE) not in repr(record)


def test_a_passage_counts_without_a_token_when_the_keys_cannot_be_used(tmp_path: Path) -> None:
    keys = PlateKeys(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o755)
    (tmp_path / "keys" / "castle-mews@2026-03-04.key").write_bytes(b"short")
    (record,) = admit("frigate/tracked_object_update", lpr(), keys=keys).gates
    assert record.token is None


READ = json.dumps(lpr(camera="nobody"))
MISPLACED = [
    ("frigate/tracked_object_update", READ),
    ("frigate/tracked_object_update", READ[:-10]),
    ("frigate/events", json.dumps({"after": {"id": 5, "recognized_license_plate": PLATE}})),
    ("parking/v1/castle-mews/anpr/nobody/read", READ),
    ("parking/v1/elsewhere/anpr/cm-in/read", READ),
    ("parking/v1/bay/anpr/nobody/read", READ),
    ("parking/v1/castle-mews/anpr/bay/read", READ),
    ("parking/v1/castle-mews/anpr/gateway/read", READ[:-1]),
    ("parking/v1/street/bay/sensor-1/up", READ),
    ("parking/v1/street/bay/sensor-1/up", PLATE),
    ("parking/v1/street/gateway/gw-1/up", READ),
    ("parking/v1/street/gateway/gw-1/up", PLATE),
    ("parking/v1/street/bay/sensor-1/up/more", READ),
    ("parking/reads", READ),
    ("v3/app@tenant/devices/sensor-1/up", READ),
    ("v3/app@tenant/devices/sensor-1/up", json.dumps(PLATE)),
    ("v3/app@tenant/devices/sensor-1/up", PLATE),
    (f"application/1/device/{EUI}/event/up", READ),
    (f"application/1/device/{EUI}/event/up", json.dumps([PLATE])),
]


@pytest.mark.parametrize(("topic", "payload"), MISPLACED)
def test_no_plate_is_kept_of_a_rejected_message_wherever_it_was_sent(topic: str, payload: str) -> None:
    record = rejection(admit(topic, payload))
    assert record.payload is None
    assert record.size == len(payload)
    assert fold(PLATE) not in fold(repr(record))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("parking/v1/street/bay/sensor-1/up", frame()[:7]),
        ("parking/v1/street/bay/nobody/up", frame()),
        ("parking/v1/street/gateway/gw-1/up", b"\x15\0\0\5"),
    ],
)
def test_the_bytes_of_a_rejected_frame_are_kept_for_its_engineer(topic: str, payload: bytes) -> None:
    batch = admit(topic, payload)
    assert [record.payload for record in batch.rejections] == [payload]


def test_of_a_long_message_only_the_beginning_is_kept() -> None:
    record = rejection(admit("parking/v1/street/bay/sensor-1/up", frame() + bytes(100_000)))
    assert (record.code, record.size) == ("too_large", 100_011)
    assert record.payload == (frame() + bytes(1000))[:KEPT_BYTES]


def test_of_a_long_topic_only_the_beginning_is_kept() -> None:
    assert len(rejection(admit("parking/" + "x" * 60_000, b"")).topic) == 512


@given(
    topic=st.sampled_from([topic for topic, _ in MISPLACED]) | st.text(max_size=40),
    payload=st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
)
def test_any_message_is_admitted_or_rejected_or_ignored(topic: str, payload: bytes) -> None:
    batch = admit(topic, payload)
    assert len(batch.bays) + len(batch.gates) + len(batch.rejections) <= 1


def test_a_vehicle_whose_plate_could_not_be_read_is_counted_and_never_paired(tmp_path: Path) -> None:
    unreadable = HIKVISION.replace(CAMERAS_PLATE, "unknown")
    at = datetime(2026, 3, 4, 11, 59, 30, tzinfo=UTC)
    (record,) = admit("parking/v1/castle-mews/anpr/cm-in/read", unreadable, keys=PlateKeys(tmp_path)).gates
    assert (record.camera, record.event_at, record.token) == ("cm-in", at, None)
    (read,) = admit("parking/v1/castle-mews/anpr/cm-in/read", HIKVISION, keys=PlateKeys(tmp_path)).gates
    assert read.token == PlateKeys(tmp_path).token("castle-mews", CAMERAS_PLATE, at)


def test_a_vendors_camera_that_is_no_gate_is_told() -> None:
    record = rejection(
        admit("axis/cam-7/event/tns:axis/CameraApplicationPlatform/ALPV.AllPlates", AXIS_EVENT)
    )
    assert (record.code, record.payload) == ("unknown_camera", None)
    assert "'cam-7'" in record.detail


@pytest.mark.parametrize("name", BODIES)
def test_nothing_of_any_vendors_plate_reaches_a_batch(name: str, tmp_path: Path) -> None:
    batch = admit("parking/v1/castle-mews/anpr/cm-in/read", BODIES[name].decode(), keys=PlateKeys(tmp_path))
    assert batch.gates
    assert not batch.rejections
    assert fold(CAMERAS_PLATE) not in fold(repr(batch))
    refused = admit("parking/v1/elsewhere/anpr/cm-in/read", BODIES[name].decode())
    assert {record.code for record in refused.rejections} == {"wrong_site"}
    assert {record.payload for record in refused.rejections} == {None}
    assert fold(CAMERAS_PLATE) not in fold(repr(refused))


MOVED_AT = NOON - timedelta(minutes=10)
MOVED = "parking/v1/street/bay/moved/up"


def held(delay_s: int, *, age_s: int) -> bytes:
    """A frame of the moved sensor that its gateway held back."""
    state = StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=1, seq=1, age_s=age_s, previous_s=60)
    return codec.encode_bundle(Bundle((BundleEntry("moved", delay_s, state),)))


def test_what_a_sensor_sent_before_it_was_moved_is_not_booked_on_the_new_bay() -> None:
    record = rejection(admit("parking/v1/street/gateway/gw/up", held(900, age_s=0)))
    assert record.code == "before_swap"
    assert MOVED_AT.isoformat() in record.detail


@given(delay_s=st.integers(0, 3600), age_s=st.integers(0, 7 * 86_400))
def test_whatever_a_moved_sensor_says_its_new_bay_has_nothing_from_before(delay_s: int, age_s: int) -> None:
    batch = admit("parking/v1/street/gateway/gw/up", held(delay_s, age_s=age_s))
    for record in batch.bays:
        seen = record.observation
        assert (record.bay, seen.event_at >= MOVED_AT) == ("bay-6", True)
        assert seen.event_at == max(MOVED_AT, seen.seen_at - timedelta(seconds=seen.age_s))
        assert seen.previous_s is None or seen.event_at - timedelta(seconds=seen.previous_s) >= MOVED_AT
    assert [record.code for record in batch.rejections] == ["before_swap"] * (1 - len(batch.bays))


def test_copies_of_a_state_from_before_the_move_begin_at_one_time() -> None:
    begins = {admit(MOVED, frame(age_s=age_s)).bays[0].observation.event_at for age_s in (601, 3600, 86_400)}
    assert begins == {MOVED_AT}
