"""Plate Recognizer Stream: its webhook, as JSON or as the part `json` of a form.

`timestamp` is UTC. Plates are in lower case. A direction is an angle in the picture, of no use to a gate. One
message may tell of several vehicles.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import MAX_SIGHTINGS, Number, Seen, Sighting


class _Result(msgspec.Struct):
    plate: msgspec.Raw = msgspec.Raw(b"null")
    score: Number = None


class _Data(msgspec.Struct):
    camera_id: str | None = None
    timestamp: str | None = None
    results: list[_Result] = []


class _Hook(msgspec.Struct, frozen=True):
    event: str | None = None


class _Webhook(msgspec.Struct):
    data: msgspec.Raw
    hook: _Hook = _Hook()


class _Value(msgspec.Struct, frozen=True):
    value: str | None = None
    score: Number = None


class _Properties(msgspec.Struct, frozen=True):
    plate: list[_Value] = []


class _Plate(msgspec.Struct):
    props: _Properties = _Properties()


_WEBHOOK: Final = msgspec.json.Decoder(_Webhook)
_DATA: Final = msgspec.json.Decoder(_Data)
_TEXT: Final = msgspec.json.Decoder(str | _Plate | None)


def read(payload: bytes) -> Seen:
    """The vehicles in a webhook; raises Rejection."""
    webhook = checks.parse_json(payload, _WEBHOOK, private=True)
    if webhook.hook.event not in (None, "recognition"):
        return Ignored("a webhook of another event than recognition")
    data = checks.parse_json(bytes(webhook.data), _DATA, private=True)
    if not data.results:
        return Ignored("no vehicle was seen")
    return tuple(_seen(data, result, number) for number, result in enumerate(data.results[:MAX_SIGHTINGS]))


def _seen(data: _Data, result: _Result, number: int) -> Sighting:
    told = checks.parse_json(bytes(result.plate), _TEXT, private=True)
    text, score = (told, result.score) if not isinstance(told, _Plate) else _best(told)
    return Sighting(
        plate=sightings.plate(text),
        camera=data.camera_id or None,
        stamp=sightings.local(data.timestamp, "timestamp"),
        time_text=data.timestamp or "",
        part=str(number) if number else "",
        confidence=sightings.confidence(score, full=1),
    )


def _best(plate: _Plate) -> tuple[str | None, Number]:
    """The first of the readings that newer versions list, best first."""
    first = plate.props.plate[0] if plate.props.plate else _Value()
    return first.value, first.score
