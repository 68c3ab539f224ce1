"""From reads to vehicles: what a camera reads again, or reads better, is the same passage.

Theory of operation. Two reads of one camera are *linked* if they carry the vendor's same id within `SAME_ID`,
or if they come within `SAME_PLATE` of each other and their plates are alike: equal tokens, or folded plates
that differ by a few characters, or one a part of the other. A passage is a set of reads that hang together by
links; its time is that of its earliest read, its token that of its best. Which reads hang together depends on
the set of reads alone, so `passages` gives the same for any order and any number of copies.

`Lanes` does the same read by read. It needs the plates for that, and a plate is never stored: they stay in
its memory, for `PLATE_HELD` at most. So its passages are those of the whole set as long as no read comes more
than `PLATE_HELD - SAME_PLATE` after a newer one of its camera (`ID_HELD - SAME_ID` where only the id links).
After a restart only ids and tokens that were stored can link; a misread whose first read came before the
restart is then a second vehicle, unless the vendor's id is the same.

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
PLATE_HELD: Final = timedelta(seconds=60)
ID_HELD: Final = timedelta(minutes=10)
MAX_HELD: Final = 300
"""Reads of one camera that are held; beyond that the oldest are forgotten and can no longer link."""

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


@dataclass(frozen=True, slots=True)
class Told:
    """The passage of a read as it now stands, and the keys of passages that it takes the place of."""

    passage: Passage
    replaced: tuple[tuple[datetime, str], ...] = ()


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


def linked(one: Read, other: Read) -> bool:
    """Whether two reads of one camera are certainly of one vehicle."""
    apart = abs(one.at - other.at)
    if one.event_id == other.event_id:
        return apart <= SAME_ID
    if apart > SAME_PLATE:
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
        merged[root] = merge(merged[root], _alone(read)) if root in merged else _alone(read)
    yield from merged.values()


def _root(group: list[int], at: int) -> int:
    while group[at] != at:
        group[at] = at = group[group[at]]
    return at


def _alone(read: Read) -> Passage:
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


class _Held:
    """A passage that may still grow, and those of its reads that others may link to."""

    __slots__ = ("passage", "reads")

    def __init__(self, passage: Passage, reads: set[Read]) -> None:
        self.passage = passage
        self.reads = reads

    def newest(self) -> datetime:
        return max(read.at for read in self.reads)


class Lanes:
    """The passages of the last minutes at all cameras, growing read by read; here alone plates are held."""

    def __init__(self) -> None:
        self._held: dict[str, list[_Held]] = defaultdict(list)
        self._newest: dict[str, datetime] = {}

    def see(self, read: Read) -> Told:
        """Take a read; its passage as it now stands, and which of those told before it takes the place of."""
        newest = max(read.at, self._newest.get(read.camera, read.at))
        self._newest[read.camera] = newest
        self._forget(read.camera, newest)
        held = self._held[read.camera]
        mine = [one for one in held if any(linked(other, read) for other in one.reads)]
        passage = _alone(read)
        for one in mine:
            passage = merge(passage, one.passage)
            held.remove(one)
        reads = {_without_plate(read, newest)}.union(*(one.reads for one in mine))
        held.append(_Held(passage, reads))
        replaced = {one.passage.key for one in mine} - {passage.key}
        return Told(passage, tuple(sorted(replaced)))

    def remember(self, stored: Iterable[Passage]) -> None:
        """Take up passages from before a restart: by their ids and tokens, for no plate was stored."""
        for passage in stored:
            read = Read(camera=passage.camera, at=passage.at, event_id=passage.event_id, token=passage.token)
            self._held[passage.camera].append(_Held(passage, {read}))
            self._newest[passage.camera] = max(passage.at, self._newest.get(passage.camera, passage.at))

    def forget(self, now: datetime) -> None:
        """Drop what is too old to be linked to; to be called every few seconds, for lanes that are quiet."""
        for camera in list(self._held):
            self._forget(camera, now)
            if not self._held[camera]:
                del self._held[camera], self._newest[camera]

    @property
    def plates(self) -> int:
        """How many plates are in memory now."""
        return sum(
            read.folded is not None for held in self._held.values() for one in held for read in one.reads
        )

    def _forget(self, camera: str, now: datetime) -> None:
        kept = []
        room = MAX_HELD
        for one in sorted(self._held[camera], key=_Held.newest, reverse=True):
            reads = {_without_plate(read, now) for read in one.reads if now - read.at <= ID_HELD}
            if reads and room > 0:
                kept.append(_Held(one.passage, reads))
                room -= len(reads)
        self._held[camera] = kept


def _without_plate(read: Read, now: datetime) -> Read:
    return replace(read, folded=None) if read.folded and now - read.at > PLATE_HELD else read
