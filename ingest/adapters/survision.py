"""Survision: the `anpr` message that its sensors stream and post, attributes as members that begin with @.

`@date` is milliseconds UTC. The sensor's serial number travels beside the message, in the HTTP header
`survision-serial-number`, so the topic or the path names the camera.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Number, Seen, Sighting


class _Decision(msgspec.Struct):
    plate: str | None = msgspec.field(default=None, name="@plate")
    reliability: Number = msgspec.field(default=None, name="@reliability")


class _Anpr(msgspec.Struct):
    date: Number = msgspec.field(default=None, name="@date")
    decision: _Decision | None = None


class _Message(msgspec.Struct):
    anpr: _Anpr


_MESSAGE: Final = msgspec.json.Decoder(_Message)


def read(payload: bytes) -> Seen:
    """The vehicle in a message; raises Rejection."""
    anpr = checks.parse_json(payload, _MESSAGE, private=True).anpr
    if anpr.decision is None:
        return Ignored("a recognition that is not decided yet")
    return (
        Sighting(
            plate=sightings.plate(anpr.decision.plate),
            stamp=sightings.epoch(anpr.date, "@date", per_second=1000),
            time_text=str(anpr.date or ""),
            confidence=sightings.confidence(anpr.decision.reliability, full=100),
        ),
    )
