"""Frigate's plate reads."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.decoded import Decoded
from parking.model import PlateRead

Decode = Callable[..., Decoded]

EVENTS = "frigate/events"
UPDATES = "frigate/tracked_object_update"
READ = "parking/v1/castle-mews/anpr/cm-in-1/read"
AT = datetime(2026, 3, 4, 11, 59, 30, 250000, UTC)


def event(**changes: Any) -> str:
    after = {
        "id": "1772625570.1-abc",
        "camera": "gate-in",
        "frame_time": AT.timestamp(),
        "false_positive": False,
        "recognized_license_plate": "LK21 XYZ",
        "recognized_license_plate_score": 0.91,
    } | changes
    return json.dumps({"type": "update", "before": {}, "after": after})


def update(**changes: Any) -> str:
    message = {
        "type": "lpr",
        "id": "1772625570.1-abc",
        "camera": "gate-in",
        "plate": "LK21 XYZ",
        "score": 0.91,
        "timestamp": AT.timestamp(),
    }
    return json.dumps(message | changes)


def expected(**changes: Any) -> PlateRead:
    values: dict[str, Any] = {
        "camera": "gate-in",
        "event_at": AT,
        "event_id": "1772625570.1-abc",
        "plate": "LK21 XYZ",
        "confidence": 0.91,
    }
    return PlateRead(**(values | changes))


@pytest.mark.parametrize(("topic", "message"), [(EVENTS, event()), (UPDATES, update())])
def test_both_messages_give_the_same_read(decoded: Decode, topic: str, message: str) -> None:
    assert decoded(topic, message) == Decoded(observations=(expected(),))


@pytest.mark.parametrize("message", [event(), update()])
def test_our_topic_takes_both_and_names_the_camera(decoded: Decode, message: str) -> None:
    read = Decoded(site="castle-mews", observations=(expected(camera="cm-in-1"),))
    assert decoded(READ, message) == read


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"recognized_license_plate": ["LK21 XYZ", 0.5], "recognized_license_plate_score": None}, 0.5),
        ({"recognized_license_plate": ["LK21 XYZ", None], "recognized_license_plate_score": None}, None),
        ({"recognized_license_plate": ["LK21 XYZ", 0.5]}, 0.91),
        ({"recognized_license_plate_score": 1}, 1.0),
        ({"recognized_license_plate_score": 95}, 0.95),
        ({"recognized_license_plate_score": None}, None),
    ],
)
def test_the_score_is_found_and_brought_to_one(
    decoded: Decode, changes: dict[str, Any], score: float | None
) -> None:
    assert decoded(EVENTS, event(**changes)) == Decoded(observations=(expected(confidence=score),))


def test_without_a_time_the_arrival_counts(decoded: Decode, arrival: datetime) -> None:
    assert decoded(UPDATES, update(timestamp=None)).observations == (expected(event_at=arrival),)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        (EVENTS, event(recognized_license_plate=None)),
        (EVENTS, event(recognized_license_plate="")),
        (EVENTS, event(recognized_license_plate=[None, None])),
        (EVENTS, event(recognized_license_plate="unknown")),
        (EVENTS, event(recognized_license_plate=" - ")),
        (EVENTS, event(false_positive=True)),
        (UPDATES, update(plate=None)),
        (UPDATES, update(type="face", plate=None, name="Someone")),
        (UPDATES, update(type="description")),
        (EVENTS, ""),
        (UPDATES, ""),
        (READ, ""),
        (READ, update(type="classification")),
    ],
)
def test_what_is_no_read_is_ignored(decoded: Decode, topic: str, message: str) -> None:
    result = decoded(topic, message)
    assert (result.observations, result.rejections) == ((), ())
    assert result.ignored


@pytest.mark.parametrize(
    ("topic", "message", "code"),
    [
        (EVENTS, event(id=None), "invalid_field"),
        (EVENTS, event(id="a b"), "invalid_field"),
        (EVENTS, event(camera=None), "invalid_field"),
        (EVENTS, event(camera="a/b"), "invalid_field"),
        (EVENTS, event(recognized_license_plate=5), "invalid_field"),
        (EVENTS, event(recognized_license_plate=["LK21 XYZ"]), "invalid_field"),
        (EVENTS, event(recognized_license_plate=["LK21 XYZ", "LK21 XYZ"]), "invalid_field"),
        (EVENTS, event(recognized_license_plate=["LK21 XYZ", 101]), "invalid_field"),
        (EVENTS, event(recognized_license_plate="A" * 33), "out_of_range"),
        (EVENTS, event(recognized_license_plate_score=101), "invalid_field"),
        (EVENTS, event(recognized_license_plate_score=-0.1), "invalid_field"),
        (EVENTS, event(frame_time="now"), "invalid_field"),
        (EVENTS, event(frame_time=1e300), "out_of_range"),
        (EVENTS, event(frame_time=0), "out_of_range"),
        (EVENTS, "{}", "invalid_field"),
        (UPDATES, update(timestamp=AT.timestamp() * 1000), "out_of_range"),
        (UPDATES, update(camera=None), "invalid_field"),
        (UPDATES, '{"type": "lpr"}', "invalid_field"),
        (READ, update(id=None), "invalid_field"),
    ],
)
def test_a_bad_read_is_rejected(decoded: Decode, topic: str, message: str, code: str) -> None:
    result = decoded(topic, message)
    assert result.observations == ()
    assert [rejection.code for rejection in result.rejections] == [code]


def test_a_read_does_not_show_its_plate(decoded: Decode) -> None:
    result = decoded(EVENTS, event())
    assert "LK21" not in repr(result) + str(result) + f"{result.observations}"
