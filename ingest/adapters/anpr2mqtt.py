"""anpr2mqtt (0.x): its sensor's state on `anpr2mqtt/{event}/{camera}/state`, retained.

Five minutes after a read it publishes a clear, with every value null, and the same when it starts. Its time
is that of the image's name, which is the camera's local time, whatever zone is written behind it.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Seen, Sighting


class _State(msgspec.Struct):
    target: str | None = None
    target_type: str | None = None
    plate: str | None = None
    camera: str | None = None
    event_time: str | None = None
    vehicle_direction: str | None = None


_STATE: Final = msgspec.json.Decoder(_State)


def read(payload: bytes) -> Seen:
    """The vehicle in a state; raises Rejection."""
    state = checks.parse_json(payload, _STATE, private=True)
    if state.target is None and state.plate is None:
        return Ignored("a clear, which says only that nothing was read for a while")
    if state.target_type != "plate":
        return Ignored("a sighting of something else than a plate")
    return (
        Sighting(
            plate=sightings.plate(state.plate if state.plate is not None else state.target),
            camera=state.camera,
            stamp=sightings.local(state.event_time, "event_time"),
            time_text=state.event_time or "",
            motion=sightings.motion(state.vehicle_direction),
        ),
    )
