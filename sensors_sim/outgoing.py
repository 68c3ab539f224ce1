"""One message on its way to the broker, with what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sensors_sim.ledger import Identity, Lost

Body = bytes | Callable[[float], bytes]
"""Bytes, or how to make them at the moment of sending (wall seconds from the start): ages are of then."""


@dataclass(frozen=True, slots=True)
class Told:
    """A bay's state as a message tells it; `order` grows with each word of the bay's sensor."""

    bay: int
    order: float
    occupied: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A passage of which a message holds a plate."""

    passage: int
    site: int
    entering: bool
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message. `sender` keeps its messages in order; `expires` is for those whose times are relative."""

    number: int
    topic: str
    sender: str
    body: Body
    events: tuple[Identity, ...] = ()
    told: tuple[Told, ...] = ()
    read: Read | None = None
    faults: tuple[str, ...] = ()
    copy: int = 0
    expires: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What tells this message from all others of the run."""
        return (self.number, self.copy)

    def render(self, now: float) -> bytes:
        """The payload as it is sent at `now`."""
        return self.body if isinstance(self.body, bytes) else self.body(now)

    def frozen(self, now: float, *, faults: tuple[str, ...], copy: int = 0) -> "Outgoing":
        """The message as it left its sender at `now`, whatever happens to it on the way."""
        return replace(self, body=self.render(now), faults=faults, copy=copy)

    def lost_record(self, at: datetime, *, unsent: bool = False) -> Lost:
        """The ledger's record if it does not reach the broker."""
        return Lost(
            at=at,
            number=self.number,
            copy=self.copy,
            topic=self.topic,
            events=self.events,
            read=self.read.event_id if self.read else None,
            unsent=unsent,
        )
