"""The seam between the ingestor and whatever brings it messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from parking.columns import moment

WHOLE_PREFIX = ("parking/#",)
"""Our own prefix is taken whole, so that a mistyped topic is seen."""
OWN_UPLINKS = ("parking/v1/+/bay/+/up", "parking/v1/+/gateway/+/up", "parking/v1/+/anpr/+/read")
"""Only by MQTT 3.1.1, which cannot leave out what we publish ourselves, nor the replay of what is retained.

nats-server, given both, keeps back as many of the messages that waited as it replayed retained ones.
"""
OTHERS = (
    "v3/+/devices/+/up",
    "v3/+/devices/+/join",
    "v3/+/devices/+/down/failed",
    "application/+/device/+/event/+",
    "lorawan/+/+/up",
    "helium/+/rx",
    "frigate/events",
    "frigate/tracked_object_update",
    "anpr2mqtt/+/+/state",
    "axis/+/event/+/CameraApplicationPlatform/+",
)
"""What network servers (docs/sensors.md) and cameras (docs/cameras.md) publish on topics of their own.

`make demo` has room for 13 filters in all (docs/decisions/002), and has 13.
"""


class Message(NamedTuple):
    """One message as it arrived. `received_us` is when the broker got it, as well as that is known, in
    microseconds since 1970.

    `generation` and `mid` are the acknowledgement token: the connection it came by and its number in the
    session, which it keeps when it is delivered `again`.
    """

    topic: str
    payload: bytes
    received_us: int
    retained: bool
    generation: int
    mid: int
    again: bool = False

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

    @property
    def unacknowledged(self) -> int:
        """Messages of the present connection that were not yet acknowledged, waiting ones included."""
        ...

    @property
    def full(self) -> bool:
        """Whether the broker may not send more before we acknowledge: it may have more for us."""
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
