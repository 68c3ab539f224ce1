"""Dahua: TrafficJunction events of its event stream, and ITSAPI pushes (also of Intelbras and other makes).

In an event, `UTC` is the camera's local time counted as if it were UTC; `RealUTC` is the true one. A
vehicle's pictures share `GroupID`. Direction Obverse is towards the camera, Reverse away from it. An ITSAPI
push has only a local time without a zone, and no id.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import MAX_SIGHTINGS, Number, Seen, Sighting
from parking.errors import Rejection

_TRAFFIC: Final = frozenset({"TrafficJunction", "TrafficGate", "TrafficTollGate"})
_LOCAL: Final = "%Y-%m-%d %H:%M:%S"


class _Comm(msgspec.Struct):
    category: str | None = msgspec.field(default=None, name="SnapCategory")


class _Object(msgspec.Struct):
    text: str | None = msgspec.field(default=None, name="Text")
    kind: str | None = msgspec.field(default=None, name="ObjectType")
    confidence: Number = msgspec.field(default=None, name="Confidence")


class _Car(msgspec.Struct):
    plate: str | None = msgspec.field(default=None, name="PlateNumber")
    machine: str | None = msgspec.field(default=None, name="MachineName")
    driving: list[str | None] | None = msgspec.field(default=None, name="DrivingDirection")


class _Data(msgspec.Struct, rename="pascal"):
    comm_info: _Comm | None = None
    object: _Object | None = None
    traffic_car: _Car | None = None
    junction_direction: str | None = None
    lane: Number = None
    locale_time: str | None = None
    real_utc: Number = msgspec.field(default=None, name="RealUTC")
    group_id: Number = msgspec.field(default=None, name="GroupID")
    event_id: Number = msgspec.field(default=None, name="EventID")


class _Event(msgspec.Struct, rename="pascal"):
    code: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Parameters(msgspec.Struct):
    events: list[_Event] = msgspec.field(name="eventList")


class _Call(msgspec.Struct):
    method: str
    params: msgspec.Raw


class _Plate(msgspec.Struct, rename="pascal"):
    plate_number: str | None = None
    confidence: Number = None


class _Snap(msgspec.Struct, rename="pascal"):
    accurate_time: str | None = None
    snap_time: str | None = None
    device_id: str | None = msgspec.field(default=None, name="DeviceID")
    direction: str | None = None
    lan_no: Number = None


class _Picture(msgspec.Struct, rename="pascal"):
    plate: _Plate | None = None
    snap_info: _Snap | None = None


class _Push(msgspec.Struct, rename="pascal"):
    picture: _Picture


_CALL: Final = msgspec.json.Decoder(_Call)
_PARAMETERS: Final = msgspec.json.Decoder(_Parameters)
_EVENT: Final = msgspec.json.Decoder(_Event)
_DATA: Final = msgspec.json.Decoder(_Data)
_PUSH: Final = msgspec.json.Decoder(_Push)


def read_stream(payload: bytes) -> Seen:
    """The vehicles in a `client.notifyEventStream` call; raises Rejection."""
    call = checks.parse_json(payload, _CALL, private=True)
    if call.method != "client.notifyEventStream":
        return Ignored("a call that tells of no events")
    events = checks.parse_json(bytes(call.params), _PARAMETERS, private=True).events
    if len(events) > MAX_SIGHTINGS:
        raise Rejection("out_of_range", f"{len(events)} events, at most {MAX_SIGHTINGS}")
    found = tuple(seen for event in events if not isinstance(seen := _seen(event), Ignored))
    return found or Ignored("no event of a motor vehicle")


def read_event(payload: bytes) -> Seen:
    """The vehicle in a single event; raises Rejection."""
    seen = _seen(checks.parse_json(payload, _EVENT, private=True))
    return seen if isinstance(seen, Ignored) else (seen,)


def read_push(payload: bytes) -> Seen:
    """The vehicle in an ITSAPI TollgateInfo; raises Rejection."""
    picture = checks.parse_json(payload, _PUSH, private=True).picture
    plate, snap = picture.plate or _Plate(), picture.snap_info or _Snap()
    time = snap.accurate_time or snap.snap_time
    return (
        Sighting(
            plate=sightings.plate(plate.plate_number),
            camera=snap.device_id or None,
            stamp=sightings.local(time, "AccurateTime"),
            time_text=time or "",
            part=sightings.text_of(snap.lan_no) or "",
            confidence=sightings.confidence(plate.confidence, full=100),
            motion=sightings.motion(snap.direction),
        ),
    )


def read_keep_alive(payload: bytes) -> Seen:
    """No vehicle: the camera lives."""
    return Ignored("a sign of life of the camera")


def _seen(event: _Event) -> Sighting | Ignored:
    if event.code not in _TRAFFIC:
        return Ignored("an event of another kind than traffic")
    data = checks.parse_json(bytes(event.data), _DATA, private=True)
    if data.comm_info and data.comm_info.category == "NonMotor":
        return Ignored("a cycle or the like, which takes no parking space")
    seen, car = data.object or _Object(), data.traffic_car or _Car()
    driving = car.driving[0] if car.driving else None
    return Sighting(
        plate=sightings.plate(seen.text or car.plate),
        camera=car.machine or None,
        event_id=sightings.text_of(data.group_id or data.event_id or None),
        stamp=sightings.epoch(data.real_utc, "RealUTC", per_second=1)
        or sightings.local(data.locale_time, "LocaleTime", _LOCAL),
        time_text=data.locale_time or "",
        part=sightings.text_of(data.lane) or "",
        confidence=sightings.confidence(seen.confidence, full=255) if seen.kind == "Plate" else None,
        motion=sightings.motion(driving) or sightings.motion(data.junction_direction),
    )
