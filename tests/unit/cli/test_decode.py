"""`parking decode`: one answer for each line, whatever the line holds."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.decode import run
from ingest.authentic import Verifier
from parking.clock import CameraClock, TimeFrom
from tests.support.cameras import MILESIGHT
from tests.support.cameras import form as form_of
from tests.support.sealing import event, sealed

Ask = Callable[..., list[dict[str, Any]]]

BAY = "parking/v1/queen-street/bay/qs-001/up"
UP = {
    "end_device_ids": {"device_id": "d", "dev_eui": "0102030405060708"},
    "received_at": "2026-03-04T12:00:00.123456789Z",
    "uplink_message": {"f_port": 2, "f_cnt": 3, "frm_payload": "ARI=", "rx_metadata": [{}]},
}


class Registry:
    """Knows one device."""

    def codec(self, device: str) -> str | None:
        return {"0102030405060708": "bosch-tps110"}.get(device)


def ask(
    *lines: Any, registry: Registry | None = None, clocks: dict[str, CameraClock] | None = None
) -> list[dict[str, Any]]:
    out = io.StringIO()
    texts = [line if isinstance(line, str | bytes) else json.dumps(line) for line in lines]
    assert run(texts, out, registry, clocks or {}) == 0
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(lines)
    return answers


def test_a_frame_of_ours() -> None:
    (answer,) = ask(
        {"topic": BAY, "payload_hex": "1105070102000f0e1064fc", "received_at": "2026-03-04T12:00:00Z"}
    )
    assert answer == {
        "observations": [
            {
                "kind": "bay",
                "device": "qs-001",
                "occupied": True,
                "event_at": "2026-03-04T11:59:45Z",
                "seq": 258,
                "session": 7,
                "part": 0,
                "event": "change",
                "age_s": 15,
                "previous_s": 3600,
                "battery_v": 3.0,
                "temperature_c": -4.0,
            }
        ],
        "rejected": None,
    }


def test_a_bare_payload_has_no_device() -> None:
    (answer,) = ask({"codec": "bosch-tps110", "fport": 2, "payload_hex": "01FB"})
    (seen,) = answer["observations"]
    assert (seen["device"], seen["occupied"], seen["temperature_c"]) == (None, True, -5)
    age = datetime.now(UTC) - datetime.fromisoformat(seen["event_at"])
    assert 0 <= age.total_seconds() < 60


def test_an_unknown_state_is_null() -> None:
    unknown, fault = ask(
        {"codec": "parking-v1", "payload_hex": "1102070102000f0e1064fc"},
        {"codec": "parking-v1", "payload_hex": "1103070102000f0e1064fc"},
    )
    assert [answer["observations"][0]["occupied"] for answer in (unknown, fault)] == [None, None]
    assert fault["observations"][0]["fault"] is True


@pytest.mark.parametrize("payload", [UP, json.dumps(UP)])
def test_an_envelope_may_be_given_as_text_or_as_it_is(payload: Any) -> None:
    (answer,) = ask({"topic": "v3/a@t/devices/d/up", "payload": payload, "codec": "bosch-tps110"})
    (seen,) = answer["observations"]
    assert (seen["device"], seen["occupied"], seen["seq"]) == ("0102030405060708", True, 3)
    assert seen["event_at"] == "2026-03-04T12:00:00.123456Z"
    assert answer["uplink"] == {
        "dev_eui": "0102030405060708",
        "device_id": "d",
        "fport": 2,
        "fcnt": 3,
        "payload_hex": "0112",
        "received_at": "2026-03-04T12:00:00.123456789Z",
        "n_gateways": 1,
    }


def test_a_codec_outweighs_the_registry() -> None:
    line = {"topic": "v3/a@t/devices/d/up", "payload": UP}
    with_registry, overridden = ask(line, line | {"codec": "pni-placepod"}, registry=Registry())
    assert with_registry["observations"][0]["event"] == "heartbeat"
    assert overridden["rejected"]["code"] == "unreadable"


def test_a_device_that_is_not_known_still_shows_its_uplink() -> None:
    (answer,) = ask({"topic": "v3/a@t/devices/d/up", "payload": UP})
    assert answer["rejected"]["code"] == "unknown_device"
    assert answer["uplink"]["payload_hex"] == "0112"


def test_a_plate_is_shown_here_alone() -> None:
    read = {
        "type": "lpr",
        "id": "1-a",
        "camera": "in",
        "plate": "LK21 XYZ",
        "score": 0.9,
        "timestamp": 1.75e9,
    }
    (answer,) = ask({"topic": "frigate/tracked_object_update", "payload": read})
    assert answer["observations"] == [
        {
            "kind": "plate",
            "camera": "in",
            "direction": None,
            "confidence": 0.9,
            "event_at": "2025-06-15T15:06:40Z",
            "plate": "LK21 XYZ",
            "event_id": "1-a",
        }
    ]


def test_what_a_camera_posts_needs_no_topic() -> None:
    line = {"path": "/v1/anpr/milesight", "payload": MILESIGHT, "received_at": "2026-03-04T12:00:00Z"}
    form = form_of(("Content-Type: application/json", json.dumps(MILESIGHT).encode()))
    parts = {"content_type": "multipart/form-data; boundary=b0", "payload_hex": form.hex()}
    posted, in_parts = ask(line, {"path": "/", "received_at": line["received_at"], **parts})
    assert posted == in_parts
    assert posted["observations"] == [
        {
            "kind": "plate",
            "camera": "cam-7",
            "direction": None,
            "motion": "approaching",
            "confidence": None,
            "event_at": "2026-03-04T11:59:30Z",
            "plate": "J77ABC",
            "event_id": "t20260304115930.2",
        }
    ]
    named, elsewhere = ask(line | {"camera": "cm-in-1"}, line | {"path": "/genetec"})
    assert named["observations"][0]["camera"] == "cm-in-1"
    assert elsewhere["rejected"]["code"] == "unknown_format"


def test_the_options_of_a_gate_decide_about_its_cameras_clock() -> None:
    line = {
        "topic": "parking/v1/castle-mews/anpr/cm-in-1/read",
        "payload": MILESIGHT,
        "received_at": "2026-03-04T12:00:00Z",
    }
    clocks = {"cm-in-1": CameraClock(TimeFrom.ARRIVAL)}
    for how in (line, {**line, "topic": None, "path": "/", "camera": "cm-in-1"}):
        (answer,) = ask(how, clocks=clocks)
        assert answer["observations"][0]["event_at"] == "2026-03-04T12:00:00Z"


def test_a_retained_message_is_a_replay() -> None:
    (answer,) = ask({"topic": "frigate/events", "payload": "", "retained": True})
    assert answer["ignored"] == "a retained message is a replay"


def test_what_is_ignored_says_why() -> None:
    (answer,) = ask({"topic": "frigate/tracked_object_update", "payload": {"type": "face"}})
    assert (answer["observations"], answer["rejected"]) == ([], None)
    assert answer["ignored"] == "an update of another type than lpr"


def test_every_rejection_of_a_bundle_is_told() -> None:
    bundle = "15000002" + "0161000001ff" + "0162000001ff"
    (answer,) = ask({"topic": "parking/v1/s/gateway/g/up", "payload_hex": bundle})
    assert answer["rejected"] == answer["rejections"][0]
    assert [rejection["detail"][:17] for rejection in answer["rejections"]] == [
        "entry 1, device a",
        "entry 2, device b",
    ]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("{", "truncated"),
        ("nonsense", "malformed"),
        ("[]", "Expected `object`"),
        (b"\xff\xfe", "not UTF-8"),
        ("\udcff", "not UTF-8"),
        ("[" * 100_000, ""),
        ('{"topic": "a", "payload_hex": ' + "[" * 100_000, ""),
        ('{"topic": "a", "payload": NaN}', "malformed"),
        ({}, "topic is missing"),
        ({"payload": "x"}, "topic is missing"),
        ({"topic": BAY}, "payload"),
        ({"topic": BAY, "payload": "x", "payload_hex": "00"}, "exactly one of payload and payload_hex"),
        ({"topic": BAY, "payload_hex": "0"}, "payload_hex"),
        ({"topic": BAY, "payload_hex": "zz"}, "payload_hex"),
        ({"topic": BAY, "payload_hex": 5}, "payload_hex"),
        ({"topic": 5, "payload": "x"}, "`$.topic`, not 5"),
        ({"codec": "bosch-tps110", "fport": 256, "payload_hex": "00"}, "`$.fport`, not 256"),
        ({"topic": BAY, "payload_hex": "00", "received_at": "today"}, "received_at is 'today'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_next_is_answered(line: Any, detail: str) -> None:
    good = {"codec": "bosch-tps110", "fport": 1, "payload_hex": "01"}
    first, bad, last = ask(good, line, good)
    assert (bad["observations"], bad["rejected"]["code"]) == ([], "bad_input")
    assert bad["rejected"]["detail"].startswith("line 2: ")
    assert detail in bad["rejected"]["detail"]
    assert first["observations"][0]["occupied"] is last["observations"][0]["occupied"] is True


def test_a_codec_that_we_do_not_have_is_a_rejection() -> None:
    (answer,) = ask({"codec": "acme-1", "payload_hex": "00"})
    assert answer["rejected"]["code"] == "unknown_codec"


def test_a_megabyte_of_text_is_a_rejection() -> None:
    (answer,) = ask({"topic": BAY, "payload": "x" * 1_000_000})
    assert answer["rejected"]["code"] == "too_large"


def test_a_sealed_frame_is_read_with_its_devices_key_and_refused_without() -> None:
    secret = bytes(range(16))
    line = {"topic": BAY, "payload_hex": sealed(event(1), 7, secret=secret, device="qs-001").hex()}
    plain = {"topic": BAY, "payload_hex": event(1).hex()}
    for keys, codes in (
        ({"qs-001": {1: secret}}, [None, "not_sealed"]),
        ({"qs-001": {1: bytes(16)}}, ["forged", "not_sealed"]),
        ({}, ["unknown_key", None]),
    ):
        out = io.StringIO()
        assert run(map(json.dumps, (line, plain)), out, verifier=Verifier(keys)) == 0
        answers = [json.loads(text) for text in out.getvalue().splitlines()]
        assert [answer["rejected"] and answer["rejected"]["code"] for answer in answers] == codes
        for answer, code in zip(answers, codes, strict=True):
            assert [said["seq"] for said in answer["observations"]] == ([] if code else [1])
