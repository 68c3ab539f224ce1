"""A message as it came, and what was made of it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

from ingest.adapters.base import Notice, Uplink
from ingest.authentic import Verifier
from parking.clock import CameraClock
from parking.errors import Rejection
from parking.model import Observation
from parking.replay import Seal

MAX_JSON_PAYLOAD: Final = 256 * 1024
"""Most bytes of a network server's message; a busy one's come near a quarter of it."""


NO_SEALS: Final[Mapping[int, Seal]] = MappingProxyType({})


class Directory(Protocol):
    """What decoding needs to know of the registry."""

    def codec(self, device: str) -> str | None:
        """The codec name of a device, None if the registry does not have it."""
        ...


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says. A bundle may give both observations and rejections.

    `ignored` is why a well-formed message says nothing for us. `site` is the site that our own topics name
    (None on others' topics). `uplink` is what a network server's envelope held, even if its payload is
    rejected, `notice` what the server told of a device besides. `seals` are those of the observations that
    came sealed, by their place. (A struct, since one is made for each message: it costs an eighth of a
    frozen dataclass.)
    """

    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: str | None = None
    uplink: Uplink | None = None
    notice: Notice | None = None
    site: str | None = None
    seals: Mapping[int, Seal] = NO_SEALS


class Message(NamedTuple):
    """One message as it came."""

    topic: str
    payload: bytes
    received_at: datetime
    directory: Directory
    clocks: Mapping[str, CameraClock]
    verifier: Verifier

    @property
    def levels(self) -> list[str]:
        """The levels of the topic."""
        return self.topic.split("/")


def check_size(message: Message, most: int) -> None:
    """Refuse a payload of more bytes."""
    if len(message.payload) > most:
        raise Rejection("too_large", f"{len(message.payload)} bytes, at most {most}")


def unknown_topic() -> Rejection:
    """Nobody reads this topic."""
    return Rejection("unknown_topic", "no decoder reads this topic")
