"""What a camera tells of one vehicle, and how that becomes a plate read whatever the vendor.

A plate or a person's name may stand in any field of these messages, so no rejection quotes a value of theirs.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Ignored
from parking.clock import CameraClock, Stamp, event_time
from parking.errors import Rejection
from parking.model import Direction, Motion, PlateRead
from parking.plates import fold

PassageId = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,100}\Z")]
Number = str | int | float | None
"""A number as cameras write it: as such, or as a text."""
MAX_PLATE: Final = 32
"""Most characters of a plate, spaces and all."""
MAX_SIGHTINGS: Final = 50
"""Most vehicles in one message."""

_ANY_CLOCK: Final = CameraClock()
_ID: Final = re.compile(r"[\x21-\x7e]{1,100}")
_CAMERA: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?")
_UNREADABLE: Final = frozenset(
    fold(word)
    for word in (
        *("unknown", "unknow", "noplate", "notdefined", "notdetected", "notread"),
        *("undefined", "none", "null", "na"),
    )
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS: Final = 1_000_000
_SHORTEST_TELLING: Final = 4
"""Characters from which on a plate inside an id is no chance."""
_MOTIONS: Final = {
    "in": Motion.APPROACHING, "approach": Motion.APPROACHING, "approaching": Motion.APPROACHING,
    "forward": Motion.APPROACHING, "obverse": Motion.APPROACHING, "goclose": Motion.APPROACHING,
    "closer": Motion.APPROACHING, "movingcloser": Motion.APPROACHING, "movingtoward": Motion.APPROACHING,
    "out": Motion.RECEDING, "away": Motion.RECEDING, "leave": Motion.RECEDING, "reverse": Motion.RECEDING,
    "goaway": Motion.RECEDING, "movingaway": Motion.RECEDING,
}  # fmt: skip
_WAYS: Final = {"in": Direction.IN, "out": Direction.OUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One vehicle as a camera tells of it. `plate` is None where it saw a vehicle and could not read it.

    `camera` and `event_id` are the vendor's. Where a vendor gives its passages no id, `time_text` (the
    camera's own writing of its time) and `part` (lane, or index in the message) make one.
    """

    plate: str | None = field(repr=False)
    camera: str | None = None
    event_id: str | None = None
    stamp: Stamp | None = None
    time_text: str = ""
    part: str = ""
    confidence: float | None = None
    direction: Direction | None = None
    motion: Motion | None = None


Seen = tuple[Sighting, ...] | Ignored
"""What a reader gives: the vehicles in a message, or why it is none of our business."""
Reader = Callable[[bytes], Seen]


def plate_reads(
    seen: Iterable[Sighting],
    *,
    camera: str | None,
    received_at: datetime,
    clocks: Mapping[str, CameraClock],
) -> tuple[PlateRead, ...]:
    """The plate reads of sightings; `camera` is the registry's id of it, which outweighs the vendor's."""
    found = tuple(seen)
    plates = frozenset(fold(one.plate) for one in found if one.plate)
    reads = []
    for one in found:
        named = camera or _named(one, plates)
        read = PlateRead(
            camera=named,
            event_at=event_time(one.stamp, received_at, clocks.get(named, _ANY_CLOCK)),
            event_id=_event_id(one, plates, received_at),
            plate=one.plate,
            direction=one.direction,
            motion=one.motion,
            confidence=one.confidence,
        )
        reads.append(read)
    return tuple(reads)


def _named(one: Sighting, plates: Set[str]) -> str:
    if one.camera is None:
        raise Rejection("invalid_field", "the message names no camera, nor does the way it came")
    if not _CAMERA.fullmatch(one.camera) or _tells(one.camera, plates):
        raise Rejection("invalid_field", "the camera's id is not 1 to 64 plain characters without a plate")
    return one.camera


def _event_id(one: Sighting, plates: Set[str], received_at: datetime) -> str:
    """The vendor's id of the passage; else one from the camera's own time, the same in every copy.

    Never one that holds a plate: it is stored. A message with neither id nor time is known by its arrival
    alone, so a copy of it is another passage.
    """
    if one.event_id is not None and _ID.fullmatch(one.event_id) and not _tells(one.event_id, plates):
        return one.event_id
    digits = "".join(re.findall(r"\d+", one.time_text, re.ASCII))[:40]
    time = f"t{digits}" if digits else f"at{received_at.astimezone(UTC):%Y%m%d%H%M%S%f}"
    found = f"{time}.{one.part}" if one.part else time
    return found if _ID.fullmatch(found) and not _tells(one.part, plates) else time


def _tells(text: str, plates: Set[str]) -> bool:
    """Whether a text that will be stored holds one of these folded plates."""
    folded = fold(text)
    return any(len(plate) >= _SHORTEST_TELLING and plate in folded for plate in plates)


def plate(text: str | None) -> str | None:
    """A plate in upper case without spaces; None for the words by which cameras say that there is none."""
    if text is None:
        return None
    if len(text) > MAX_PLATE:
        raise Rejection("out_of_range", f"a plate of {len(text)} characters, at most {MAX_PLATE}")
    found = "".join(text.upper().split())
    return None if not fold(found) or fold(found) in _UNREADABLE else found


def number(value: Number) -> float | None:
    """The number that a camera wrote, None if it is none or not finite."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e18 else None


def confidence(value: Number, *, full: float) -> float | None:
    """A score from 0 to `full` as 0 to 1; None if it is out of range: no vehicle is lost for its score."""
    found = number(value)
    return found / full if found is not None and 0 <= found <= full else None


def motion(word: str | None) -> Motion | None:
    """Which way a vehicle moves as the camera sees it, by the words of several vendors."""
    return _MOTIONS.get(re.sub(r"[^a-z]", "", word.lower())) if word and len(word) < MAX_PLATE else None


def way(word: str | None) -> Direction | None:
    """A vendor's plain in or out."""
    return _WAYS.get(word.strip().lower()) if word else None


def text_of(value: Number) -> str | None:
    """An id as text; None if there is none."""
    return None if value is None or value == "" else str(value)


def epoch(value: Number, name: str, *, per_second: int) -> Stamp | None:
    """A time since 1970 in seconds (`per_second` 1), milli- or microseconds; None where there is none."""
    if value is None or value in ("", "0", 0):
        return None
    found = number(value)
    if found is None:
        raise Rejection("invalid_field", f"{name} is not a number")
    seconds = found / per_second
    if not checks.EARLIEST.timestamp() <= seconds < checks.LATEST.timestamp():
        raise Rejection("out_of_range", f"{name} is not from 2000 to 2099")
    microseconds = round(found * (_MICROSECONDS // per_second))
    return Stamp(readings=(_EPOCH + timedelta(microseconds=microseconds),), sure=True)


def local(text: str | None, name: str, *formats: str, resent: bool = False) -> Stamp | None:
    """A time as text, with or without a zone, in ISO 8601 or one of `formats`; None where there is none."""
    if text is None or not text.strip():
        return None
    readings = [moment for moment in _readings(text.strip(), formats) if _in_range(moment)]
    if not readings:
        raise Rejection("invalid_field", f"{name} is not a time from 2000 to 2099 in a form that we know")
    return Stamp(readings=tuple(readings), resent=resent)


def _readings(text: str, formats: tuple[str, ...]) -> Iterable[datetime]:
    for form in formats:
        try:
            yield datetime.strptime(text, form)
        except ValueError:
            continue
    if not formats and len(text) > len("2000-01-01"):
        try:
            yield datetime.fromisoformat(text)
        except ValueError:
            return


def _in_range(moment: datetime) -> bool:
    return checks.EARLIEST.year <= moment.year < checks.LATEST.year
