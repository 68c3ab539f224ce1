"""Milesight: the HTTP post of its number plate cameras.

`device` is a label, the same in every camera until someone changes it: let the topic or the path name the
camera. `time` is local, without a zone. Its parking detection tells of bays, on another kind of camera.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Number, Seen, Sighting


class _Post(msgspec.Struct):
    plate: str | None = None
    device: str | None = None
    time: str | None = None
    direction: str | None = None
    roi_id: Number = None
    confidence: Number = None


_POST: Final = msgspec.json.Decoder(_Post)


def read(payload: bytes) -> Seen:
    """The vehicle in a post; raises Rejection."""
    post = checks.parse_json(payload, _POST, private=True)
    return (
        Sighting(
            plate=sightings.plate(post.plate),
            camera=post.device or None,
            stamp=sightings.local(post.time, "time"),
            time_text=post.time or "",
            part=sightings.text_of(post.roi_id) or "",
            confidence=sightings.confidence(post.confidence, full=100),
            direction=sightings.way(post.direction),
            motion=sightings.motion(post.direction),
        ),
    )


def read_parking(payload: bytes) -> Seen:
    """No vehicle at a gate."""
    return Ignored("a camera's detection of parked vehicles, which is no plate read")
