"""What adapters give: uplinks and notices from envelopes, readings from payloads, messages to pass over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from parking.errors import Rejection
from parking.model import EventKind, Occupancy


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One LoRaWAN uplink out of any network server's envelope.

    `device` is the lower-case EUI, or the server's device id where there is none. `session` names the
    LoRaWAN session in which `fcnt` counts (None: this server does not tell the counter). `received_at` is
    the network's time, or why what stands there is none; `received_text` or `received_ms` is it as the
    message wrote it. `cmd` and `late` are LORIOT's and ThingPark's own marks. (A struct, as `Reading`, since
    one is made for each message: it costs an eighth of a frozen dataclass.)
    """

    device: str
    payload: bytes
    dev_eui: str | None = None
    device_id: str | None = None
    fport: int | None = None
    fcnt: int | None = 0
    received_at: datetime | Rejection | None = None
    received_text: str | None = None
    received_ms: int | None = None
    n_gateways: int = 0
    session: str = ""
    dedup_id: str | None = None
    battery_pct: float | None = None
    cmd: str | None = None
    late: int | None = None


class NoticeKind(StrEnum):
    """What a network server tells of a device besides its uplinks."""

    JOIN = "join"
    STATUS = "status"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One such word of a network server.

    `session` is the session that a join begins; `text` what went wrong (`level` says how badly).
    `margin_db` is how far the device's last downlink was above the limit of reception.
    """

    kind: NoticeKind
    device: str
    at: datetime | None = None
    session: int | None = None
    level: str | None = None
    code: str | None = None
    text: str | None = None
    battery_pct: float | None = None
    external_power: bool = False
    margin_db: int | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says of one bay, before anyone knows whose it is and when it came.

    `fault` says that the detector does not work; `health` is what else the device says of itself, in words.
    `heartbeat_s` is the interval that it says it is set to. `session` and `seq` are set only by payloads
    that count for themselves; LoRaWAN counts for the others.
    """

    state: Occupancy | None
    kind: EventKind = EventKind.CHANGE
    fault: bool = False
    age_s: int = 0
    previous_s: int | None = None
    battery_v: float | None = None
    battery_low: bool | None = None
    temperature_c: float | None = None
    firmware: str | None = None
    reset_cause: str | None = None
    heartbeat_s: int | None = None
    health: str | None = None
    session: int | None = None
    seq: int | None = None


Codec = Callable[[bytes, int | None], tuple[Reading, ...]]
"""(payload, fport) to the readings in it, in their order; raises `Rejection` and nothing else."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A well-formed message that is none of our business, and why."""

    reason: str
