"""One entry for the plate reads of every vendor."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.adapters import cameras
from ingest.adapters.base import Ignored
from parking.clock import CameraClock, TimeFrom
from parking.errors import Rejection
from parking.model import Direction, Motion, PlateRead
from tests.support import cameras as sent

ARRIVAL = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
AT = datetime(2026, 3, 4, 11, 59, 30, 250_000, UTC)
SECOND = AT.replace(microsecond=0)
UUID = "0b0b8f8e-0000-4000-8000-000000000001"


def read(body: bytes | dict[str, Any], **how: Any) -> tuple[PlateRead, ...] | Ignored:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return cameras.read(data, received_at=how.pop("received_at", ARRIVAL), **how)


def one(body: bytes | dict[str, Any], **how: Any) -> PlateRead:
    found = read(body, **how)
    assert not isinstance(found, Ignored)
    (only,) = found
    return only


def rejected(body: bytes | dict[str, Any], **how: Any) -> Rejection:
    with pytest.raises(Rejection) as caught:
        read(body, **how)
    return caught.value


def expected(**changes: Any) -> PlateRead:
    values: dict[str, Any] = {"camera": "cam-7", "event_at": AT, "plate": "J77ABC", "confidence": 0.91}
    return PlateRead(**(values | changes))


AXIS = {"event_id": "4711"}
FIRSTS = {
    "frigate-event": expected(event_id="1772625570.1-abc", plate="J77 ABC"),
    "frigate-update": expected(event_id="1772625570.1-abc", plate="J77 ABC"),
    "anpr2mqtt": expected(
        event_id="t202603041159300002500000",
        event_at=SECOND.replace(microsecond=250),
        confidence=None,
        motion=Motion.RECEDING,
    ),
    "axis-push": expected(event_id="4711"),
    "axis-event": expected(event_id="4711", confidence=None, direction=Direction.OUT, motion=Motion.RECEDING),
    "dahua-event": expected(event_id="4711", event_at=SECOND, confidence=0.8, motion=Motion.APPROACHING),
    "dahua-stream": expected(event_id="4711", event_at=SECOND, confidence=0.8, motion=Motion.APPROACHING),
    "dahua-push": expected(event_id="t20260304115930", event_at=SECOND, motion=Motion.APPROACHING),
    "plate-recognizer": expected(event_id="t2026030411593025"),
    "openalpr-results": expected(event_id="a-1", event_at=SECOND, camera="7"),
    "openalpr-group": expected(event_id="a-1", camera="7"),
    "milesight": expected(
        event_id="t20260304115930.2", event_at=SECOND, confidence=None, motion=Motion.APPROACHING
    ),
    "genetec": expected(event_id=UUID, event_at=SECOND, motion=Motion.APPROACHING),
    "survision": expected(event_id="t1772625570250"),
    "verkada": expected(event_id="t1772625571250", event_at=SECOND),
    "lilin": expected(event_id="1772625570250000"),
    "hikvision": expected(event_id=UUID, event_at=SECOND, motion=Motion.RECEDING),
    "hikvision-metadata": expected(
        event_id="t202603041159300000.1", event_at=SECOND, motion=Motion.APPROACHING
    ),
    "tattile": expected(event_id="t20260304115930250.2", confidence=910 / 999, motion=Motion.APPROACHING),
    "axxon": expected(event_id="t2026030411593025"),
}
MORE = {"plate-recognizer": 2, "openalpr-results": 2, "hikvision-metadata": 2}
NAMELESS = {"survision", "lilin"}


@pytest.mark.parametrize("name", sent.BODIES)
def test_every_vendors_message_is_found_and_read(name: str) -> None:
    found = read(sent.BODIES[name], camera="cam-7" if name in NAMELESS else None)
    assert not isinstance(found, Ignored)
    assert found[0] == FIRSTS[name]
    assert len(found) == MORE.get(name, 1)
    assert len({each.event_id for each in found}) == len(found)


@pytest.mark.parametrize("name", sent.BODIES)
def test_the_camera_that_the_topic_names_outweighs_the_vendors(name: str) -> None:
    found = read(sent.BODIES[name], camera="cm-in-1")
    assert not isinstance(found, Ignored)
    assert {each.camera for each in found} == {"cm-in-1"}


@pytest.mark.parametrize("name", sent.BODIES)
def test_a_form_with_images_reads_as_its_message(name: str) -> None:
    body = sent.form(
        ('Content-Disposition: form-data; name="a"', sent.BODIES[name]),
        ('Content-Disposition: form-data; name="b"; filename="b.jpg"', b"<\xff\xd8"),
    )
    kind = "multipart/form-data; boundary=b0"
    assert read(body, camera="c", content_type=kind) == read(sent.BODIES[name], camera="c")


@pytest.mark.parametrize("name", sent.BODIES)
def test_a_copy_has_the_same_id_whenever_it_arrives(name: str) -> None:
    first, again = (
        read(sent.BODIES[name], camera="c", received_at=ARRIVAL + timedelta(seconds=wait))
        for wait in (0, 100)
    )
    assert not isinstance(first, Ignored)
    assert not isinstance(again, Ignored)
    assert [each.event_id for each in first] == [each.event_id for each in again]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {**sent.ANPR2MQTT, "target": None, "plate": None},
        {**sent.ANPR2MQTT, "target_type": "parcel"},
        {**sent.AXIS_EVENT, "topic": "axis:VideoSource/MotionAlarm", "message": {"data": {"active": "1"}}},
        {"Active": True, "DeviceID": "cam-7"},
        {"method": "client.keepAlive", "params": {"timeout": 300}},
        {**sent.DAHUA_EVENT, "Code": "VideoMotion", "Data": {}},
        {**sent.DAHUA_EVENT, "Data": {**sent.DAHUA_EVENT["Data"], "CommInfo": {"SnapCategory": "NonMotor"}}},
        {"hook": {"event": "image"}, "data": {"camera_id": "c"}},
        {"hook": {"event": "recognition"}, "data": {"camera_id": "c", "results": []}},
        {"data_type": "heartbeat", "video_streams": []},
        {**sent.OPENALPR_GROUP, "is_preview": True},
        {**sent.OPENALPR_RESULTS, "results": []},
        {"event": "e", "device": "d", "time": "t", "parking_area": "A", "index_number": 1, "occupancy": 1},
        {"anpr": {"@date": "1772625570250"}},
        {**sent.VERKADA, "webhook_type": "notification", "data": {}},
        {**sent.LILIN, "LIST_TYPE": "white"},
        sent.HIKVISION.replace("<eventType>ANPR", "<eventType>VMD").encode(),
        sent.HIKVISION.replace(">active<", ">inactive<").encode(),
        sent.HIKVISION_METADATA.replace("<subType>ANPR", "<subType>face").encode(),
    ],
)
def test_what_is_no_vehicle_is_ignored_with_a_reason(body: bytes | dict[str, Any]) -> None:
    found = read(body)
    assert isinstance(found, Ignored)
    assert found.reason


@pytest.mark.parametrize("word", ["unknown", "UNKNOWN", "", "-", "NO PLATE", "Not defined", "???"])
def test_a_vehicle_whose_plate_could_not_be_read_is_one_all_the_same(word: str) -> None:
    bodies = (
        sent.HIKVISION.replace(sent.PLATE, word).encode(),
        sent.AXXON.replace(sent.PLATE, word).encode(),
        json.dumps({**sent.MILESIGHT, "plate": word}).encode(),
        json.dumps({**sent.DAHUA_PUSH, "Picture": {"Plate": {"PlateNumber": word}}}).encode(),
    )
    assert [one(body, camera="c").plate for body in bodies] == [None] * 4


def test_every_state_of_an_axis_camera_is_the_same_passage() -> None:
    states = [one({**sent.AXIS_PUSH, "carState": state, "plateUTF8": text}) for state, text in
              (("new", "I77ABC"), ("update", "J77ABC"), ("lost", "J77ABC"))]  # fmt: skip
    assert {state.event_id for state in states} == {"4711"} == {one(sent.AXIS_EVENT).event_id}


def test_an_old_axis_camera_has_only_its_local_time() -> None:
    old = {
        name: value for name, value in sent.AXIS_PUSH.items() if name not in ("capture_timestamp", "carID")
    }
    found = one({**old, "carID": None, "cameraId": "48EA63", "camera_info": None})
    assert (found.event_at, found.camera, found.event_id) == (AT, "48EA63", "t20260304115930250")


def test_dahuas_utc_that_is_local_time_is_not_believed() -> None:
    assert one(sent.DAHUA_EVENT, received_at=ARRIVAL).event_at == SECOND
    data = {name: value for name, value in sent.DAHUA_EVENT["Data"].items() if name != "RealUTC"}
    assert one({**sent.DAHUA_EVENT, "Data": data}).event_at == ARRIVAL  # eight hours ahead


def test_an_old_hikvision_camera_has_no_uuid() -> None:
    body = sent.HIKVISION.replace(f"<UUID>{UUID}</UUID>", "")
    assert one(body.encode()).event_id == "t202603041159300000.2"


def test_a_zone_of_the_factory_is_found_out_except_in_a_retransmission() -> None:
    wrong = sent.HIKVISION.replace("11:59:30+00:00", "11:59:30+08:00")
    assert one(wrong.encode()).event_at == ARRIVAL
    resent = sent.HIKVISION.replace("Retransmission>false", "Retransmission>true")
    late = SECOND + timedelta(hours=2, seconds=3)
    assert one(resent.encode(), received_at=late).event_at == SECOND
    assert one(resent.replace("true", "false").encode(), received_at=late).event_at == late


def test_the_options_of_the_gate_decide_about_the_clock() -> None:
    berlin = {"cam-7": CameraClock(TimeFrom.CAMERA, ZoneInfo("Europe/Berlin"))}
    assert one(sent.MILESIGHT, clocks=berlin).event_at == SECOND - timedelta(hours=1)
    assert one(sent.MILESIGHT, clocks={"cam-7": CameraClock(TimeFrom.ARRIVAL)}).event_at == ARRIVAL
    assert one(sent.MILESIGHT, clocks={"cam-8": CameraClock(TimeFrom.ARRIVAL)}).event_at == SECOND


@pytest.mark.parametrize("date", ["03/04/2026", "04/03/2026", "2026-03-04"])
def test_genetecs_date_is_read_either_way_round(date: str) -> None:
    assert one({**sent.GENETEC, "DateUtc": date}).event_at == SECOND


def test_plate_recognizers_newer_form_of_a_plate() -> None:
    result = {"plate": {"props": {"plate": [{"value": "j77abc", "score": 0.91}, {"value": "i77abc"}]}}}
    body = {**sent.PLATE_RECOGNIZER, "data": {**sent.PLATE_RECOGNIZER["data"], "results": [result]}}
    assert one(body) == FIRSTS["plate-recognizer"]


@pytest.mark.parametrize("score", [None, "", "high", -1, 1e9, True, "1e999", "nan"])
def test_no_vehicle_is_lost_for_its_score(score: Any) -> None:
    assert one({**sent.GENETEC, "ConfidenceScore": score if score is not True else None}).confidence is None


def test_an_id_that_holds_the_plate_is_not_taken() -> None:
    for told in ("20260304_J77ABC_1", "j77-abc", "JI7ABC..J77ABC"):
        found = one({**sent.GENETEC, "VehicleID": told})
        assert found.event_id == "t03042026115930"
    assert rejected({**sent.GENETEC, "CameraName": "gate J77ABC"}).code == "invalid_field"


def test_without_id_and_time_the_arrival_names_the_passage() -> None:
    found = one({"device": "c", "time": "", "plate": "J77ABC"})
    assert (found.event_id, found.event_at) == ("at20260304120000000000", ARRIVAL)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "unknown_format"),
        ({"J77ABC": 1, "plate": "J77ABC"}, "unknown_format"),
        ({**sent.MILESIGHT, **sent.GENETEC}, "ambiguous_format"),
        ({**sent.SURVISION, "data_type": "alpr_group"}, "ambiguous_format"),
        (b"<a><b>J77 ABC</b></a>", "unknown_format"),
        (b"<!DOCTYPE a><a/>", "invalid_xml"),
        (b"<a", "invalid_xml"),
        (b"J77 ABC", "invalid_json"),
        (b"\xff\xd8\xff\xe0", "invalid_utf8"),
        (b'["J77 ABC"]', "invalid_field"),
        (b"--b0\r\n\r\nJ77 ABC\r\n--b0--", "invalid_multipart"),
        (b"{" * 5_000_000, "too_large"),
        ({**sent.MILESIGHT, "plate": "J77 ABC" * 9}, "out_of_range"),
        ({**sent.MILESIGHT, "time": "J77 ABC"}, "invalid_field"),
        ({**sent.MILESIGHT, "time": "2026-03-04"}, "invalid_field"),
        ({**sent.MILESIGHT, "device": None}, "invalid_field"),
        ({**sent.MILESIGHT, "plate": ["J77 ABC"]}, "invalid_field"),
        ({**sent.VERKADA, "data": "J77 ABC"}, "invalid_field"),
        ({"anpr": {"@date": "J77 ABC", "decision": {"@plate": "J77 ABC"}}}, "invalid_field"),
        ({"anpr": {"@date": "17", "decision": {"@plate": "J77 ABC"}}}, "out_of_range"),
        ({**sent.DAHUA_STREAM, "params": {"eventList": [sent.DAHUA_EVENT] * 51}}, "out_of_range"),
    ],
)
def test_the_rest_is_rejected_without_a_word_of_it(body: bytes | dict[str, Any], code: str) -> None:
    rejection = rejected(body)
    assert rejection.code == code
    assert rejection.detail
    assert "J77" not in str(rejection)


@pytest.mark.parametrize(
    ("hint", "vendors"),
    [
        ("/v1/anpr/hikvision/cm-in-1", {"hikvision"}),
        ("/NotificationInfo/TollgateInfo", {"dahua"}),
        ("Plate Recognizer", {"plate-recognizer"}),
        ("plate_recognizer", {"plate-recognizer"}),
        ("axis/ACCC8E/event/tns:axis/CameraApplicationPlatform/ALPV.AllPlates", {"axis"}),
        ("/v1/anpr/read", cameras.VENDORS),
        ("", cameras.VENDORS),
        (None, cameras.VENDORS),
    ],
)
def test_a_hint_names_vendors(hint: str | None, vendors: set[str]) -> None:
    assert cameras.vendors_of(hint) == vendors


def test_a_hint_narrows_the_choice_and_never_widens_it() -> None:
    both = {**sent.MILESIGHT, **sent.GENETEC}
    assert one(both, hint="milesight").event_at == SECOND
    assert one(both, hint="/genetec").event_id == UUID
    wrong = rejected(sent.MILESIGHT, hint="/genetec")
    assert (wrong.code, wrong.detail) == ("unknown_format", "JSON of milesight, where genetec is expected")
