"""Frigate's plate reads, from `frigate/events` and from `frigate/tracked_object_update` of type lpr.

Both are re-published as the read improves: the object's id is that of the vehicle's passage. Frigate knows
no direction of a gate; the registry does. A plate may stand anywhere in these messages, and a person's name
beside it, so no rejection quotes a value of theirs.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Ignored
from parking.errors import Rejection
from parking.model import PlateRead
from parking.plates import fold

PassageId = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,100}\Z")]
MAX_SCORE: Final = 100
MAX_PLATE: Final = 32
"""Most characters of a plate, spaces and all."""
Score = Annotated[float, msgspec.Meta(ge=0, le=MAX_SCORE)]

_PERCENT_ABOVE: Final = 1
"""Frigate's scores are 0 to 1; what is above comes from a source that counts to 100."""


class _Object(msgspec.Struct):
    id: PassageId
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
    after: msgspec.Raw = msgspec.Raw(b"null")


class _Update(msgspec.Struct):
    id: PassageId
    plate: str | None = None
    camera: checks.Id | None = None
    score: Score | None = None
    timestamp: float | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_KIND: Final = msgspec.json.Decoder(_Kind)
_UPDATE: Final = msgspec.json.Decoder(_Update)


def read_any(payload: bytes, *, camera: str | None, received_at: datetime) -> PlateRead | Ignored:
    """The read in either shape of message; `camera` is the topic's, which outweighs the message's."""
    if not payload:
        return Ignored("an empty message clears a retained one")
    if bytes(checks.parse_json(payload, _KIND, private=True).after) == b"null":
        return read_update(payload, camera=camera, received_at=received_at)
    return read_event(payload, camera=camera, received_at=received_at)


def read_event(payload: bytes, *, camera: str | None, received_at: datetime) -> PlateRead | Ignored:
    """The read in a message of `frigate/events`; raises Rejection."""
    if not payload:
        return Ignored("an empty message clears a retained one")
    seen = checks.parse_json(payload, _EVENT, private=True).after
    if seen.false_positive:
        return Ignored("a false positive, says Frigate")
    plate, score = _pair(seen.recognized_license_plate)
    given = seen.recognized_license_plate_score
    return _read(
        plate=plate,
        score=score if given is None else given,
        camera=camera or seen.camera,
        event_id=seen.id,
        seconds=seen.frame_time,
        received_at=received_at,
    )


def read_update(payload: bytes, *, camera: str | None, received_at: datetime) -> PlateRead | Ignored:
    """The read in a message of `frigate/tracked_object_update`; raises Rejection."""
    if not payload:
        return Ignored("an empty message clears a retained one")
    if checks.parse_json(payload, _KIND, private=True).type != "lpr":
        return Ignored("an update of another type than lpr")
    update = checks.parse_json(payload, _UPDATE, private=True)
    return _read(
        plate=update.plate,
        score=update.score,
        camera=camera or update.camera,
        event_id=update.id,
        seconds=update.timestamp,
        received_at=received_at,
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


def _read(
    *,
    plate: str | None,
    score: float | None,
    camera: str | None,
    event_id: str,
    seconds: float | None,
    received_at: datetime,
) -> PlateRead | Ignored:
    if not plate or not fold(plate) or plate.strip().lower() == "unknown":
        return Ignored("no plate was read")
    if len(plate) > MAX_PLATE:
        raise Rejection("out_of_range", f"a plate of {len(plate)} characters, at most {MAX_PLATE}")
    if camera is None:
        raise Rejection("invalid_field", "Object missing required field `camera`")
    if score is not None and score > _PERCENT_ABOVE:
        score /= 100
    return PlateRead(
        camera=camera,
        event_at=received_at if seconds is None else checks.parse_epoch(seconds, "the time of the read"),
        event_id=event_id,
        plate=plate.strip(),
        confidence=score,
    )
