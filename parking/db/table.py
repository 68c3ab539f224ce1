"""Where every bay stands, in memory: a copy of `bay_state` that the database confirms or refuses.

Each row has a version. A transaction that was worked out from this copy updates rows only where the version
is still the one here, and fails as a whole with `TableOutdated` where it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from firmware_protocol.window import Window
from parking.columns import (
    KIND_CODES,
    NOTHING,
    STATE_CODES,
    UNSAID,
    Ints,
    Observations,
    Positions,
    column_types,
    microseconds,
    observations,
    positions,
    stacked,
)
from parking.db.binary import field_count, text_value
from parking.db.connect import Connection, chunks, statement
from parking.db.records import BayRecord
from parking.model import Occupancy
from parking.replay import WindowKey

EVENT_FIELDS = 13


class TableOutdated(Exception):
    """Another process changed bays that this one had in memory."""


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _no_positions() -> Positions:
    return positions(dict.fromkeys(column_types(Positions), ()))


@dataclass(slots=True)
class BayTable:
    """Every bay by slot, and the replay windows. `groups` are pairs of site and category, in their order.

    `hold_us` is how long a state must last that follows a short one, before it is shown.
    `period_us` is since when the bay has been of its group, `NOTHING` if it has never been of another.
    `site_field` (of sites) and `event_prefix` (of bays) are ready for a binary COPY.
    """

    slots: dict[str, int] = field(default_factory=dict)
    bays: list[str] = field(default_factory=list)
    devices: list[str | None] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)
    site_of: Ints = field(default_factory=_none)
    groups: list[tuple[str, str]] = field(default_factory=list)
    group_of: Ints = field(default_factory=_none)
    ttl_us: Ints = field(default_factory=_none)
    period_us: Ints = field(default_factory=_none)
    positions: Positions = field(default_factory=_no_positions)
    hold_us: int = 0
    event_prefix: list[bytes] = field(default_factory=list)
    site_field: list[bytes] = field(default_factory=list)
    windows: dict[WindowKey, Window] = field(default_factory=dict)

    @property
    def hold(self) -> timedelta:
        """The same as a duration."""
        return timedelta(microseconds=self.hold_us)

    def site(self, slot: int) -> str:
        """The site of a bay."""
        return self.sites[int(self.site_of[slot])]

    def id_field(self, slot: int) -> bytes:
        """A bay's id, ready for a binary COPY or an array."""
        return self.event_prefix[slot][2 : 6 + len(self.bays[slot].encode())]


async def load_table(connection: Connection, *, same: dict[str, str] | None = None) -> BayTable:
    """Read every bay, within a transaction. Equal texts are one object; `same` knows those from elsewhere."""
    one = ({} if same is None else same).setdefault
    table, groups = BayTable(), dict[tuple[str, str], int]()
    group_of, ttl_us, period_us, parts = [_none()], [_none()], [_none()], [_no_positions()]
    async for rows in chunks(connection, statement("write", "table"), {"bays": None}):
        bays, sites, devices, categories, ttl, period, *rest = zip(*rows, strict=True)
        table.bays += [one(bay, bay) for bay in bays]
        table.devices += [device and one(device, device) for device in devices]
        found = [groups.setdefault(pair, len(groups)) for pair in zip(sites, categories, strict=True)]
        group_of.append(np.array(found, dtype=np.int64))
        ttl_us.append(np.array(ttl, dtype=np.int64))
        period_us.append(np.array(period, dtype=np.int64))
        parts.append(_positions(rest))
    table.slots = {bay: slot for slot, bay in enumerate(table.bays)}
    table.ttl_us, table.period_us = np.concatenate(ttl_us), np.concatenate(period_us)
    table.positions = stacked(parts)
    table.groups = sorted(groups)
    table.group_of = _indices(table.groups, list(groups))[np.concatenate(group_of)]
    table.sites = sorted({site for site, _ in groups})
    table.site_of = _indices(table.sites, [site for site, _ in table.groups])[table.group_of]
    table.site_field = [text_value(site) for site in table.sites]
    head = field_count(EVENT_FIELDS)
    table.event_prefix = [
        head + text_value(bay) + text_value(device or "") + table.site_field[site]
        for bay, device, site in zip(table.bays, table.devices, table.site_of, strict=True)
    ]
    return table


def _indices(names: Sequence[Any], values: Sequence[Any]) -> Ints:
    """Where each value stands among the names."""
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[value] for value in values], dtype=np.int64)


async def refresh(connection: Connection, table: BayTable, slots: Ints, *, lock: bool = False) -> None:
    """Read anew where these bays stand, and keep others from changing it; those gone stay as they are.

    Raises TableOutdated if one of them has another device, site or category now: then the registry must be
    read anew.
    """
    if not len(slots):
        return
    parameters = {"bays": [table.bays[slot] for slot in sorted(slots.tolist())]}
    if lock:
        await connection.execute(statement("write", "lock_bays"), parameters)
    cursor = await connection.execute(statement("write", "table"), parameters, binary=True)
    rows = await cursor.fetchall()
    if rows:
        bays, sites, devices, categories, _, _, *rest = zip(*rows, strict=True)
        found = np.array([table.slots[bay] for bay in bays], dtype=np.int64)
        for slot, device, *group in zip(found.tolist(), devices, sites, categories, strict=True):
            if table.devices[slot] != device or table.groups[table.group_of[slot]] != tuple(group):
                raise TableOutdated
        table.positions.put(found, _positions(rest))


def _positions(columns: Sequence[Any]) -> Positions:
    state, reported, held, *rest = columns
    names = [name for name in column_types(Positions) if name not in ("state", "reported", "held")]
    values: dict[str, Any] = dict(zip(names, rest, strict=True))
    values["state"] = [STATE_CODES[Occupancy(value)] for value in state]
    values["reported"] = [STATE_CODES[Occupancy(value)] for value in reported]
    values["held"] = [NOTHING if value is None else STATE_CODES[Occupancy(value)] for value in held]
    return positions(values)


def tabulate(table: BayTable, records: list[BayRecord]) -> Observations:
    """Observations as columns. Every bay is in the table."""
    rows = []
    for record in records:
        seen = record.observation
        rows.append(
            (
                table.slots[record.bay],
                seen.session,
                seen.seq,
                seen.part,
                microseconds(seen.event_at),
                microseconds(seen.seen_at),
                microseconds(record.received_at),
                seen.age_s,
                NOTHING if seen.previous_s is None else seen.previous_s,
                UNSAID if seen.state is None else STATE_CODES[seen.state],
                KIND_CODES[seen.kind],
                seen.fault,
                np.nan if seen.battery_v is None else seen.battery_v,
                np.nan if seen.temperature_c is None else seen.temperature_c,
            )
        )
    return observations(rows)
