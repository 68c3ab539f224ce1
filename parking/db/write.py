"""The one transaction of a batch: events, states, stays, passages, rejections, snapshots, notifications."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.columns import Observations, concatenate
from parking.db import bay_store, bays, sealed
from parking.db.connect import Connection, statement
from parking.db.device_health import store_words
from parking.db.gates import store_passages
from parking.db.records import Batch, BayRecord, RejectedRecord, Written, columns
from parking.db.sites import lock_sites, publish_sites
from parking.db.table import BayTable, load_table, refresh, tabulate
from parking.model import Snapshot


async def write_batch(
    connection: Connection,
    batch: Batch,
    *,
    now: datetime,
    table: BayTable | None = None,
    doubtful: bool = False,
    before_commit: Callable[[], None] = lambda: None,
) -> Written:
    """Store a batch whole or not at all. After it returns, its messages may be acknowledged.

    `table` is what is known of the bays; without one it is read. If it is `doubtful`, the bays are locked and
    read anew first, so that nobody can be quicker. `before_commit` is called last of all.
    Locks are taken in one order everywhere: sites by id, then bays by id. Raises TableOutdated if the table
    must be read anew, and psycopg errors as they are: the caller decides which of them to try again.
    """
    if table is None:
        async with connection.transaction():
            table = await load_table(connection)
            table.windows = await sealed.load_windows(connection)
    known = [record for record in batch.bays if record.bay in table.slots]
    gone = [_unassigned(record) for record in batch.bays if record.bay not in table.slots]
    told = _tell(table, batch, known)
    changes = bays.plan(table, told.frames, now=now)
    gated = {record.site for record in batch.gates}
    async with connection.transaction():
        if doubtful:
            locked = await lock_sites(connection, bays.sites_of(table, changes.slots) | gated)
            await refresh(connection, table, changes.slots, lock=True)
            await sealed.refresh_windows(connection, table, told.unsealed)
            told = _tell(table, batch, known)
            changes = bays.plan(table, told.frames, now=now)
        else:
            locked = await lock_sites(connection, changes.sites(table) | gated)
        await bays.rebuild_rest(connection, table, told.frames, changes, now=now)
        await bay_store.store(connection, table, told.frames, changes, locked)
        await sealed.store_windows(connection, table, told.unsealed)
        await _store_firmware(connection, told.records)
        await store_words(connection, told.records)
        passages, inside = await store_passages(connection, batch.gates)
        replays = await sealed.replays(connection, table, told.unsealed)
        rejections = [*batch.rejections, *gone, *told.unsealed.refused, *replays]
        await _store_rejections(connection, rejections)
        snapshots = await publish_sites(
            connection,
            locked,
            bays=changes.counts(table, locked),
            inside=inside,
            bays_changed=changes.sites_published(table),
        )
        before_commit()
    changes.keep(table)
    table.windows.update(told.unsealed.windows)
    return Written(
        snapshots,
        changes.new,
        changes.duplicates + len(told.unsealed.used) - len(replays),
        passages,
        sealed=len(told.unsealed.new),
        rejected=Counter(rejection.code for rejection in rejections),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a batch tells of bays: all of it as columns, and those parts of it that are records."""

    frames: Observations
    records: list[BayRecord]
    unsealed: sealed.Unsealed


def _tell(table: BayTable, batch: Batch, known: list[BayRecord]) -> _Told:
    """What is plain, and what of the sealed is new."""
    plain = [record for record in known if record.seal is None]
    unsealed = sealed.unseal(table, batch, [record for record in known if record.seal is not None])
    frames = concatenate([*batch.frames, unsealed.new, tabulate(table, plain)])
    return _Told(frames, [*plain, *unsealed.records], unsealed)


async def turn(connection: Connection, table: BayTable, *, now: datetime) -> list[Snapshot]:
    """Publish what changes with the time: devices that have fallen silent, states that have lasted."""
    # Another ingestor may have heard of them since.
    await refresh(connection, table, bays.due(table, now=now))
    changes = bays.plan_due(table, now=now)
    if not len(changes.slots):
        return []
    async with connection.transaction():
        locked = await lock_sites(connection, changes.sites(table))
        await bay_store.store_turn(connection, table, changes, locked)
        snapshots = await publish_sites(
            connection,
            locked,
            bays=changes.counts(table, locked),
            inside={},
            bays_changed=changes.sites_published(table),
        )
    changes.keep(table)
    return snapshots


async def forget_tokens(connection: Connection, *, now: datetime, window: timedelta) -> int:
    """Remove the plate tokens of passages older than the pairing window, or their site's own where that is
    shorter; how many passages had one.
    """
    async with connection.transaction():
        cursor = await connection.execute(statement("write", "forget_tokens"), {"now": now, "window": window})
        return cursor.rowcount


async def forget_reads(connection: Connection, *, before: datetime) -> int:
    """Remove the reads behind passages of before a time, which are kept; how many there were."""
    async with connection.transaction():
        cursor = await connection.execute(statement("write", "forget_reads"), {"before": before})
        return cursor.rowcount


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


async def _store_firmware(connection: Connection, records: list[BayRecord]) -> None:
    """What devices said of themselves when they started; of several for one bay the last."""
    said = {r.bay: r.observation.firmware for r in records if r.observation.firmware is not None}
    if said:
        rows = sorted(said.items())
        await connection.execute(statement("write", "update_firmware"), columns("bay_id firmware", rows))


async def _store_rejections(connection: Connection, rejections: list[RejectedRecord]) -> None:
    if rejections:
        rows = [
            (
                r.received_at,
                _storable(r.topic),
                r.code,
                _storable(r.detail),
                r.size,
                r.payload,
                r.packet_id,
                r.delivered_again,
            )
            for r in rejections
        ]
        names = "received_at topic code detail size payload packet_id again"
        await connection.execute(statement("write", "add_rejections"), columns(names, rows))
