"""Which messages of cameras hold plate reads, by the topics of those that have topics of their own."""

from ingest.adapters import (
    cameras,
    frigate,
)
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Reader
from ingest.decoded import MAX_JSON_PAYLOAD, Decoded, Message, check_size, unknown_topic


def from_frigate(message: Message) -> Decoded:
    """Frigate. Raises Rejection."""
    read = {
        "frigate/events": frigate.read_event,
        "frigate/tracked_object_update": frigate.read_update,
    }.get(message.topic)
    if read is None:
        return Decoded(ignored="Frigate reads no plates on this topic")
    check_size(message, MAX_JSON_PAYLOAD)
    return plates(message, reader=read)


def from_anpr2mqtt(message: Message) -> Decoded:
    """anpr2mqtt. Raises Rejection."""
    if message.levels[-1] != "state":
        return Decoded(ignored="anpr2mqtt tells of no plates on this topic")
    return plates(message, hint="anpr2mqtt")


def from_axis(message: Message) -> Decoded:
    """Axis License Plate Verifier. Raises Rejection."""
    if "/CameraApplicationPlatform/ALPV" not in message.topic:
        return Decoded(ignored="an Axis camera's event that is not of the License Plate Verifier")
    return plates(message, hint="axis")


def from_http(message: Message) -> Decoded:
    """What a camera posted (`ingest.camera_http`), as `http/{camera}/{vendors}`. Raises Rejection."""
    if len(message.levels) != 3:
        raise unknown_topic()
    _, camera, vendors = message.levels
    return plates(message, camera=camera, hint=vendors)


def plates(
    message: Message,
    *,
    camera: str | None = None,
    reader: Reader | None = None,
    hint: str | None = None,
    site: str | None = None,
) -> Decoded:
    """The plate reads of one message, in whatever format. Raises Rejection."""
    read = cameras.read(
        message.payload,
        received_at=message.received_at,
        camera=camera,
        reader=reader,
        hint=hint,
        clocks=message.clocks,
    )
    if isinstance(read, Ignored):
        return Decoded(ignored=read.reason, site=site)
    return Decoded(observations=read, site=site)
