"""The seam between the ingestor and whatever brings it messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from parking.columns import moment

SUBSCRIPTIONS = (
    "parking/#",
    "v3/+/devices/+/up",
    "application/+/device/+/event/up",
    "frigate/events",
    "frigate/tracked_object_update",
    "anpr2mqtt/+/+/state",
    "axis/+/event/+/CameraApplicationPlatform/+",
)
"""Topic filters of DESIGN section 3, and of cameras that choose their own. Ours is taken whole, so that a
mistyped topic is seen."""


class Message(NamedTuple):
    """One message as it arrived. `received_us` is when the broker got it, as well as that is known, in
    microseconds since 1970.

    `generation` and `mid` are the acknowledgement token: the connection it came by and its number there.
    """

    topic: str
    payload: bytes
    received_us: int
    retained: bool
    generation: int
    mid: int

    @property
    def received_at(self) -> datetime:
        """When the broker got it, UTC."""
        return moment(self.received_us)


class Source(Protocol):
    """Yields messages that stay the broker's until they are acknowledged.

    A source holds no more messages than the broker may have unacknowledged. It reconnects by itself; what
    was not acknowledged then comes again.
    """

    @property
    def connected(self) -> bool:
        """Whether messages can arrive now."""
        ...

    @property
    def generation(self) -> int:
        """Counts connections; changes when one is made."""
        ...

    @property
    def waiting(self) -> int:
        """Messages that have arrived and were not yet taken."""
        ...

    async def run(self) -> None:
        """Connect, and reconnect for as long as the task lives."""
        ...

    async def take(self, *, most: int, wait_s: float) -> list[Message]:
        """Wait for a message, then up to `wait_s` seconds for others; at most `most`, in order of arrival."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are dealt with. Those of an earlier connection are forgotten."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a message to the broker at QoS 1; False if there is no connection."""
        ...
