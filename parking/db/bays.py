"""Merges a batch of bay observations into events, stays and states, whatever their order and copies.

A bay whose new events all follow its last one (the usual case) is extended from its `bay_state` row alone.
Any other bay is rebuilt: its recent events are read back, merged with the new ones and put in order by the
rules of `parking.timeline`, and what differs is written. Both ways end in the same rows.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.records import BayRecord, columns, copy_rows
from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.timeline import Extended, Placed, Position, canonical, extend, follows, is_settled, ordered

HISTORY = timedelta(days=8)
"""How far back a copy of an event is looked for: the accepted lateness and a day."""


@dataclass(slots=True)
class BayRow:
    """A locked row of `bay_state`, and what the batch makes of it."""

    bay: str
    site: str
    state: Occupancy
    reported: Occupancy
    fault: bool
    silent: bool
    since: datetime | None
    seen_at: datetime | None
    ttl_s: float
    position: Position | None
    settled: bool
    battery_v: float | None
    temperature_c: float | None
    firmware: str | None
    published_change: bool = False


@dataclass(slots=True)
class Changes:
    """What a batch changes in the tables of events and stays."""

    new_events: list[tuple[BayRow, BayEvent]] = field(default_factory=list)
    old_events: list[tuple[BayRow, BayEvent]] = field(default_factory=list)
    new_stays: list[tuple[BayRow, Stay]] = field(default_factory=list)
    ended_stays: list[tuple[BayRow, Stay]] = field(default_factory=list)
    old_stays: list[tuple[BayRow, datetime]] = field(default_factory=list)
    duplicates: int = 0


async def lock_bays(connection: Connection, records: Sequence[BayRecord]) -> dict[str, BayRow]:
    """Lock and read the states of the bays in these records, in key order."""
    bays = sorted({record.bay for record in records})
    cursor = await connection.execute(statement("write", "lock_bays"), {"bays": bays})
    return {row[0]: _bay_row(row) for row in await cursor.fetchall()}


async def merge(
    connection: Connection, rows: dict[str, BayRow], records: Sequence[BayRecord], *, now: datetime
) -> Changes:
    """Work out what these records change; the rows are brought up to date in memory."""
    changes = Changes()
    events: dict[str, list[BayEvent]] = defaultdict(list)
    for record in records:
        row = rows[record.bay]
        _hear(row, record)
        if record.observation.state is not None:
            events[record.bay].append(bay_event(record))
    rebuild = {}
    for bay, found in events.items():
        if not _append(rows[bay], found, changes):
            rebuild[bay] = found
    if rebuild:
        await _rebuild(connection, rows, rebuild, changes)
    for row in rows.values():
        _publish(row, now)
    return changes


async def store(
    connection: Connection, rows: dict[str, BayRow], changes: Changes, *, revisions: dict[str, int]
) -> None:
    """Write what `merge` worked out. `revisions` are the sites' present ones, locked."""
    await _store_events(connection, changes)
    await _store_stays(connection, changes)
    await connection.execute(
        statement("write", "update_states"),
        columns(
            "bay_id state reported fault silent since seen_at revision event_at placed_at age_s session seq"
            " part settled battery_v temperature_c firmware",
            [_state_columns(row, revisions) for row in rows.values()],
        ),
    )


def _bay_row(row: Any) -> BayRow:
    bay, site, state, reported, fault, silent, since, seen_at, ttl_s, settled, *last = row
    device, event_at, placed_at, age_s, session, seq, part, battery_v, temperature_c, firmware = last
    position = None
    if event_at is not None:
        event = BayEvent(
            device=device,
            session=session,
            seq=seq,
            part=part,
            event_at=event_at,
            age_s=age_s,
            state=Occupancy(reported),
            kind=EventKind.CHANGE,
            received_at=event_at,
            fault=fault,
        )
        position = Position(Placed(placed_at, event), since)
    return BayRow(
        bay, site, Occupancy(state), Occupancy(reported), fault, silent, since, seen_at, ttl_s, position,
        settled, battery_v, temperature_c, firmware,
    )  # fmt: skip


def bay_event(record: BayRecord) -> BayEvent:
    """The event that an observation of a state tells of."""
    seen = record.observation
    assert seen.state is not None, "only observations of a state are events"
    return BayEvent(
        device=seen.device,
        session=seen.session,
        seq=seen.seq,
        part=seen.part,
        event_at=seen.event_at,
        age_s=seen.age_s,
        state=seen.state,
        kind=seen.kind,
        received_at=record.received_at,
        previous_s=seen.previous_s,
        fault=seen.fault,
    )


def _hear(row: BayRow, record: BayRecord) -> None:
    """Note that the device was heard, and what it said of itself."""
    seen = record.observation
    if row.seen_at is not None and seen.seen_at < row.seen_at:
        return
    row.seen_at = seen.seen_at
    row.battery_v = seen.battery_v if seen.battery_v is not None else row.battery_v
    row.temperature_c = float(seen.temperature_c) if seen.temperature_c is not None else row.temperature_c
    row.firmware = seen.firmware if seen.firmware is not None else row.firmware


def _append(row: BayRow, found: list[BayEvent], changes: Changes) -> bool:
    """Extend a bay by events that plainly follow its last one; False if it must be rebuilt instead."""
    position = row.position
    if position is None or not row.settled:
        return False
    last = position.last.event
    new = []
    for event in canonical(found).values():
        if event.identity == last.identity:
            if event.rank < last.rank:
                return False
        elif follows(position, event):
            new.append(event)
        else:
            return False
    changes.duplicates += len(found) - len(new)
    if new:
        later = ordered(new)
        if later[0].at < position.last.at:
            return False
        _extend(row, extend(position, later), changes)
        row.settled = is_settled(later)
        changes.new_events += [(row, event) for event in new]
    return True


def _extend(row: BayRow, extended: Extended, changes: Changes) -> None:
    if extended.dropped and row.position is not None:
        changes.old_stays.append((row, row.position.since))
    if extended.closed is not None:
        changes.ended_stays.append((row, extended.closed))
    changes.new_stays += [(row, stay) for stay in extended.stays]
    _move(row, extended.position)


def _move(row: BayRow, position: Position) -> None:
    row.position = position
    row.reported = position.last.event.state
    row.fault = position.last.event.fault
    row.since = position.since


async def _rebuild(
    connection: Connection, rows: dict[str, BayRow], found: dict[str, list[BayEvent]], changes: Changes
) -> None:
    """Merge late, repeated and first events with the stored ones, and rewrite what differs."""
    since = min(event.event_at for events in found.values() for event in events) - HISTORY
    parameters = {"bays": sorted(found), "since": since}
    history: dict[str, list[BayEvent]] = defaultdict(list)
    cursor = await connection.execute(statement("write", "history"), parameters)
    for bay, *values in await cursor.fetchall():
        history[bay].append(_stored_event(values))
    known: dict[str, list[Stay]] = defaultdict(list)
    cursor = await connection.execute(statement("write", "stays"), parameters)
    for bay, started_at, ended_at, start_seen, end_seen in await cursor.fetchall():
        known[bay].append(
            Stay(started_at=started_at, ended_at=ended_at, start_seen=start_seen, end_seen=end_seen)
        )
    for bay, new in found.items():
        _rebuild_bay(rows[bay], history[bay], new, known[bay], since, changes)


def _rebuild_bay(
    row: BayRow,
    stored: list[BayEvent],
    found: list[BayEvent],
    known: list[Stay],
    since: datetime,
    changes: Changes,
) -> None:
    before = canonical(stored)
    after = canonical([*stored, *found])
    fresh = [event for identity, event in after.items() if before.get(identity) is not event]
    changes.new_events += [(row, event) for event in fresh]
    changes.old_events += [(row, before[e.identity]) for e in fresh if e.identity in before]
    changes.duplicates += len(found) - len(fresh)
    if not fresh and row.position is not None:
        return
    timeline = ordered(after.values())
    earlier = [index for index, placed in enumerate(timeline) if placed.event.event_at < since]
    anchor = _anchor(timeline[earlier[-1]], known) if earlier else None
    if earlier:
        timeline = timeline[earlier[-1] + 1 :]
    if not timeline:
        return
    extended = extend(anchor, timeline)
    stays = [*([extended.closed] if extended.closed else []), *extended.stays]
    if anchor is not None and anchor.last.event.state is Occupancy.OCCUPIED and not stays and known:
        stays = [replace(known[0], ended_at=None, end_seen=False)]
    _differences(row, known, stays, anchor, changes)
    _move(row, extended.position)
    row.settled = is_settled(timeline)


def _anchor(first: Placed, known: list[Stay]) -> Position:
    """Where the timeline stood at the last event before the part that was read back."""
    if first.event.state is Occupancy.OCCUPIED and known and known[0].started_at <= first.at:
        return Position(first, known[0].started_at)
    return Position(first, first.at)


def _differences(
    row: BayRow, known: list[Stay], stays: list[Stay], anchor: Position | None, changes: Changes
) -> None:
    """Write the stays that differ from the stored ones; the one open at the anchor keeps its start."""
    stored = {stay.started_at: stay for stay in known}
    for stay in stays:
        was = stored.pop(stay.started_at, None)
        if was is not None and anchor is not None and stay.started_at == anchor.since:
            stay = replace(stay, start_seen=was.start_seen)
        if was == stay:
            continue
        if was is not None:
            changes.old_stays.append((row, was.started_at))
        changes.new_stays.append((row, stay))
    changes.old_stays += [(row, started_at) for started_at in stored]


def _stored_event(values: Sequence[Any]) -> BayEvent:
    device, session, seq, part, event_at, age_s, previous_s, state, fault, kind, received_at = values
    return BayEvent(
        device=device,
        session=session,
        seq=seq,
        part=part,
        event_at=event_at,
        age_s=age_s,
        state=Occupancy(state),
        kind=EventKind(kind),
        received_at=received_at,
        previous_s=previous_s,
        fault=fault,
    )


def _publish(row: BayRow, now: datetime) -> None:
    """What is published of the bay: what was reported, unless the device has been silent too long."""
    row.silent = row.seen_at is None or row.seen_at + timedelta(seconds=row.ttl_s) < now
    state = Occupancy.UNKNOWN if row.silent else row.reported
    row.published_change = row.published_change or state is not row.state
    row.state = state


def _state_columns(row: BayRow, revisions: dict[str, int]) -> tuple[Any, ...]:
    last = row.position.last if row.position else None
    event = last.event if last else None
    return (
        row.bay,
        row.state.value,
        row.reported.value,
        row.fault,
        row.silent,
        row.since,
        row.seen_at,
        revisions[row.site] + 1 if row.published_change else None,
        event.event_at if event else None,
        last.at if last else None,
        event.age_s if event else None,
        event.session if event else None,
        event.seq if event else None,
        event.part if event else None,
        row.settled,
        row.battery_v,
        row.temperature_c,
        row.firmware,
    )


_EVENT_TYPES = (
    "text", "text", "text", "timestamptz", "int8", "int8", "int2", "text", "bool", "text", "int4", "int4",
    "timestamptz",
)  # fmt: skip
_STAY_TYPES = ("text", "text", "timestamptz", "timestamptz", "bool", "bool")


async def _store_events(connection: Connection, changes: Changes) -> None:
    if changes.old_events:
        keys = [(r.bay, e.event_at, e.device, e.session, e.seq, e.part) for r, e in changes.old_events]
        await connection.execute(
            statement("write", "delete_events"), columns("bay_id event_at device_id session seq part", keys)
        )
    if changes.new_events:
        rows = (
            (r.bay, e.device, r.site, e.event_at, e.session, e.seq, e.part, e.state.value, e.fault,
             e.kind.value, e.age_s, e.previous_s, e.received_at)
            for r, e in changes.new_events
        )  # fmt: skip
        await copy_rows(connection, "write", "copy_events", _EVENT_TYPES, rows)


async def _store_stays(connection: Connection, changes: Changes) -> None:
    if changes.old_stays:
        keys = [(row.bay, started_at) for row, started_at in changes.old_stays]
        await connection.execute(statement("write", "delete_stays"), columns("bay_id started_at", keys))
    if changes.ended_stays:
        ends = [(row.bay, stay.started_at, stay.ended_at, stay.end_seen) for row, stay in changes.ended_stays]
        await connection.execute(
            statement("write", "end_stays"), columns("bay_id started_at ended_at end_seen", ends)
        )
    if changes.new_stays:
        rows = (
            (row.bay, row.site, stay.started_at, stay.ended_at, stay.start_seen, stay.end_seen)
            for row, stay in changes.new_stays
        )
        await copy_rows(connection, "write", "copy_stays", _STAY_TYPES, rows)
