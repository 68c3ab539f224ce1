"""Axis License Plate Verifier: pushed JSON (HTTP, TCP), and the camera's own MQTT events (ALPV).

A vehicle is told of when it is new, updated and lost; `carID` joins these, and the plate may change between
them. `capture_timestamp` is milliseconds UTC; `datetime` is local without a zone, and all that the oldest
versions have. The direction of what is new is never known.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Number, Seen, Sighting
from parking.clock import Stamp

_DATETIME: Final = "%Y%m%d %H%M%S%f"


class _Camera(msgspec.Struct):
    serial: str | None = msgspec.field(default=None, name="SerialNumber")


class _Push(msgspec.Struct, rename="camel"):
    car_id: Number = msgspec.field(default=None, name="carID")
    plate_utf8: str | None = msgspec.field(default=None, name="plateUTF8")
    plate_text: str | None = None
    plate_confidence: Number = None
    car_move_direction: str | None = None
    capture_timestamp: Number = msgspec.field(default=None, name="capture_timestamp")
    datetime: str | None = None
    camera_info: _Camera | None = msgspec.field(default=None, name="camera_info")
    camera_id: str | None = None


class _Data(msgspec.Struct):
    text: str | None = None
    car_id: Number = msgspec.field(default=None, name="carID")
    direction: str | None = msgspec.field(default=None, name="carMoveDirection")
    capture_timestamp: Number = None
    confidence: Number = msgspec.field(default=None, name="lpConfidence")


class _Message(msgspec.Struct):
    data: _Data


class _Topic(msgspec.Struct):
    topic: str


class _Event(msgspec.Struct):
    message: _Message
    serial: str | None = None
    timestamp: Number = None


_PUSH: Final = msgspec.json.Decoder(_Push)
_TOPIC: Final = msgspec.json.Decoder(_Topic)
_EVENT: Final = msgspec.json.Decoder(_Event)


def read_push(payload: bytes) -> Seen:
    """The vehicle in a pushed message; raises Rejection."""
    push = checks.parse_json(payload, _PUSH, private=True)
    camera = push.camera_info.serial if push.camera_info else None
    return (
        Sighting(
            plate=sightings.plate(push.plate_utf8 or push.plate_text),
            camera=camera or push.camera_id,
            event_id=sightings.text_of(push.car_id),
            stamp=_stamp(push.capture_timestamp, push.datetime),
            time_text=str(push.capture_timestamp or push.datetime or ""),
            confidence=sightings.confidence(push.plate_confidence, full=1),
            direction=sightings.way(push.car_move_direction),
            motion=sightings.motion(push.car_move_direction),
        ),
    )


def read_event(payload: bytes) -> Seen:
    """The vehicle in an event of the camera's MQTT client; raises Rejection."""
    if "ALPV" not in checks.parse_json(payload, _TOPIC, private=True).topic:
        return Ignored("a camera's event that is not of the License Plate Verifier")
    event = checks.parse_json(payload, _EVENT, private=True)
    data = event.message.data
    time = data.capture_timestamp or event.timestamp
    return (
        Sighting(
            plate=sightings.plate(data.text),
            camera=event.serial,
            event_id=sightings.text_of(data.car_id),
            stamp=_stamp(time, None),
            time_text=str(time or ""),
            confidence=sightings.confidence(data.confidence, full=1),
            direction=sightings.way(data.direction),
            motion=sightings.motion(data.direction),
        ),
    )


def _stamp(captured: Number, local: str | None) -> Stamp | None:
    found = sightings.epoch(captured, "capture_timestamp", per_second=1000)
    return found or sightings.local(local, "datetime", _DATETIME)
