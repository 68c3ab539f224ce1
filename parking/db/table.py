"""Where every bay stands, in memory: a copy of `bay_state` that the database confirms or refuses.

Each row has a version. A transaction that was worked out from this copy updates rows only where the version
is still the one here, and fails as a whole with `TableOutdated` where it is not.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
)
from parking.db.binary import field_count, text_value
from parking.db.connect import Connection, statement
from parking.db.records import BayRecord
from parking.model import Occupancy

EVENT_FIELDS = 13
STAY_FIELDS = 6


class TableOutdated(Exception):
    """Another process changed some of these bays, which this one had in memory: `refresh` and try again."""

    def __init__(self, slots: Ints) -> None:
        self.slots = slots
        super().__init__(f"up to {len(slots)} bays were changed by another process")


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _no_positions() -> Positions:
    return positions(dict.fromkeys(column_types(Positions), ()))


@dataclass(slots=True)
class BayTable:
    """Every bay by slot. `groups` are pairs of site and category, in their order.

    `event_prefix` and `stay_prefix` begin a bay's rows in a binary COPY.
    """

    slots: dict[str, int] = field(default_factory=dict)
    bays: list[str] = field(default_factory=list)
    devices: list[str | None] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)
    site_of: Ints = field(default_factory=_none)
    groups: list[tuple[str, str]] = field(default_factory=list)
    group_of: Ints = field(default_factory=_none)
    ttl_us: Ints = field(default_factory=_none)
    positions: Positions = field(default_factory=_no_positions)
    id_field: list[bytes] = field(default_factory=list)
    event_prefix: list[bytes] = field(default_factory=list)
    stay_prefix: list[bytes] = field(default_factory=list)

    def site(self, slot: int) -> str:
        """The site of a bay."""
        return self.sites[int(self.site_of[slot])]


async def load_table(connection: Connection) -> BayTable:
    """Read every bay."""
    rows = await _rows(connection, None)
    table = BayTable()
    if not rows:
        return table
    bays, sites, devices, categories, ttl_us, state, reported, *rest = zip(*rows, strict=True)
    table.bays, table.devices = list(bays), list(devices)
    table.slots = {bay: slot for slot, bay in enumerate(bays)}
    table.sites = sorted(set(sites))
    number = {site: i for i, site in enumerate(table.sites)}
    table.site_of = np.array([number[site] for site in sites], dtype=np.int64)
    pairs = list(zip(sites, categories, strict=True))
    table.groups = sorted(set(pairs))
    group = {pair: i for i, pair in enumerate(table.groups)}
    table.group_of = np.array([group[pair] for pair in pairs], dtype=np.int64)
    table.ttl_us = np.array(ttl_us, dtype=np.int64)
    table.positions = _positions(state, reported, rest)
    table.id_field = [text_value(bay) for bay in bays]
    head = field_count(STAY_FIELDS)
    site_fields = [text_value(site) for site in table.sites]
    table.stay_prefix = [
        head + name + site_fields[site] for name, site in zip(table.id_field, table.site_of, strict=True)
    ]
    head = field_count(EVENT_FIELDS)
    table.event_prefix = [
        head + name + text_value(device or "") + site_fields[site]
        for name, device, site in zip(table.id_field, devices, table.site_of, strict=True)
    ]
    return table


async def refresh(connection: Connection, table: BayTable, slots: Ints) -> None:
    """Read anew where these bays stand; those that are gone stay as they are."""
    if not len(slots):
        return
    rows = await _rows(connection, [table.bays[slot] for slot in slots.tolist()])
    if rows:
        bays, _, _, _, _, state, reported, *rest = zip(*rows, strict=True)
        found = np.array([table.slots[bay] for bay in bays], dtype=np.int64)
        table.positions.put(found, _positions(state, reported, rest))


async def _rows(connection: Connection, bays: list[str] | None) -> list[Any]:
    cursor = await connection.execute(statement("write", "table"), {"bays": bays}, binary=True)
    return await cursor.fetchall()


def _positions(state: Any, reported: Any, rest: list[Any]) -> Positions:
    names = [name for name in column_types(Positions) if name not in ("state", "reported")]
    columns: dict[str, Any] = dict(zip(names, rest, strict=True))
    columns["state"] = [STATE_CODES[Occupancy(value)] for value in state]
    columns["reported"] = [STATE_CODES[Occupancy(value)] for value in reported]
    return positions(columns)


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
