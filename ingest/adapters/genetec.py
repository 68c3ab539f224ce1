"""Genetec AutoVu: what the plate reader's data exporter posts, every value a text.

`DateUtc` is written month first or day first, as the server's language has it; `TimeUtc` is local time where
the site's zone was never set. `VehicleID` is the passage.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.sightings import Number, Seen, Sighting

_FORMATS: Final = ("%m/%d/%Y %H:%M:%S%z", "%d/%m/%Y %H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z")
_NO_ID: Final = "00000000-0000-0000-0000-000000000000"


class _Attributes(msgspec.Struct):
    motion: str | None = msgspec.field(default=None, name="Relative Motion")


class _Export(msgspec.Struct, rename="pascal"):
    plate: str | None = None
    camera_name: str | None = None
    sharp_name: str | None = None
    date_utc: str | None = None
    time_utc: str | None = None
    vehicle_id: str | None = msgspec.field(default=None, name="VehicleID")
    confidence_score: Number = None
    attributes: _Attributes | None = None


_EXPORT: Final = msgspec.json.Decoder(_Export)


def read(payload: bytes) -> Seen:
    """The vehicle in an export; raises Rejection."""
    export = checks.parse_json(payload, _EXPORT, private=True)
    text = f"{export.date_utc} {export.time_utc}" if export.date_utc and export.time_utc else ""
    return (
        Sighting(
            plate=sightings.plate(export.plate),
            camera=export.camera_name or export.sharp_name or None,
            event_id=export.vehicle_id if export.vehicle_id != _NO_ID else None,
            stamp=sightings.local(f"{text}+0000" if text else None, "DateUtc and TimeUtc", *_FORMATS),
            time_text=text,
            confidence=sightings.confidence(export.confidence_score, full=100),
            motion=sightings.motion(export.attributes.motion) if export.attributes else None,
        ),
    )
