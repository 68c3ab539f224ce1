"""Tattile: the flat XML that its cameras send, whatever its root is called.

DATE and TIME are the camera's, without a zone; TIME is written with colons, or with dashes and milliseconds.
OCRSCORE counts to 100 in some firmware and to 999 in other: what is above 100 is of the latter.
"""

from typing import Final

from ingest.adapters import sightings
from ingest.adapters.safe_xml import Document
from ingest.adapters.sightings import Seen, Sighting

PLATE: Final = "PLATE_STRING"
WANTED: Final = frozenset({PLATE, "DATE", "TIME", "DEVICE_SN", "OCRSCORE", "DIRECTION", "LANE_ID"})
_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H-%M-%S-%f")
_PERCENT: Final = 100
_PER_MILLE: Final = 999


def read(document: Document) -> Seen:
    """The vehicle in a message; raises Rejection."""
    date, time = document.first("DATE"), document.first("TIME")
    text = f"{date} {time}" if date and time else ""
    score = document.first("OCRSCORE")
    high = (sightings.number(score) or 0) > _PERCENT
    return (
        Sighting(
            plate=sightings.plate(document.first(PLATE)),
            camera=document.first("DEVICE_SN"),
            stamp=sightings.local(text, "DATE and TIME", *_FORMATS),
            time_text=text,
            part=document.first("LANE_ID") or "",
            confidence=sightings.confidence(score, full=_PER_MILLE if high else _PERCENT),
            motion=sightings.motion(document.first("DIRECTION")),
        ),
    )
