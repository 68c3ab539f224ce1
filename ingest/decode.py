"""Bytes of any message to observations or rejections: pure, total on hostile bytes, and quick."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ingest.adapters.base import Uplink
from parking.errors import Rejection
from parking.model import Observation


class Directory(Protocol):
    """What decoding needs to know of the registry."""

    def codec(self, device: str) -> str | None:
        """The codec name of a device, None if the registry does not have it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one message says. A bundle may give both observations and rejections.

    `ignored` is why a well-formed message says nothing for us. `site` is the site that our own topics name
    (None on others' topics). `uplink` is what a network server's envelope held, even if its payload is
    rejected.
    """

    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: str | None = None
    uplink: Uplink | None = None
    site: str | None = None


def decode(
    topic: str, payload: bytes, *, received_at: datetime, directory: Directory, retained: bool = False
) -> Decoded:
    """What the ingestor makes of one message; never raises.

    `received_at` is the arrival time (UTC). `retained` is the flag of the MQTT message: the broker's replay
    of an old message, whose arrival time says nothing, is ignored.
    """
    raise NotImplementedError
