"""Axxon (C-Werk): the CAR_PLATE element of its export over TCP or HTTP, all in attributes.

The plate "Not defined" is a vehicle that could not be read. `time` is the server's, without a zone.
"""

from typing import Final

from ingest.adapters import sightings
from ingest.adapters.safe_xml import Document
from ingest.adapters.sightings import Seen, Sighting

ROOT: Final = "CAR_PLATE"


def read(document: Document) -> Seen:
    """The vehicle in an element; raises Rejection."""
    told = document.attributes
    time, direction = told.get("time"), told.get("direction")
    return (
        Sighting(
            plate=sightings.plate(told.get("plate")),
            camera=told.get("cam-id") or None,
            stamp=sightings.local(time, "time"),
            time_text=time or "",
            confidence=sightings.confidence(told.get("confidence"), full=100),
            direction=sightings.way(direction),
            motion=sightings.motion(direction),
        ),
    )
