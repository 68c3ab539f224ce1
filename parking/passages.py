"""From reads to vehicles: what a camera reads again, or reads better, is the same passage.

Theory of operation. Two reads of one camera are *linked* if they carry the vendor's same id within `SAME_ID`,
or if they come within `SAME_PLATE` of each other and their plates are alike: equal tokens, or folded plates
that differ by a few characters, or one a part of the other. A passage is a set of reads that hang together by
links; its time is that of its earliest read, its token that of its best. Which reads hang together depends on
the set of reads alone, so `passages` gives the same for any order and any number of copies.

`parking.lanes` does the same read by read, and is the only place that holds plates for it.

Two vehicles whose plates are alike and that follow each other within `SAME_PLATE` are taken for one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from parking.model import Direction, Motion, PlateRead
from parking.plates import fold

SAME_ID: Final = timedelta(minutes=5)
"""A vendor's id is not used for another vehicle within this time; some count anew after a restart."""
SAME_PLATE: Final = timedelta(seconds=10)

_LONG: Final = 6
"""Characters from which on two may differ; below that one, and below `_SHORT` none."""
_SHORT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A gate's options: which way its vehicles go. `direction` None: both ways, told by their motion.

    `approaching` is then the direction of a vehicle that comes towards the camera.
    """

    direction: Direction | None
    approaching: Direction = Direction.IN

    def way(self, motion: Motion | None) -> Direction | None:
        """The direction of a vehicle; None if the lane is used both ways and the camera does not say."""
        if self.direction is not None or motion is None:
            return self.direction
        if motion is Motion.APPROACHING:
            return self.approaching
        return Direction.OUT if self.approaching is Direction.IN else Direction.IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read of one camera. `folded` lives in memory only; `token` stands for it wherever it is stored."""

    camera: str
    at: datetime
    event_id: str
    folded: str | None = field(default=None, repr=False)
    token: bytes | None = field(default=None, repr=False)
    confidence: float | None = None
    motion: Motion | None = None

    @classmethod
    def of(cls, read: PlateRead, token: bytes | None) -> "Read":
        """A camera's read with the token of its plate."""
        return cls(
            camera=read.camera,
            at=read.event_at,
            event_id=read.event_id,
            folded=fold(read.plate) if read.plate else None,
            token=token,
            confidence=read.confidence,
            motion=read.motion,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One vehicle at one camera: when it was first read and under which id, and its best read's token."""

    camera: str
    at: datetime
    event_id: str
    token: bytes | None = field(repr=False)
    confidence: float | None
    motion: Motion | None
    moved_at: datetime | None
    """When `motion` was told: the latest word counts, since cameras learn it as the vehicle moves."""

    @property
    def key(self) -> tuple[datetime, str]:
        """Names the passage among those of its camera."""
        return (self.at, self.event_id)


def alike(one: str, other: str) -> bool:
    """Whether two folded plates may be two reads of one vehicle."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _SHORT:
        return False
    if shorter in longer:
        return True
    return _distance(shorter, longer, most=2 if len(shorter) >= _LONG else 1)


def _distance(one: str, other: str, *, most: int) -> bool:
    """Whether at most so many characters have to be put in, left out or changed."""
    if len(other) - len(one) > most:
        return False
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        above, row[0] = row[0], number
        for at, other_character in enumerate(other, 1):
            above, row[at] = (
                row[at],
                min(row[at] + 1, row[at - 1] + 1, above + (character != other_character)),
            )
        if min(row) > most:
            return False
    return row[-1] <= most


def linked(one: Read, other: Read, *, within: timedelta = SAME_PLATE) -> bool:
    """Whether two reads of one camera are certainly of one vehicle; alike plates are `within` this time."""
    apart = abs(one.at - other.at)
    if one.event_id == other.event_id:
        return apart <= SAME_ID
    if apart > within:
        return False
    if one.token is not None and one.token == other.token:
        return True
    return bool(one.folded and other.folded) and alike(one.folded or "", other.folded or "")


def passages(reads: Iterable[Read]) -> tuple[Passage, ...]:
    """The vehicles behind a set of reads, by camera and time, whatever the order and copies of the reads."""
    cameras: dict[str, list[Read]] = defaultdict(list)
    for read in set(reads):
        cameras[read.camera].append(read)
    found = [passage for camera in sorted(cameras) for passage in _of_camera(cameras[camera])]
    return tuple(found)


def _of_camera(reads: list[Read]) -> Iterator[Passage]:
    reads.sort(key=lambda read: (read.at, read.event_id))
    group = list(range(len(reads)))
    latest: dict[str, int] = {}
    first = 0
    for at, read in enumerate(reads):
        while read.at - reads[first].at > SAME_PLATE:
            first += 1
        # Of the reads with the same id the latest is enough: it is linked to those before it.
        near = range(first, at)
        same = latest.get(read.event_id, at)
        latest[read.event_id] = at
        for earlier in near if same in near or same == at else (same, *near):
            if linked(reads[earlier], read):
                low, high = sorted((_root(group, earlier), _root(group, at)))
                group[high] = low
    merged: dict[int, Passage] = {}
    for at, read in enumerate(reads):
        root = _root(group, at)
        merged[root] = merge(merged[root], alone(read)) if root in merged else alone(read)
    yield from merged.values()


def _root(group: list[int], at: int) -> int:
    while group[at] != at:
        group[at] = at = group[group[at]]
    return at


def alone(read: Read) -> Passage:
    """The passage of a read that nothing is linked to."""
    return Passage(
        camera=read.camera,
        at=read.at,
        event_id=read.event_id,
        token=read.token,
        confidence=read.confidence,
        motion=read.motion,
        moved_at=read.at if read.motion else None,
    )


def merge(one: Passage, other: Passage) -> Passage:
    """One passage of two, the same in any order of many: earliest time, best token, latest motion."""
    first = min(one, other, key=lambda passage: passage.key)
    best = min(one, other, key=_rank)
    moved = max(one, other, key=_moved)
    return replace(
        first,
        token=best.token,
        confidence=best.confidence,
        motion=moved.motion,
        moved_at=moved.moved_at,
    )


def _rank(passage: Passage) -> tuple[bool, float, bool, bytes]:
    """The lowest is the best read: with a plate at all, confident; then any rule that is always the same."""
    confidence = passage.confidence
    return (passage.token is None, -(confidence or 0.0), confidence is None, passage.token or b"")


def _moved(passage: Passage) -> tuple[bool, float, str]:
    when = passage.moved_at
    return (when is not None, when.timestamp() if when else 0.0, passage.motion or "")
