"""Merges a batch of reads at gates: one passage for each vehicle, however often and well its plate was read.

Theory of operation. Each read of the last days is kept in `gate_read`. Reads of one camera are of one vehicle

- if they carry the vendor's same id within `SAME_ID`; or within `SAME_COPY`, with the same token: a copy of a
  message whose time is that of its arrival;
- if they have the same token within the lane's own window;
- if `parking.lanes` found their plates alike, which it tells with the later of them (`GateRecord.alike`).

What hangs together by this is one row of `gate_event`. That depends on the set of reads alone: a read that
links two passages makes them one, in whatever order the three came.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.records import GateRecord, columns, copy_rows
from parking.model import Direction
from parking.passages import SAME_ID

SAME_COPY = timedelta(days=1)
"""A copy of a message that has no time of its own may arrive so much later."""

_TYPES = ("text", "text", "timestamptz", "text", "text", "float8", "bytea", "bytea", "timestamptz")
_READ = (
    "camera_id site_id event_at event_id direction confidence token former_tokens received_at"
    " passage_at passage_id"
)
_Identity = tuple[str, datetime, str, bytes | None]


@dataclass(slots=True)
class _Read:
    """A read as it is known now; the passage that it is stored under, and as what, if it is."""

    record: GateRecord
    passage: tuple[datetime, str] | None = None
    was: GateRecord | None = None


async def store_passages(connection: Connection, records: Sequence[GateRecord]) -> tuple[int, dict[str, int]]:
    """Store what is new; how many passages that is, and the running counts that changed. Sites are locked."""
    if not records:
        return 0, {}
    reads = await _near(connection, records)
    for record in records:
        identity = _identity(record)
        known = reads.setdefault(identity, _Read(record))
        if known.record is not record:
            known.record = _same_read(known.record, record)
    gone: list[GateRecord] = []
    come: list[GateRecord] = []
    kept: list[tuple[Any, ...]] = []
    for group in _groups(list(reads.values())):
        passage = _merged([read.record for read in group])
        before = _before(group)
        kept += [
            (*_row(read.record), *passage.key)
            for read in group
            if read.passage != passage.key or read.was is None or _row(read.record) != _row(read.was)
        ]
        if before != [passage]:
            gone += before
            come.append(passage)
    if kept:
        await connection.execute(statement("write", "keep_reads"), columns(_READ, kept))
    if gone:
        keys = [(passage.camera, *passage.key) for passage in gone]
        await connection.execute(
            statement("write", "delete_passages"), columns("camera_id event_at event_id", keys)
        )
    if not come:
        return 0, {}
    await copy_rows(connection, "write", "copy_passages", _TYPES, map(_row, come))
    return len(come) - len(gone), await _count(connection, gone=gone, come=come)


def _identity(record: GateRecord) -> _Identity:
    return (record.camera, record.event_at, record.event_id, record.token)


def _same_read(one: GateRecord, other: GateRecord) -> GateRecord:
    """Of copies of a read: it stays where and how it was counted first."""
    return replace(
        one,
        confidence=max(
            (one.confidence, other.confidence), key=lambda score: -1.0 if score is None else score
        ),
        former=one.former or other.former,
        received_at=min(one.received_at, other.received_at),
        alike=tuple(sorted({*one.alike, *other.alike})),
        repeat=max(one.repeat, other.repeat),
    )


def _before(group: Sequence[_Read]) -> list[GateRecord]:
    """The passages that are stored of these reads."""
    stored: dict[tuple[datetime, str], list[GateRecord]] = defaultdict(list)
    for read in group:
        if read.passage is not None and read.was is not None:
            stored[read.passage].append(read.was)
    return [_merged(reads) for reads in stored.values()]


def _merged(reads: Sequence[GateRecord]) -> GateRecord:
    """The passage of these reads: the earliest time, and the plate of the most confident read."""
    first = min(reads, key=lambda read: (read.event_at, read.event_id, read.token or b""))
    best = min(reads, key=_rank)
    return replace(
        first,
        confidence=best.confidence,
        token=best.token,
        former=best.former,
        received_at=min(read.received_at for read in reads),
        alike=(),
        repeat=timedelta(),
    )


def _rank(read: GateRecord) -> tuple[bool, float, bool, bytes]:
    """The lowest is the best read: with a plate at all, confident; then any rule that is always the same."""
    return (read.token is None, -(read.confidence or 0.0), read.confidence is None, read.token or b"")


def _groups(reads: list[_Read]) -> Iterator[list[_Read]]:
    """The reads that hang together."""
    of = list(range(len(reads)))

    def root(at: int) -> int:
        while of[at] != at:
            of[at] = at = of[of[at]]
        return at

    for one, other in _links(reads):
        of[root(other)] = root(one)
    found: dict[int, list[_Read]] = defaultdict(list)
    for at, read in enumerate(reads):
        found[root(at)].append(read)
    yield from found.values()


def _links(reads: list[_Read]) -> Iterator[tuple[int, int]]:
    """Pairs of reads, by index, that are of one vehicle; in each chain each read is paired with the next."""
    in_order = sorted(range(len(reads)), key=lambda at: _order(reads[at].record))
    ids: dict[Any, int] = {}
    copies: dict[Any, int] = {}
    tokens: dict[Any, int] = {}
    stored: dict[Any, int] = {}
    keys: dict[Any, list[int]] = defaultdict(list)
    for at in in_order:
        record, passage = reads[at].record, reads[at].passage
        camera, when, event_id, token = _identity(record)
        keys[camera, when, event_id].append(at)
        links = [
            (ids, (camera, event_id), SAME_ID),
            (copies, (camera, event_id, token), SAME_COPY),
        ]
        if token is not None:
            links.append((tokens, (camera, token), record.repeat))
        for latest, name, within in links:
            before = latest.get(name)
            if before is not None and when - reads[before].record.event_at <= within:
                yield before, at
            latest[name] = at
        if passage is not None:
            yield stored.setdefault((camera, passage), at), at
    for at, read in enumerate(reads):
        for key in read.record.alike:
            yield from ((at, other) for other in keys.get((read.record.camera, *key), ()))


def _order(record: GateRecord) -> tuple[datetime, str, bytes]:
    return (record.event_at, record.event_id, record.token or b"")


async def _near(connection: Connection, records: Sequence[GateRecord]) -> dict[_Identity, _Read]:
    """The stored reads that may have to do with these."""
    asked = {(record.camera, *record.key, record.repeat) for record in records}
    cursor = await connection.execute(
        statement("write", "near_reads"),
        {**columns("camera_id event_at event_id repeat", asked), "copy": SAME_COPY},
    )
    repeats = {record.camera: record.repeat for record in records}
    found = (_stored(row, repeats) for row in await cursor.fetchall())
    return {_identity(read.record): read for read in found}


def _stored(row: tuple[Any, ...], repeats: dict[str, timedelta]) -> _Read:
    camera, site, event_at, event_id, direction, confidence, token, former, received_at, *passage = row
    record = GateRecord(
        camera=camera,
        site=site,
        event_at=event_at,
        event_id=event_id,
        direction=Direction(direction),
        confidence=confidence,
        token=token,
        former=former,
        received_at=received_at,
        repeat=repeats[camera],
    )
    return _Read(record, (passage[0], passage[1]), record)


def _row(read: GateRecord) -> tuple[object, ...]:
    return (
        read.camera,
        read.site,
        read.event_at,
        read.event_id,
        read.direction.value,
        read.confidence,
        read.token,
        read.former,
        read.received_at,
    )


async def _count(
    connection: Connection, *, gone: Iterable[GateRecord], come: Iterable[GateRecord]
) -> dict[str, int]:
    """Add to each site's running count those since its latest correction, which holds the earlier ones."""
    changes = [*((read, -1) for read in gone), *((read, 1) for read in come)]
    sites = sorted({read.site for read, _ in changes})
    cursor = await connection.execute(statement("write", "anchors"), {"sites": sites})
    anchors = dict(await cursor.fetchall())
    net = dict.fromkeys(sites, 0)
    for read, weight in changes:
        if read.event_at > anchors[read.site]:
            net[read.site] += weight if read.direction is Direction.IN else -weight
    earliest = {site: min(read.event_at for read, _ in changes if read.site == site) for site in sites}
    rows = [(site, net[site], earliest[site]) for site in sites]
    cursor = await connection.execute(statement("write", "count"), columns("site_id net earliest", rows))
    return dict(await cursor.fetchall())
