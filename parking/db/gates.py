"""Merges a batch of gate passages: one row for each vehicle, however often and well its plate was read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from parking.db.connect import Connection, statement
from parking.db.records import GateRecord, columns, copy_rows
from parking.model import Direction

SAME_PASSAGE = timedelta(days=1)
"""A vendor's id of a passage is not used again within this time."""

_TYPES = ("text", "text", "timestamptz", "text", "text", "float8", "bytea", "timestamptz")


async def store_passages(connection: Connection, records: Sequence[GateRecord]) -> tuple[int, dict[str, int]]:
    """Store what is new; how many passages that is, and the running counts that changed. Sites are locked."""
    if not records:
        return 0, {}
    known = await _known(connection, records)
    merged = dict(known)
    for record in records:
        key = (record.camera, record.event_id)
        merged[key] = _better(merged[key], record) if key in merged else record
    changed = {key: record for key, record in merged.items() if known.get(key) != record}
    moved = [known[key] for key in changed if key in known]
    if moved:
        keys = [(read.camera, read.event_at, read.event_id) for read in moved]
        await connection.execute(
            statement("write", "delete_reads"), columns("camera_id event_at event_id", keys)
        )
    inside: dict[str, int] = {}
    if changed:
        await copy_rows(connection, "write", "copy_reads", _TYPES, map(_row, changed.values()))
        inside = await _count(connection, gone=moved, come=list(changed.values()))
    return len(changed) - len(moved), inside


def _better(one: GateRecord, other: GateRecord) -> GateRecord:
    """One passage from two reads: the earliest time, and the plate of the more confident read.

    Where two are equally confident the tokens decide, since the times are not kept: in any order of many
    reads the same one wins. The passage stays where and how it was counted first.
    """
    first, second = sorted((one, other), key=_rank)
    return replace(
        first,
        site=one.site,
        direction=one.direction,
        event_at=min(first.event_at, second.event_at),
        received_at=min(first.received_at, second.received_at),
    )


def _rank(read: GateRecord) -> tuple[float, bool, bool, bytes]:
    return (-(read.confidence or 0.0), read.confidence is None, read.token is None, read.token or b"")


async def _known(connection: Connection, records: Sequence[GateRecord]) -> dict[tuple[str, str], GateRecord]:
    times = [record.event_at for record in records]
    keys = columns("camera_id event_id", {(record.camera, record.event_id) for record in records})
    cursor = await connection.execute(
        statement("write", "known_reads"),
        {**keys, "low": min(times) - SAME_PASSAGE, "high": max(times) + SAME_PASSAGE},
    )
    rows = await cursor.fetchall()
    reads = [
        GateRecord(
            camera=camera,
            event_id=event_id,
            site=site,
            event_at=event_at,
            direction=Direction(direction),
            confidence=confidence,
            token=token,
            received_at=received_at,
        )
        for camera, event_id, site, event_at, direction, confidence, token, received_at in rows
    ]
    return {(read.camera, read.event_id): read for read in reads}


def _row(read: GateRecord) -> tuple[object, ...]:
    return (
        read.camera,
        read.site,
        read.event_at,
        read.event_id,
        read.direction.value,
        read.confidence,
        read.token,
        read.received_at,
    )


async def _count(connection: Connection, *, gone: list[GateRecord], come: list[GateRecord]) -> dict[str, int]:
    """Add to each site's running count those since its latest correction, which holds the earlier ones."""
    sites = sorted({read.site for read in come})
    cursor = await connection.execute(statement("write", "anchors"), {"sites": sites})
    anchors = dict(await cursor.fetchall())
    net: Counter[str] = Counter()
    for reads, weight in ((gone, -1), (come, 1)):
        for read in reads:
            if read.event_at > anchors[read.site]:
                net[read.site] += weight if read.direction is Direction.IN else -weight
    cursor = await connection.execute(
        statement("write", "count"), columns("site_id net", sorted(net.items()))
    )
    return dict(await cursor.fetchall())
