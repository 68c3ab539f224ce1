"""OpenALPR and Rekor Scout: single results, groups of results, and heartbeats.

The open daemon counts `epoch_time` in seconds and names no data type; Scout counts milliseconds. A group
tells of one vehicle, its best plate and `best_uuid`; a result tells of one picture, with a vehicle for each
plate.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import MAX_SIGHTINGS, Number, Seen, Sighting
from parking.clock import Stamp

_MILLISECONDS_ABOVE: Final = 1e11
"""As seconds this is the year 5138."""


class _Kind(msgspec.Struct):
    data_type: str = "alpr_results"
    is_preview: bool | None = None


class _Result(msgspec.Struct):
    plate: str | None = None
    confidence: Number = None


class _Results(msgspec.Struct):
    camera_id: Number = None
    uuid: str | None = None
    epoch_time: Number = None
    results: list[_Result] = []


class _Group(msgspec.Struct):
    camera_id: Number = None
    best_uuid: str | None = None
    epoch_start: Number = None
    best_plate_number: str | None = None
    best_confidence: Number = None


_KIND: Final = msgspec.json.Decoder(_Kind)
_RESULTS: Final = msgspec.json.Decoder(_Results)
_GROUP: Final = msgspec.json.Decoder(_Group)


def read(payload: bytes) -> Seen:
    """The vehicles in a message; raises Rejection."""
    kind = checks.parse_json(payload, _KIND, private=True)
    if kind.is_preview:
        return Ignored("a preview of a group that is still to come")
    if kind.data_type == "alpr_group":
        return _group(checks.parse_json(payload, _GROUP, private=True))
    if kind.data_type == "alpr_results":
        return _results(checks.parse_json(payload, _RESULTS, private=True))
    return Ignored("a message of another type than results and groups")


def _group(group: _Group) -> Seen:
    return (
        Sighting(
            plate=sightings.plate(group.best_plate_number),
            camera=sightings.text_of(group.camera_id),
            event_id=group.best_uuid,
            stamp=_stamp(group.epoch_start, "epoch_start"),
            time_text=str(group.epoch_start or ""),
            confidence=sightings.confidence(group.best_confidence, full=100),
        ),
    )


def _results(told: _Results) -> Seen:
    if not told.results:
        return Ignored("no plate was read")
    stamp = _stamp(told.epoch_time, "epoch_time")
    return tuple(
        Sighting(
            plate=sightings.plate(result.plate),
            camera=sightings.text_of(told.camera_id),
            event_id=f"{told.uuid}.{number}" if told.uuid and number else told.uuid,
            stamp=stamp,
            time_text=str(told.epoch_time or ""),
            part=str(number) if number else "",
            confidence=sightings.confidence(result.confidence, full=100),
        )
        for number, result in enumerate(told.results[:MAX_SIGHTINGS])
    )


def _stamp(value: Number, name: str) -> Stamp | None:
    milliseconds = (sightings.number(value) or 0) > _MILLISECONDS_ABOVE
    return sightings.epoch(value, name, per_second=1000 if milliseconds else 1)
