"""What the ingestor hands to the database: one batch, already decoded and looked up in the registry."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from parking.columns import Observations
from parking.db.connect import Connection, statement
from parking.model import BayObservation, Direction, Snapshot
from parking.passages import SAME_PLATE
from parking.replay import Seal

Refuse = Callable[[str, str], "RejectedRecord"]
"""Makes the record of a message that is refused after all: of its code and detail."""


@dataclass(frozen=True, slots=True)
class BayRecord:
    """An observation of a registered bay, and when its message arrived; its seal if it came in one."""

    bay: str
    site: str
    observation: BayObservation
    received_at: datetime
    seal: Seal | None = None
    refuse: Refuse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """One read at a registered gate, or the passage of its vehicle.

    `token` is the keyed hash of the plate, never the plate; `former` are those that it would have had on the
    days before, 32 bytes each. `alike` are the (time, id) of reads of this camera whose plates are alike and
    that came within `repeat`: of the same vehicle.
    """

    camera: str
    site: str
    event_at: datetime
    event_id: str
    direction: Direction
    confidence: float | None
    token: bytes | None = field(repr=False)
    received_at: datetime
    former: bytes | None = field(default=None, repr=False)
    alike: tuple[tuple[datetime, str], ...] = ()
    repeat: timedelta = SAME_PLATE

    @property
    def key(self) -> tuple[datetime, str]:
        """Names it among the passages of its camera."""
        return (self.event_at, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """A message that could not be used. `payload` is None where it might hold a plate.

    `packet_id` is its number in the session at the broker (0 without any), which it keeps when it is
    `delivered_again`.
    """

    received_at: datetime
    topic: str
    code: str
    detail: str
    size: int
    payload: bytes | None
    packet_id: int = 0
    delivered_again: bool = False


@dataclass(frozen=True, slots=True)
class SealedFrames:
    """Observations out of sealed frames, which are stored only where their counter is new; row by row."""

    frames: Observations
    seals: list[Seal]
    refuse: list[Refuse]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction stores. `frames` are observations that are columns already, of `table`'s slots."""

    bays: list[BayRecord] = field(default_factory=list)
    frames: list[Observations] = field(default_factory=list)
    sealed: list[SealedFrames] = field(default_factory=list)
    gates: list[GateRecord] = field(default_factory=list)
    rejections: list[RejectedRecord] = field(default_factory=list)

    @property
    def observations(self) -> int:
        """How many there are of bays and gates."""
        sealed = sum(len(part.frames) for part in self.sealed)
        return sum(map(len, self.frames)) + sealed + len(self.bays) + len(self.gates)


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction did: the snapshots it published and how many records were new to the database.

    `sealed` counts the sealed frames that were new, `rejected` by code what was put on record as such.
    """

    snapshots: list[Snapshot]
    new_events: int
    duplicates: int
    new_passages: int
    sealed: int
    rejected: Counter[str]


def columns(names: str, rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as one list for each column, for `unnest`. `names` are separated by spaces."""
    keys = names.split()
    lists: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(keys, lists or [[] for _ in keys], strict=True))


async def copy_rows(
    connection: Connection, file: str, name: str, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY rows in binary by the named statement."""
    async with connection.cursor() as cursor, cursor.copy(statement(file, name)) as copy:
        copy.set_types(types)
        for row in rows:
            await copy.write_row(row)
