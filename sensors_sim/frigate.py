"""Plate reads as Frigate publishes them: a tracked object from first sight to its end, and its plate's reads.

Shapes as in Frigate's documentation of `frigate/events` and `frigate/tracked_object_update`; all values are
ours.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from sensors_sim.plates import misread

EVENTS_TOPIC = "frigate/events"
UPDATE_TOPIC = "frigate/tracked_object_update"
CROSSING_S = 0.8
"""Seconds from the first sight of a vehicle to its crossing of the line."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One message of a passage: seconds after the first sight, topic, body, whether it holds a plate."""

    after_s: float
    topic: str
    body: bytes
    has_plate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle in front of a camera: `first_seen` in Unix seconds, `plate` as painted, `salt` for chance."""

    camera: str
    first_seen: float
    plate: str
    salt: int
    misread: bool

    @property
    def event_id(self) -> str:
        """Frigate's id: the time of the first sight and six characters."""
        digest = blake2b(f"{self.salt}:{self.camera}".encode(), digest_size=6).digest()
        return f"{self.first_seen:.6f}-" + "".join(_ALPHABET[byte % 36] for byte in digest)


def sightings(vehicle: Vehicle) -> list[Sighting]:
    """All that Frigate publishes of one passage, in order. Its plate gets better as it comes closer."""
    final = misread(vehicle.plate, vehicle.salt) if vehicle.misread else vehicle.plate
    # One first read in four is worse than what follows.
    early = misread(final, vehicle.salt + 1) if vehicle.salt % 4 == 0 else final
    stages = [_seen(vehicle, 0.0, None, 0.0), _seen(vehicle, 0.5, early, 0.79)]
    stages += [_seen(vehicle, CROSSING_S, final, 0.93), _seen(vehicle, 1.9, final, 0.96)]
    stages[-1]["end_time"] = vehicle.first_seen + 1.9
    return [
        _event("new", stages[0], stages[0], after_s=0.0),
        _read(vehicle, 0.5, early, 0.79),
        _event("update", stages[0], stages[2], after_s=CROSSING_S),
        _read(vehicle, 1.2, final, 0.96),
        _event("end", stages[2], stages[3], after_s=1.9),
    ]


def _event(kind: str, before: dict[str, Any], after: dict[str, Any], *, after_s: float) -> Sighting:
    body = msgspec.json.encode({"type": kind, "before": before, "after": after})
    return Sighting(after_s, EVENTS_TOPIC, body, after["recognized_license_plate"] is not None)


def _read(vehicle: Vehicle, after_s: float, plate: str, score: float) -> Sighting:
    update = {
        "type": "lpr",
        "id": vehicle.event_id,
        "name": None,
        "plate": plate,
        "score": score,
        "camera": vehicle.camera,
        "timestamp": round(vehicle.first_seen + after_s, 6),
        "plate_box": [598, 402, 704, 436],
    }
    return Sighting(after_s, UPDATE_TOPIC, msgspec.json.encode(update), True)


def _seen(vehicle: Vehicle, after_s: float, plate: str | None, score: float) -> dict[str, Any]:
    """The tracked object as it stands `after_s` seconds after its first sight."""
    top = 180 + int(160 * after_s)
    box = [412, top, 868, top + 330]
    frame_time = round(vehicle.first_seen + after_s, 6)
    return {
        "id": vehicle.event_id,
        "camera": vehicle.camera,
        "frame_time": frame_time,
        "snapshot": {
            "frame_time": frame_time,
            "box": box,
            "area": 150_480,
            "region": [320, 0, 1040, 720],
            "score": 0.91,
            "attributes": [],
        },
        "label": "car",
        "sub_label": None,
        "top_score": 0.94,
        "false_positive": False,
        "start_time": round(vehicle.first_seen, 6),
        "end_time": None,
        "score": 0.91,
        "box": box,
        "area": 150_480,
        "ratio": 1.38,
        "region": [320, 0, 1040, 720],
        "current_zones": [],
        "entered_zones": [],
        "thumbnail": None,
        "has_snapshot": True,
        "has_clip": False,
        "active": True,
        "stationary": False,
        "motionless_count": 0,
        "position_changes": 1,
        "attributes": {"license_plate": score} if plate else {},
        "current_attributes": [],
        "current_estimated_speed": 0.0,
        "average_estimated_speed": 0.0,
        "velocity_angle": 0,
        "recognized_license_plate": plate,
        "recognized_license_plate_score": score if plate else None,
    }
