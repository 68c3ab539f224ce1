"""The passages of the last minutes, growing read by read: the only place that holds plates, in memory alone.

Theory of operation. Similar plates can be told only from the plates themselves, and a plate is never
stored. So each lane keeps the reads of its last minutes: with their folded plates for `PLATE_HELD`, with
ids and tokens for `ID_HELD`. A read joins every passage that it is linked to (`parking.passages`), and may
join two of them. So the passages are those of the whole set of reads, whatever their order and copies, as
long as no read comes more than `PLATE_HELD - SAME_PLATE` after a newer one of its lane (`ID_HELD - SAME_ID`
where only the id links). After a restart only ids and tokens that were stored can link; a misread whose
first read came before the restart is then a second vehicle, unless the vendor's id is the same.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from parking.passages import SAME_PLATE, Passage, Read, alone, linked, merge

PLATE_HELD: Final = timedelta(seconds=60)
ID_HELD: Final = timedelta(minutes=10)
MAX_HELD: Final = 300
"""Reads of one camera that are held; beyond that the oldest are forgotten and can no longer link."""


@dataclass(frozen=True, slots=True)
class Told:
    """The passage of a read as it now stands, and the keys of passages that it takes the place of.

    `alike` are the keys of the other reads that are linked to it: for those who store reads.
    """

    passage: Passage
    replaced: tuple[tuple[datetime, str], ...] = ()
    alike: tuple[tuple[datetime, str], ...] = ()


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

    def see(self, read: Read, *, within: timedelta = SAME_PLATE) -> Told:
        """Take a read; its passage as it now stands, and which of those told before it takes the place of.

        `within` is the lane's own: for so long alike plates are one vehicle; at most `PLATE_HELD`.
        """
        newest = max(read.at, self._newest.get(read.camera, read.at))
        self._newest[read.camera] = newest
        self._forget(read.camera, newest)
        held = self._held[read.camera]
        mine = [one for one in held if any(linked(other, read, within=within) for other in one.reads)]
        alike = {
            (other.at, other.event_id)
            for one in mine
            for other in one.reads
            if linked(other, read, within=within)
        } - {(read.at, read.event_id)}
        passage = alone(read)
        for one in mine:
            passage = merge(passage, one.passage)
            held.remove(one)
        reads = {_without_plate(read, newest)}.union(*(one.reads for one in mine))
        held.append(_Held(passage, reads))
        replaced = {one.passage.key for one in mine} - {passage.key}
        return Told(passage, tuple(sorted(replaced)), tuple(sorted(alike)))

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
