"""The ground-truth ledger: what happened in the city, what was sent, and what the broker acknowledged.

JSON lines; each has a `type`. Times are RFC 3339 in UTC, with microseconds where they have any.

`start`    seed and options of the run, its boot id, how many bays, vehicles inside each gated site at the
           start.
`event`    a state of a bay as its device told it. `at` is the event's time as the wire tells it (for LoRaWAN
           the network's time of reception, else when the state began), `began` when the state began for the
           device; `kind` is change, boot or heartbeat. (`device`, `session`, `seq`, `part`) is the event's
           identity: for parking-v1 `session` is the boot id and `seq` the transition sequence, whose
           heartbeats repeat it and are no event of their own; for LoRaWAN `session` stands for The Things
           Stack's `session_key_id` or ChirpStack's `devAddr`, `seq` is the frame counter, `part` stands for
           port, payload and minute (`parking.identity`), and each uplink, heartbeats too, is an event.
`truth`    a change of a bay whose device is stuck, flapping or silent at some time of the run: what really
           was.
`fault`    a device that is `stuck`, `flapping` or `silent` from `at` on.
`gate`     a vehicle through a gate; `event_id` is Frigate's, `vehicle` a number that entry and exit share
           (its plate is `sensors_sim.plates.plate_of(seed, vehicle)` and never in here). `faults`: missed,
           double, misread.
`message`  one acknowledgement (PUBACK) of the broker: the message's `number`, `copy` (1: a duplicate that was
           asked for), `topic`, `sha256` of its payload, the identities of the `events` in it, Frigate's id if
           it holds a plate (`read`), and `faults` applied: late, duplicate.
`lost`     a message that was sent and never reached the broker, as asked for by the rate of losses; or
           `unsent`, where the broker could not be reached before the end.
`final`    `bays`: the state of each bay as far as acknowledged messages tell it, `truth`: as it is; `sites`:
           counts from `bays`, for gated sites from the passages in acknowledged messages; `gates`: passages
           that happened (`entered`, `left`, `inside`) and those that were told (`told_entered`, ...);
           `silent`: bays whose device died, which a system must come to call unknown.
`end`      the last line: why the run ended, and totals.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec


class Identity(NamedTuple):
    """What makes two copies the same event."""

    device: str
    session: int
    seq: int
    part: int = 0


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    at: datetime


class Start(_Line, frozen=True, kw_only=True):
    """The first line."""

    seed: int
    boot: int
    bays: int
    inside: dict[str, int]
    options: dict[str, Any]


class Event(_Line, frozen=True, kw_only=True):
    """A bay's state as its device told it."""

    site: str
    bay: str
    device: str
    session: int
    seq: int
    part: int = 0
    state: str
    kind: str
    began: datetime

    @property
    def identity(self) -> Identity:
        """What makes two copies the same event."""
        return Identity(self.device, self.session, self.seq, self.part)


class Truth(_Line, frozen=True, kw_only=True):
    """A bay's true state, where its device does not tell it faithfully."""

    site: str
    bay: str
    state: str


class Fault(_Line, frozen=True, kw_only=True):
    """A device that is faulty from `at` on."""

    device: str
    bay: str
    fault: str


class Gate(_Line, frozen=True, kw_only=True):
    """A vehicle through a gate."""

    site: str
    camera: str
    direction: str
    event_id: str
    vehicle: int
    faults: tuple[str, ...] = ()


class Message(_Line, frozen=True, kw_only=True):
    """A message that the broker acknowledged."""

    number: int
    copy: int
    topic: str
    qos: int = 1
    acked: bool = True
    sha256: str
    size: int
    events: tuple[Identity, ...] = ()
    read: str | None = None
    faults: tuple[str, ...] = ()


class Lost(_Line, frozen=True, kw_only=True):
    """A message that did not reach the broker."""

    number: int
    copy: int
    topic: str
    events: tuple[Identity, ...] = ()
    read: str | None = None
    unsent: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """A site's spaces by state."""

    vacant: int
    occupied: int
    unknown: int = 0


class GateCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Passages of a gated site: what happened, and what acknowledged messages told."""

    entered: int
    left: int
    inside: int
    told_entered: int
    told_left: int
    told_inside: int


class Final(_Line, frozen=True, kw_only=True):
    """How everything stands at the end."""

    bays: dict[str, str]
    truth: dict[str, str]
    sites: dict[str, Counts]
    gates: dict[str, GateCounts]
    silent: tuple[str, ...] = ()


class End(_Line, frozen=True, kw_only=True):
    """The last line."""

    reason: str
    acknowledged: int
    lost: int
    unsent: int


Record = Start | Event | Truth | Fault | Gate | Message | Lost | Final | End
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Journal(Protocol):
    """Whoever takes the ledger's records."""

    def write(self, record: Record) -> None:
        """Take one record."""


class NoLedger:
    """Takes records and keeps none."""

    def write(self, record: Record) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class LedgerFile:
    """Writes the ledger; a line is whole or not there once flushed."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=1 << 18)

    def write(self, record: Record) -> None:
        """Append one line."""
        self._file.write(_ENCODER.encode(record) + b"\n")

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


@dataclass(slots=True)
class Ledger:
    """A ledger that was read: its records by type, in their order. A cut-off one has no `final` and `end`."""

    start: Start
    events: list[Event] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    final: Final | None = None
    end: End | None = None

    def acknowledged(self) -> set[Identity]:
        """The identities of all events in messages that the broker acknowledged."""
        return {identity for message in self.messages for identity in message.events}

    def told_events(self) -> Iterator[Event]:
        """The events that the broker acknowledged in some message: what must be stored, each once."""
        acknowledged = self.acknowledged()
        return (event for event in self.events if event.identity in acknowledged)

    def replay(self) -> dict[str, str]:
        """The last acknowledged state of each bay that has any: a bay's events are here in their order."""
        return {event.bay: event.state for event in self.told_events()}


def collect(records: Iterator[Record]) -> Ledger:
    """Sort records into a Ledger; raises ValueError if the first is no `start`."""
    first = next(records, None)
    if not isinstance(first, Start):
        raise ValueError("a ledger begins with a start record")
    ledger = Ledger(first)
    lists: dict[type[Any], list[Any]] = {
        Event: ledger.events,
        Truth: ledger.truths,
        Fault: ledger.faults,
        Gate: ledger.gates,
        Message: ledger.messages,
        Lost: ledger.lost,
    }
    for record in records:
        if isinstance(record, Final):
            ledger.final = record
        elif isinstance(record, End):
            ledger.end = record
        else:
            lists[type(record)].append(record)
    return ledger


def load_ledger(path: Path) -> Ledger:
    """Read a ledger file. A last line that was cut off by a kill is left out."""
    return collect(_records(path))


def _records(path: Path) -> Iterator[Record]:
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield _DECODER.decode(line)


def utc(unix_s: float) -> datetime:
    """Unix seconds as a time in UTC, to the microsecond."""
    return datetime.fromtimestamp(unix_s, UTC)
