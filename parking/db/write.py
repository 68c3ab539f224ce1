"""The one transaction of a batch: events, states, stays, passages, rejections, snapshots, notifications."""

from collections import Counter
from datetime import datetime

from parking.db import bays
from parking.db.connect import Connection, statement
from parking.db.gates import store_passages
from parking.db.records import Batch, BayRecord, RejectedRecord, Written, columns, copy_rows
from parking.db.sites import lock_sites, publish_sites
from parking.model import Snapshot

_REJECTED_TYPES = ("timestamptz", "text", "text", "text", "int4", "bytea")


async def write_batch(connection: Connection, batch: Batch, *, now: datetime) -> Written:
    """Store a batch whole or not at all. After it returns, its messages may be acknowledged.

    Locks are taken in one order everywhere: bays by id, then sites by id. Raises psycopg errors as they
    are: the caller decides which of them to try again.
    """
    async with connection.transaction():
        rows = await bays.lock_bays(connection, batch.bays) if batch.bays else {}
        known = [record for record in batch.bays if record.bay in rows]
        gone = [_unassigned(record) for record in batch.bays if record.bay not in rows]
        changes = await bays.merge(connection, rows, known, now=now)
        touched = {row.site for row in rows.values() if row.published_change}
        sites = touched | {record.site for record in batch.gates}
        revisions = await lock_sites(connection, sites)
        if rows:
            await bays.store(connection, rows, changes, revisions=revisions)
        passages = await store_passages(connection, batch.gates) if batch.gates else 0
        await _store_rejections(connection, [*batch.rejections, *gone])
        snapshots = await publish_sites(connection, sites, bays_changed=touched)
    return Written(snapshots, len(changes.new_events) - len(changes.old_events), changes.duplicates, passages)


async def silence(connection: Connection, *, now: datetime) -> list[Snapshot]:
    """Make bays unknown whose device has been silent for longer than its time to live."""
    async with connection.transaction():
        cursor = await connection.execute(statement("write", "lock_silent"), {"now": now})
        silent = await cursor.fetchall()
        if not silent:
            return []
        sites = {site for _, site in silent}
        revisions = await lock_sites(connection, sites)
        await connection.execute(
            statement("write", "silence"),
            columns("bay_id revision", [(bay, revisions[site] + 1) for bay, site in silent]),
        )
        return await publish_sites(connection, sites, bays_changed=sites)


async def confirm(connection: Connection, *, ingestor: str, started_at: datetime, connected: bool) -> None:
    """Say that this ingestor is alive and, where `connected`, that the published numbers are current."""
    parameters = {"ingestor": ingestor, "started_at": started_at, "connected": connected}
    async with connection.transaction():
        await connection.execute(statement("write", "confirm"), parameters)
        await connection.execute(statement("write", "confirmed"))


async def leave(connection: Connection, *, ingestor: str) -> None:
    """Say that this ingestor ends."""
    async with connection.transaction():
        await connection.execute(statement("write", "leave"), {"ingestor": ingestor})
        await connection.execute(statement("write", "confirmed"))


async def forget_tokens(connection: Connection, *, before: datetime) -> int:
    """Remove the plate tokens of passages before a time; how many there were."""
    async with connection.transaction():
        cursor = await connection.execute(statement("write", "forget_tokens"), {"before": before})
        return cursor.rowcount


def rejected_by_code(batch: Batch) -> Counter[str]:
    """How many rejections of each kind a batch holds."""
    return Counter(rejection.code for rejection in batch.rejections)


def _unassigned(record: BayRecord) -> RejectedRecord:
    """The bay left the registry between the look-up and the transaction."""
    return RejectedRecord(
        received_at=record.received_at,
        topic=f"bay {record.bay}",
        code="unassigned_device",
        detail=f"device {record.observation.device!r} watches no bay",
        size=0,
        payload=None,
    )


def _storable(text: str) -> str:
    """Without the one character that PostgreSQL's texts cannot hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def _store_rejections(connection: Connection, rejections: list[RejectedRecord]) -> None:
    if rejections:
        rows = (
            (r.received_at, _storable(r.topic), r.code, _storable(r.detail), r.size, r.payload)
            for r in rejections
        )
        await copy_rows(connection, "write", "copy_rejections", _REJECTED_TYPES, rows)
