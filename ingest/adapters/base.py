"""What adapters give: uplinks from envelopes, readings from payloads, and messages to pass over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from parking.model import EventKind, Occupancy


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """One LoRaWAN uplink out of any network server's envelope.

    `device` is the lower-case EUI, or the server's device id where there is none. `session` names the
    LoRaWAN session in which `fcnt` counts; `received_text` is `received_at` as the message wrote it.
    """

    device: str
    payload: bytes
    dev_eui: str | None = None
    device_id: str | None = None
    fport: int | None = None
    fcnt: int = 0
    received_at: datetime | None = None
    received_text: str | None = None
    n_gateways: int = 0
    session: str = ""
    dedup_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a payload says of one bay, before anyone knows whose it is and when it came.

    `session` and `seq` are set only by payloads that count for themselves; LoRaWAN counts for the others.
    """

    state: Occupancy | None
    kind: EventKind = EventKind.CHANGE
    fault: bool = False
    age_s: int = 0
    previous_s: int | None = None
    battery_v: float | None = None
    temperature_c: float | None = None
    firmware: str | None = None
    reset_cause: str | None = None
    session: int | None = None
    seq: int | None = None


Codec = Callable[[bytes, int | None], tuple[Reading, ...]]
"""(payload, fport) to the readings in it, in their order; raises `Rejection` and nothing else."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A well-formed message that is none of our business, and why."""

    reason: str
