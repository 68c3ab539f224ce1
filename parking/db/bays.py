"""Works out what a batch of bay observations changes, whatever their order and copies.

A bay whose new events all follow its last one (the usual case) is extended from the table in memory, by
columns. Any other bay is rebuilt: its recent events are read back, merged with the new ones and put in order
by the rules of `parking.timeline`, and what differs is written. Both ways end in the same rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from parking.columns import (
    KINDS,
    NOTHING,
    OCCUPIED,
    STATE_CODES,
    STATES,
    UNKNOWN,
    UNSAID,
    Bools,
    Ints,
    Merged,
    Observations,
    is_held,
    merge,
    microseconds,
    moment,
    nothing_merged,
    publish,
)  # fmt: skip
from parking.db.connect import Connection, statement
from parking.db.sites import BayCounts, LockedSite
from parking.db.table import BayTable, TableOutdated
from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.rebuild import Rebuilt, Run, rebuild
from parking.silence import Silences, no_silences, silences

HISTORY = timedelta(days=8)
"""How far back a copy of an event is looked for: the accepted lateness and a day."""

BayEventRow = tuple[int, BayEvent]
StayRow = tuple[int, Stay]
RunRow = tuple[int, Run]
FirstRow = tuple[int, datetime, datetime]
"""A bay, its first event, and since when its events were looked at."""


@dataclass(slots=True)
class BayChanges:
    """All that a batch changes of bays: worked out, not yet written."""

    merged: Merged
    new_events: list[BayEventRow] = field(default_factory=list)
    old_events: list[BayEventRow] = field(default_factory=list)
    new_stays: list[StayRow] = field(default_factory=list)
    old_stays: list[StayRow] = field(default_factory=list)
    new_unknown: list[RunRow] = field(default_factory=list)
    old_unknown: list[RunRow] = field(default_factory=list)
    first_at: list[FirstRow] = field(default_factory=list)
    silences: Silences = field(default_factory=no_silences)
    rebuilt_duplicates: int = 0

    @property
    def slots(self) -> Ints:
        """The bays that it speaks of."""
        return self.merged.slots

    @property
    def new(self) -> int:
        """Events that the database did not have in any copy."""
        return len(self.merged.events) + len(self.new_events) - len(self.old_events)

    @property
    def duplicates(self) -> int:
        """Copies of events that the database has."""
        return self.merged.duplicates + self.rebuilt_duplicates

    def published(self, table: BayTable) -> Bools:
        """For which bays another state is published than before."""
        changed: Bools = self.merged.positions.state != table.positions.state[self.slots]
        return changed

    def sites_published(self, table: BayTable) -> set[str]:
        """The sites of those bays."""
        return sites_of(table, self.slots[self.published(table)])

    def sites(self, table: BayTable) -> set[str]:
        """The sites whose number may change: those, and the sites of bays still to be rebuilt."""
        return self.sites_published(table) | sites_of(table, self.merged.rebuild)

    def counts(self, table: BayTable, locked: Mapping[str, LockedSite]) -> dict[str, BayCounts]:
        """How many bays of each locked site are vacant, occupied and unknown once this is written."""
        difference = np.zeros((len(table.sites), len(STATES)), dtype=np.int64)
        site = table.site_of[self.slots]
        np.add.at(difference, (site, self.merged.positions.state), 1)
        np.add.at(difference, (site, table.positions.state[self.slots]), -1)
        number = {site: i for i, site in enumerate(table.sites)}
        found = {}
        for site_id, row in locked.items():
            change = difference[number[site_id]].tolist() if site_id in number else (0, 0, 0)
            found[site_id] = (row.bays[0] + change[0], row.bays[1] + change[1], row.bays[2] + change[2])
        return found

    def keep(self, table: BayTable) -> None:
        """After the commit: the table in memory says what the database says."""
        self.merged.positions.version += 1
        table.positions.put(self.slots, self.merged.positions)


def sites_of(table: BayTable, slots: Ints) -> set[str]:
    """The sites of these bays."""
    return {table.sites[i] for i in np.unique(table.site_of[slots])}


def plan(table: BayTable, batch: Observations, *, now: datetime) -> BayChanges:
    """Work out what a batch changes, but for the bays that must be rebuilt (`merged.rebuild`)."""
    changes = BayChanges(merge(table.positions, batch, hold_us=table.hold_us))
    _publish(table, changes, now=now)
    found = changes.silences = silences(table.positions, table.ttl_us, batch)
    at = np.searchsorted(changes.slots, found.slot)
    np.maximum.at(changes.merged.positions.silent_until, at, found.until_us)
    return changes


def due(table: BayTable, *, now: datetime) -> Ints:
    """The bays that change by the clock alone, as far as memory knows: their device has been silent for too
    long, or what it said last was held back and has lasted.
    """
    at, now_us = table.positions, microseconds(now)
    silent = at.seen_at + table.ttl_us < now_us
    lasted = (at.state != at.reported) & ~is_held(at, now_us, hold_us=table.hold_us)
    return np.flatnonzero(~at.silent & (silent | lasted))


def held_back(table: BayTable, *, now: datetime) -> int:
    """Of how many bays another state is shown than was reported, until that has lasted."""
    at = table.positions
    held = is_held(at, microseconds(now), hold_us=table.hold_us)
    return int(np.count_nonzero(held & ~at.silent & (at.state != at.reported)))


def plan_due(table: BayTable, *, now: datetime) -> BayChanges:
    """Those bays as they are now."""
    changes = BayChanges(nothing_merged(table.positions, due(table, now=now)))
    _publish(table, changes, now=now)
    return changes


def _publish(table: BayTable, changes: BayChanges, *, now: datetime) -> None:
    ttl_us = table.ttl_us[changes.slots]
    publish(changes.merged.positions, ttl_us, microseconds(now), hold_us=table.hold_us)


async def rebuild_rest(
    connection: Connection, table: BayTable, batch: Observations, changes: BayChanges, *, now: datetime
) -> None:
    """Work out the bays that `plan` left; their rows are locked. Their sites must be locked before."""
    if len(changes.merged.rebuild):
        await _rebuild(connection, table, batch, changes)
        _publish(table, changes, now=now)


async def _rebuild(connection: Connection, table: BayTable, batch: Observations, changes: BayChanges) -> None:
    """Merge late, repeated and first events with the stored ones."""
    slots = changes.merged.rebuild
    told = np.flatnonzero((batch.state != UNSAID) & np.isin(batch.bay, slots))
    found: dict[int, list[BayEvent]] = defaultdict(list)
    for row in told.tolist():
        found[int(batch.bay[row])].append(_event(table, batch, row))
    since = min(event.event_at for events in found.values() for event in events) - HISTORY
    bays = sorted(table.bays[slot] for slot in found)
    await _lock(connection, table, bays)
    parameters = {"bays": bays, "since": since}
    stored: dict[str, list[BayEvent]] = defaultdict(list)
    cursor = await connection.execute(statement("write", "history"), parameters)
    for bay, *values in await cursor.fetchall():
        stored[bay].append(_stored_event(values))
    stays: dict[str, list[Stay]] = defaultdict(list)
    cursor = await connection.execute(statement("write", "stays"), parameters)
    for bay, started_at, ended_at, start_seen, end_seen in await cursor.fetchall():
        stays[bay].append(
            Stay(started_at=started_at, ended_at=ended_at, start_seen=start_seen, end_seen=end_seen)
        )
    unknown: dict[str, list[Run]] = defaultdict(list)
    cursor = await connection.execute(statement("write", "unknown_runs"), parameters)
    for bay, started_at, ended_at in await cursor.fetchall():
        unknown[bay].append((started_at, ended_at))
    for slot, events in found.items():
        bay = table.bays[slot]
        known, blind = _with_open(table, slot, stays[bay]), _with_open_run(table, slot, unknown[bay])
        rebuilt = rebuild(stored[bay], events, known, blind, since=since, hold=table.hold)
        _take_over(changes, slot, rebuilt)
        if rebuilt.first_at is not None:
            changes.first_at.append((slot, rebuilt.first_at, since))
        heard_of = sum(event.kind is not EventKind.INFERRED for event in rebuilt.new_events)
        changes.rebuilt_duplicates += len(events) - heard_of


async def _lock(connection: Connection, table: BayTable, bays: list[str]) -> None:
    """Lock these bays' rows, which must be as they are in memory."""
    cursor = await connection.execute(statement("write", "lock_bays"), {"bays": bays})
    versions = dict(await cursor.fetchall())
    for bay in bays:
        if versions.get(bay) != table.positions.version[table.slots[bay]]:
            raise TableOutdated


def _with_open(table: BayTable, slot: int, ended: list[Stay]) -> list[Stay]:
    """The stays of a bay with the one that is open, which is stored in its state."""
    at = table.positions
    if at.reported[slot] != OCCUPIED:
        return ended
    start_seen = bool(at.start_seen[slot])
    opened = Stay(started_at=moment(at.since[slot]), ended_at=None, start_seen=start_seen, end_seen=False)
    return [*ended, opened]


def _with_open_run(table: BayTable, slot: int, ended: list[Run]) -> list[Run]:
    """The runs in which a bay was unknown with the one that goes on, which is stored in its state."""
    at = table.positions
    if at.reported[slot] != UNKNOWN or at.since[slot] == NOTHING:
        return ended
    return [*ended, (moment(at.since[slot]), None)]


def _take_over(changes: BayChanges, slot: int, rebuilt: Rebuilt) -> None:
    """Enter a rebuilt bay into the changes."""
    changes.new_events += [(slot, event) for event in rebuilt.new_events]
    changes.old_events += [(slot, event) for event in rebuilt.old_events]
    changes.new_stays += [(slot, stay) for stay in rebuilt.new_stays]
    changes.old_stays += [(slot, stay) for stay in rebuilt.old_stays]
    changes.new_unknown += [(slot, run) for run in rebuilt.new_unknown]
    changes.old_unknown += [(slot, run) for run in rebuilt.old_unknown]
    if rebuilt.position is None:
        return
    last, rows = rebuilt.position.last, changes.merged.positions
    row = int(np.searchsorted(changes.merged.slots, slot))
    changes.merged.moved[row] = True
    rows.reported[row] = STATE_CODES[last.event.state]
    rows.fault[row] = last.event.fault
    rows.since[row] = microseconds(rebuilt.position.since)
    rows.start_seen[row] = rebuilt.open_stay is not None and rebuilt.open_stay.start_seen
    rows.event_at[row] = microseconds(last.event.event_at)
    rows.placed_at[row] = microseconds(last.at)
    rows.age_s[row] = last.event.age_s
    rows.session[row], rows.seq[row], rows.part[row] = last.event.identity[1:]
    rows.settled[row] = rebuilt.settled
    held = rebuilt.position.held
    rows.held[row] = NOTHING if held is None else STATE_CODES[held]


def _event(table: BayTable, batch: Observations, row: int) -> BayEvent:
    slot = int(batch.bay[row])
    previous_s = int(batch.previous_s[row])
    return BayEvent(
        device=table.devices[slot] or "",
        session=int(batch.session[row]),
        seq=int(batch.seq[row]),
        part=int(batch.part[row]),
        event_at=moment(batch.event_us[row]),
        age_s=int(batch.age_s[row]),
        state=STATES[batch.state[row]],
        kind=KINDS[batch.kind[row]],
        received_at=moment(batch.received_us[row]),
        previous_s=None if previous_s == NOTHING else previous_s,
        fault=bool(batch.fault[row]),
    )


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
