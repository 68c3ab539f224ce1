"""Frigate's plate reads, from `frigate/events` and from `frigate/tracked_object_update` of type lpr.

Both are re-published as the read improves: the object's id is that of the vehicle's passage. Frigate tells of
every object that it follows, so one without a plate is no vehicle that could not be read. Its clock is the
server's.
"""

from typing import Annotated, Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Seen, Sighting
from parking.clock import Stamp
from parking.errors import Rejection

MAX_SCORE: Final = 100
Score = Annotated[float, msgspec.Meta(ge=0, le=MAX_SCORE)]

_PERCENT_ABOVE: Final = 1
"""Frigate's scores are 0 to 1; what is above comes from a source that counts to 100."""


class _Object(msgspec.Struct):
    id: sightings.PassageId
    camera: checks.Id | None = None
    frame_time: float | None = None
    false_positive: bool | None = None
    # A text, or from some versions of Frigate a pair of text and score. No tuple here: msgspec 0.22 crashes
    # in garbage collection on a union of a fixed tuple and a text with a length limit.
    recognized_license_plate: str | list[str | float | None] | None = None
    recognized_license_plate_score: Score | None = None


class _Event(msgspec.Struct):
    after: _Object


class _Kind(msgspec.Struct):
    type: str | None = None


class _Update(msgspec.Struct):
    id: sightings.PassageId
    plate: str | None = None
    camera: checks.Id | None = None
    score: Score | None = None
    timestamp: float | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_KIND: Final = msgspec.json.Decoder(_Kind)
_UPDATE: Final = msgspec.json.Decoder(_Update)


def read_event(payload: bytes) -> Seen:
    """The vehicle in a message of `frigate/events`; raises Rejection."""
    seen = checks.parse_json(payload, _EVENT, private=True).after
    if seen.false_positive:
        return Ignored("a false positive, says Frigate")
    plate, score = _pair(seen.recognized_license_plate)
    given = seen.recognized_license_plate_score
    return _seen(
        plate=plate,
        score=score if given is None else given,
        camera=seen.camera,
        event_id=seen.id,
        seconds=seen.frame_time,
    )


def read_update(payload: bytes) -> Seen:
    """The vehicle in a message of `frigate/tracked_object_update`; raises Rejection."""
    if checks.parse_json(payload, _KIND, private=True).type != "lpr":
        return Ignored("an update of another type than lpr")
    update = checks.parse_json(payload, _UPDATE, private=True)
    return _seen(
        plate=update.plate,
        score=update.score,
        camera=update.camera,
        event_id=update.id,
        seconds=update.timestamp,
    )


def _pair(read: str | list[str | float | None] | None) -> tuple[str | None, float | None]:
    """Plate and score of either form."""
    if not isinstance(read, list):
        return read, None
    match read:
        case [str() | None as plate, int() | float() | None as score]:
            if score is None or 0 <= score <= MAX_SCORE:
                return plate, score
    raise Rejection("invalid_field", "Expected a plate and its score - at `$.after.recognized_license_plate`")


def _seen(
    *, plate: str | None, score: float | None, camera: str | None, event_id: str, seconds: float | None
) -> Seen:
    if sightings.plate(plate) is None or plate is None:
        return Ignored("no plate was read")
    stamp = None
    if seconds is not None:
        stamp = Stamp(readings=(checks.parse_epoch(seconds, "the time of the read"),), sure=True)
    return (
        Sighting(
            plate=plate.strip(),
            camera=camera,
            event_id=event_id,
            stamp=stamp,
            confidence=score / 100 if score is not None and score > _PERCENT_ABOVE else score,
        ),
    )
