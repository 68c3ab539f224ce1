"""Writes what a batch changes of bays: events, stays and roll-ups by COPY, states by version."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parking.columns import KINDS, NOTHING, STATES, Ints, Observations, microseconds
from parking.db import binary
from parking.db.bays import BayChanges, RunRow, StayRow
from parking.db.binary import (
    COPY_HEADER,
    COPY_TRAILER,
    NULL,
    PG_EPOCH_US,
    field_count,
    fixed_fields,
    text_value,
)
from parking.db.connect import Connection, statement
from parking.db.silence import silent_parts, store_silences
from parking.db.sites import LockedSite
from parking.db.table import BayTable, TableOutdated
from parking.db.usage import EndedStays, add_usage
from parking.usage import OCCUPIED_TIME, UNKNOWN_TIME, Spans, moments, spans


async def store(
    connection: Connection,
    table: BayTable,
    batch: Observations,
    changes: BayChanges,
    locked: Mapping[str, LockedSite],
) -> None:
    """Write what was worked out. Raises TableOutdated if another process changed one of the bays."""
    # First, since it finds out whether memory is outdated: events and stays worked out from it would then
    # collide with those that the other process has stored.
    await _update_states(connection, table, changes, locked)
    heard = await store_silences(connection, table, changes.silences)
    await _delete(connection, table, changes)
    await _copy_events(connection, table, batch, changes)
    await copy_stays(connection, table, _new_stays(changes))
    await _store_unknown_runs(connection, table, changes)
    await _roll_up(connection, table, changes, heard)


async def store_turn(
    connection: Connection, table: BayTable, changes: BayChanges, locked: Mapping[str, LockedSite]
) -> None:
    """Write what is published of bays that no message has changed. Raises TableOutdated as `store` does."""
    parameters = {
        "bay_id": binary.text_column(map(table.id_field, changes.slots.tolist())),
        "version": binary.int8_column(changes.merged.positions.version),
        "revision": binary.int8_column(_revisions(table, changes, locked)),
        "state": binary.int8_column(changes.merged.positions.state),
        "silent": binary.bool_column(changes.merged.positions.silent),
    }
    cursor = await connection.execute(statement("write", "turn"), parameters)
    if cursor.rowcount != len(changes.slots):
        raise TableOutdated


async def _delete(connection: Connection, table: BayTable, changes: BayChanges) -> None:
    if changes.old_events:
        keys = [
            (table.bays[s], e.event_at, e.device, e.session, e.seq, e.part) for s, e in changes.old_events
        ]
        names = ("bay_id", "event_at", "device_id", "session", "seq", "part")
        await connection.execute(
            statement("write", "delete_events"),
            dict(zip(names, map(list, zip(*keys, strict=True)), strict=True)),
        )
    if changes.old_stays:
        bays = [table.bays[slot] for slot, _ in changes.old_stays]
        starts = [stay.started_at for _, stay in changes.old_stays]
        await connection.execute(statement("write", "delete_stays"), {"bay_id": bays, "started_at": starts})


_NAME_FIELDS = [text_value(state) + text_value(kind) for state in STATES for kind in KINDS]
"""State and kind of an event as they stand in its row."""
STAY_FIELDS = 6
COPY_ROWS = 4096
"""Rows that are made at a time: each takes half a kilobyte while it is."""


async def _copy_events(
    connection: Connection, table: BayTable, batch: Observations, changes: BayChanges
) -> None:
    rows = changes.merged.events
    if len(rows):
        async with connection.cursor() as cursor, cursor.copy(statement("write", "copy_events")) as copy:
            await copy.write(COPY_HEADER)
            for first in range(0, len(rows), COPY_ROWS):
                await copy.write(_event_rows(table, batch, rows[first : first + COPY_ROWS]))
            await copy.write(COPY_TRAILER)
    if changes.new_events:
        async with connection.cursor() as cursor, cursor.copy(statement("write", "copy_events")) as copy:
            copy.set_types(_EVENT_TYPES)
            for slot, e in changes.new_events:
                await copy.write_row((
                    table.bays[slot], e.device, table.site(slot), e.state.value, e.kind.value, e.event_at,
                    e.session, e.seq, e.part, e.fault, e.age_s, e.received_at, e.previous_s,
                ))  # fmt: skip


def _event_rows(table: BayTable, batch: Observations, rows: Ints) -> bytes:
    """These observations as rows of a binary COPY."""
    bay, state, kind = batch.bay[rows], batch.state[rows], batch.kind[rows]
    fixed, size = fixed_fields(
        (
            (batch.event_us[rows] - PG_EPOCH_US, ">i8"),
            (batch.session[rows], ">i8"),
            (batch.seq[rows], ">i8"),
            (batch.part[rows], ">i2"),
            (batch.fault[rows], "u1"),
            (batch.age_s[rows], ">i4"),
            (batch.received_us[rows] - PG_EPOCH_US, ">i8"),
        )
    )
    previous = batch.previous_s[rows]
    durations, width = fixed_fields(((previous, ">i4"),))
    prefixes = table.event_prefix
    parts: list[bytes] = []
    for i, (slot, name, known) in enumerate(
        zip(bay.tolist(), (state * len(KINDS) + kind).tolist(), (previous != NOTHING).tolist(), strict=True)
    ):
        parts += (
            prefixes[slot],
            _NAME_FIELDS[name],
            fixed[i * size : i * size + size],
            durations[i * width : i * width + width] if known else NULL,
        )
    return b"".join(parts)


_EVENT_TYPES = (
    "text", "text", "text", "text", "text", "timestamptz", "int8", "int8", "int2", "bool", "int4",
    "timestamptz", "int4",
)  # fmt: skip


def _stay_columns(rows: Sequence[StayRow]) -> EndedStays:
    ended = [(slot, stay, stay.ended_at) for slot, stay in rows if stay.ended_at is not None]
    return EndedStays(
        np.array([slot for slot, _, _ in ended], dtype=np.int64),
        np.array([microseconds(stay.started_at) for _, stay, _ in ended], dtype=np.int64),
        np.array([microseconds(end) for *_, end in ended], dtype=np.int64),
        np.array([stay.start_seen for _, stay, _ in ended], dtype=np.bool_),
        np.array([stay.end_seen for _, stay, _ in ended], dtype=np.bool_),
    )


def _joined(one: EndedStays, other: EndedStays) -> EndedStays:
    names = EndedStays.__dataclass_fields__
    return EndedStays(*(np.concatenate((getattr(one, name), getattr(other, name))) for name in names))


def _new_stays(changes: BayChanges) -> EndedStays:
    merged = changes.merged
    quick = EndedStays(
        merged.stay_bay, merged.stay_start, merged.stay_end, merged.stay_start_seen, merged.stay_end_seen
    )
    return _joined(quick, _stay_columns(changes.new_stays)) if changes.new_stays else quick


def _run_columns(rows: Sequence[RunRow]) -> tuple[Ints, Ints, Ints]:
    ended = [(slot, start, end) for slot, (start, end) in rows if end is not None]
    columns = (
        [slot for slot, *_ in ended],
        [microseconds(start) for _, start, _ in ended],
        [microseconds(end) for *_, end in ended],
    )
    slot, start, end = (np.array(column, dtype=np.int64) for column in columns)
    return slot, start, end


def _new_runs(changes: BayChanges) -> tuple[Ints, Ints, Ints]:
    """The runs of unknown that are new: bays, starts, ends."""
    merged, rebuilt = changes.merged, _run_columns(changes.new_unknown)
    quick = (merged.unknown_bay, merged.unknown_start, merged.unknown_end)
    slot, start, end = (np.concatenate(pair) for pair in zip(quick, rebuilt, strict=True))
    return slot, start, end


async def _store_unknown_runs(connection: Connection, table: BayTable, changes: BayChanges) -> None:
    """The runs in which a device reported a fault, and when bays were first heard of."""
    old, new = _run_columns(changes.old_unknown), _new_runs(changes)
    for name, (slot, start, end) in (("delete_unknown_runs", old), ("add_unknown_runs", new)):
        if len(slot):
            parameters = {
                "bay_id": binary.text_column(map(table.id_field, slot.tolist())),
                "started_at": binary.time_column(start),
                "ended_at": binary.time_column(end),
            }
            await connection.execute(statement("write", name), parameters)
    merged = changes.merged
    slots = [*merged.first_bay.tolist(), *(slot for slot, *_ in changes.first_at)]
    if slots:
        first = [*merged.first.tolist(), *(microseconds(at) for _, at, _ in changes.first_at)]
        since = [*merged.first.tolist(), *(microseconds(at) for *_, at in changes.first_at)]
        parameters = {
            "bay_id": binary.text_column(map(table.id_field, slots)),
            "first_at": binary.time_column(np.array(first, dtype=np.int64)),
            "since": binary.time_column(np.array(since, dtype=np.int64)),
        }
        await connection.execute(statement("write", "update_first"), parameters)


async def _roll_up(
    connection: Connection, table: BayTable, changes: BayChanges, heard: Sequence[Spans]
) -> None:
    """Add up what the new stays and runs of unknown, and those that did not happen after all, change."""
    stays = _joined(_new_stays(changes), _stay_columns(changes.old_stays))
    new, old = _new_runs(changes), _run_columns(changes.old_unknown)
    gone = len(stays.slot) - len(changes.old_stays)
    weight = np.where(np.arange(len(stays.slot)) < gone, 1, -1)
    runs = spans(stays.slot, stays.start_us, stays.end_us, weight=weight, kind=OCCUPIED_TIME).then(
        spans(*new, weight=1, kind=UNKNOWN_TIME), spans(*old, weight=-1, kind=UNKNOWN_TIME)
    )
    if not len(runs) and not heard:
        return
    at = np.searchsorted(changes.slots, runs.owner)
    perhaps = runs.take(runs.start_us < changes.merged.positions.silent_until[at])
    silent = await silent_parts(connection, table, perhaps)
    points = moments(
        stays.slot,
        start_us=stays.start_us,
        end_us=stays.end_us,
        start_seen=stays.start_seen,
        end_seen=stays.end_seen,
        weight=weight,
    )
    await add_usage(connection, table, runs.then(silent, *heard), points)


async def copy_stays(connection: Connection, table: BayTable, stays: EndedStays) -> None:
    """Store stays that have ended; the roll-ups are left to `add_usage`."""
    fixed, size = fixed_fields(
        (
            (stays.start_us - PG_EPOCH_US, ">i8"),
            (stays.end_us - PG_EPOCH_US, ">i8"),
            (stays.start_seen, "u1"),
            (stays.end_seen, "u1"),
        )
    )
    parts = [COPY_HEADER]
    head, sites = field_count(STAY_FIELDS), table.site_field
    site_of = table.site_of[stays.slot].tolist()
    for i, (slot, site) in enumerate(zip(stays.slot.tolist(), site_of, strict=True)):
        parts += (head, table.id_field(slot), sites[site], fixed[i * size : i * size + size])
    await _copy(connection, "copy_stays", parts)


async def _copy(connection: Connection, name: str, parts: list[bytes]) -> None:
    """COPY rows that are in binary already: the parts after the header."""
    if len(parts) == 1:
        return
    async with connection.cursor() as cursor, cursor.copy(statement("write", name)) as copy:
        await copy.write(b"".join(parts) + COPY_TRAILER)


async def _update_states(
    connection: Connection, table: BayTable, changes: BayChanges, locked: Mapping[str, LockedSite]
) -> None:
    """Write the rows of `bay_state`, each only if it is still as it was in memory."""
    merged = changes.merged
    revision = _revisions(table, changes, locked)
    for name, chosen in (("update_states", merged.moved), ("update_heard", ~merged.moved)):
        if not chosen.any():
            continue
        slots, rows = merged.slots[chosen], merged.positions.take(np.flatnonzero(chosen))
        parameters: dict[str, Any] = {
            "bay_id": binary.text_column(map(table.id_field, slots.tolist())),
            "version": binary.int8_column(rows.version),
            "revision": binary.int8_column(revision[chosen]),
            "state": binary.int8_column(rows.state),
            "silent": binary.bool_column(rows.silent),
            "seen_at": binary.time_column(rows.seen_at),
            "battery_v": binary.float4_column(rows.battery_v),
            "temperature_c": binary.float4_column(rows.temperature_c),
            "silent_until": binary.time_column(rows.silent_until),
        }
        if name == "update_states":
            parameters |= {
                "reported": binary.int8_column(rows.reported),
                "fault": binary.bool_column(rows.fault),
                "since": binary.time_column(rows.since),
                "start_seen": binary.bool_column(rows.start_seen),
                "event_at": binary.time_column(rows.event_at),
                "placed_at": binary.time_column(rows.placed_at),
                "age_s": binary.int8_column(rows.age_s),
                "session": binary.int8_column(rows.session),
                "seq": binary.int8_column(rows.seq),
                "part": binary.int8_column(rows.part),
                "settled": binary.bool_column(rows.settled),
                "held": binary.int8_column(rows.held),
            }
        cursor = await connection.execute(statement("write", name), parameters)
        if cursor.rowcount != len(slots):
            raise TableOutdated


def _revisions(table: BayTable, changes: BayChanges, locked: Mapping[str, LockedSite]) -> Ints:
    """The site's next revision for each bay whose published state changed, 0 for the others."""
    following = np.array(
        [locked[site].published.revision + 1 if site in locked else 0 for site in table.sites],
        dtype=np.int64,
    )
    revision: Ints = np.where(changes.published(table), following[table.site_of[changes.slots]], 0)
    return revision
