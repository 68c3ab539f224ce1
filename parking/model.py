"""What the parts tell each other: observations from devices, events, stays and snapshots.

All times are timezone-aware `datetime` in UTC. Nothing here does I/O.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Occupancy(StrEnum):
    """Three-state truth about a bay."""

    VACANT = "vacant"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


class EventKind(StrEnum):
    """How we came to know of a bay event."""

    CHANGE = "change"
    HEARTBEAT = "heartbeat"
    BOOT = "boot"
    INFERRED = "inferred"
    """No message told of it: the next one's sequence and previous duration did."""
    UNWATCHED = "unwatched"
    """The registry told of it: the device left the bay, so that nothing is known of it from then on."""


class Direction(StrEnum):
    """Which way a vehicle passes a gate."""

    IN = "in"
    OUT = "out"


class Motion(StrEnum):
    """Which way a vehicle moves as a camera sees it; what that means for a gate, the gate's options say."""

    APPROACHING = "approaching"
    RECEDING = "receding"


class Counting(StrEnum):
    """How a site's occupancy is known: a sensor in each bay, or cameras at the gates."""

    BAYS = "bays"
    GATES = "gates"


class SiteStatus(StrEnum):
    """Whether motorists may use a site at all."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BayObservation:
    """What one message says of one bay.

    `state` is None where the message says nothing of occupancy (a battery report, say). `seen_at` is
    when the device was heard; `event_at` is when the state began, `age_s` seconds before. `session` and
    `seq` (with `part` for several in one message) identify the event: a copy of it carries the same.
    `fault` says that the detector itself does not work. `health` is what else the device says of itself, in
    words; `heartbeat_s` is the interval that it says it is set to; `margin_db` how well it is heard.
    """

    device: str
    state: Occupancy | None
    event_at: datetime
    seen_at: datetime
    seq: int
    session: int = 0
    part: int = 0
    age_s: int = 0
    previous_s: int | None = None
    kind: EventKind = EventKind.CHANGE
    fault: bool = False
    battery_v: float | None = None
    temperature_c: float | None = None
    firmware: str | None = None
    reset_cause: str | None = None
    battery_pct: float | None = None
    battery_low: bool | None = None
    margin_db: int | None = None
    heartbeat_s: int | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRead:
    """One plate read by one camera. `plate` lives in memory only: it is never stored or logged.

    `plate` is None where the camera saw a vehicle and could not read it: it counts all the same. `event_id`
    is the vendor's id of the vehicle's passage; copies and improved reads share it. `direction` is what the
    camera says, if it says so plainly; a gate's direction is the registry's.
    """

    camera: str
    event_at: datetime
    event_id: str
    plate: str | None
    direction: Direction | None = None
    motion: Motion | None = None
    confidence: float | None = None

    def __repr__(self) -> str:
        return f"PlateRead(camera={self.camera!r}, event_at={self.event_at.isoformat()}, plate=<hidden>)"


Observation = BayObservation | PlateRead


@dataclass(frozen=True, slots=True, kw_only=True)
class BayEvent:
    """A bay's state from a moment on, as one device reported it. Identity: (device, session, seq, part)."""

    device: str
    session: int
    seq: int
    part: int
    event_at: datetime
    age_s: int
    state: Occupancy
    kind: EventKind
    received_at: datetime
    previous_s: int | None = None
    fault: bool = False

    @property
    def identity(self) -> tuple[str, int, int, int]:
        """What makes two copies the same event."""
        return (self.device, self.session, self.seq, self.part)

    @property
    def rank(self) -> tuple[bool, int, datetime]:
        """Which copy of an event to believe about its time: the one sent soonest after it (the lowest)."""
        return (self.kind is EventKind.INFERRED, self.age_s, self.event_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One vehicle's time in one bay, `ended_at` None while it is there.

    `start_seen` / `end_seen` are False where the arrival or departure was not observed: the bay was
    unknown just before or just after.
    """

    started_at: datetime
    ended_at: datetime | None
    start_seen: bool
    end_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The one published number of a site. The same revision always means the same number."""

    site_id: str
    revision: int
    status: SiteStatus
    capacity: int
    vacant: int
    occupied: int
    unknown: int
    free_min: int
    free_max: int
    as_of: datetime
