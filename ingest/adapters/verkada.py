"""Verkada: its webhook of type lpr.

`created` is seconds, `detected` milliseconds. A webhook that was not answered within two seconds is sent
once more. What we could read does not say whether `webhook_id` names the notification or the subscription,
so `detected` names the passage.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Number, Seen, Sighting


class _Data(msgspec.Struct):
    camera_id: str | None = None
    created: Number = None
    detected: Number = None
    license_plate_number: str | None = None
    confidence: Number = None


class _Kind(msgspec.Struct):
    webhook_type: str


class _Webhook(msgspec.Struct):
    data: _Data


_KIND: Final = msgspec.json.Decoder(_Kind)
_WEBHOOK: Final = msgspec.json.Decoder(_Webhook)


def read(payload: bytes) -> Seen:
    """The vehicle in a webhook; raises Rejection."""
    if checks.parse_json(payload, _KIND, private=True).webhook_type != "lpr":
        return Ignored("a webhook of another type than lpr")
    data = checks.parse_json(payload, _WEBHOOK, private=True).data
    return (
        Sighting(
            plate=sightings.plate(data.license_plate_number),
            camera=data.camera_id or None,
            stamp=sightings.epoch(data.created, "created", per_second=1),
            time_text=str(data.detected or data.created or ""),
            confidence=sightings.confidence(data.confidence, full=1),
        ),
    )
