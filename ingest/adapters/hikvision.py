"""Hikvision: ISAPI event notifications of type ANPR, and the ANPR metadata of its video streams.

Elements go by their local names, since the namespace differs between firmware, and some write prefixes. The
zone behind `dateTime` is as it was set in the camera, often that of the factory. `UUID` names the passage
(firmware before 5.5 has none). The plate "unknown" is a vehicle that could not be read. `direction` is the
vehicle's motion as the camera sees it.
"""

from collections.abc import Iterator
from typing import Final

from ingest.adapters import sightings
from ingest.adapters.base import Ignored
from ingest.adapters.safe_xml import Document
from ingest.adapters.sightings import Seen, Sighting

WANTED: Final = frozenset(
    {
        *("eventType", "eventState", "dateTime", "macAddress", "deviceID", "ipAddress", "UUID"),
        *("isDataRetransmission", "licensePlate", "originalLicensePlate", "line", "direction"),
        *("confidenceLevel", "subType", "time", "targetID", "description", "value"),
    }
)
_TRUE: Final = frozenset({"true", "1"})


def read_notification(document: Document) -> Seen:
    """The vehicle in an EventNotificationAlert; raises Rejection."""
    if document.first("eventType") != "ANPR":
        return Ignored("an event of another type than ANPR")
    if document.first("eventState") == "inactive":
        return Ignored("the end of an event, which its beginning has told of")
    time = document.first("EventNotificationAlert", "dateTime")
    resent = (document.first("isDataRetransmission") or "").lower() in _TRUE
    plate = document.first("ANPR", "licensePlate") or document.first("ANPR", "originalLicensePlate")
    return (
        Sighting(
            plate=sightings.plate(plate),
            camera=_camera(document),
            event_id=document.first("EventNotificationAlert", "UUID"),
            stamp=sightings.local(time, "dateTime", resent=resent),
            time_text=time or "",
            part=document.first("ANPR", "line") or "",
            confidence=sightings.confidence(document.first("ANPR", "confidenceLevel"), full=100),
            motion=sightings.motion(document.first("ANPR", "direction")),
        ),
    )


def read_metadata(document: Document) -> Seen:
    """The vehicles in a Metadata document; raises Rejection."""
    if document.first("Metadata", "subType") != "ANPR":
        return Ignored("metadata of another type than ANPR")
    time = document.first("Metadata", "time")
    stamp = sightings.local(time, "time")
    return tuple(
        Sighting(
            plate=sightings.plate(target["licensePlate"]),
            camera=_camera(document),
            stamp=stamp,
            time_text=time or "",
            part=target.get("targetID", ""),
            confidence=sightings.confidence(target.get("confidence"), full=100),
            motion=sightings.motion(target.get("direction")),
        )
        for target in _targets(document)
        if "licensePlate" in target
    ) or Ignored("metadata without a number plate")


def _targets(document: Document) -> Iterator[dict[str, str]]:
    """The properties of each target, by their descriptions."""
    found: dict[str, str] = {}
    described = ""
    for (*_, name), text in document.texts:
        if name == "targetID":
            if found:
                yield found
            found = {"targetID": text}
        elif name == "description":
            described = text
        elif name == "value":
            found[described] = text
    if found:
        yield found


def _camera(document: Document) -> str | None:
    return document.first("macAddress") or document.first("ipAddress")
