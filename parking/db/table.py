"""Where every bay stands, in memory: a copy of `bay_state` that the database confirms or refuses.

Each row has a version. A transaction that was worked out from this copy updates rows only where the version
is still the one here, and fails as a whole with `TableOutdated` where it is not.
"""

from collections.abc import Sequence
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
    stacked,
)
from parking.db.binary import field_count, text_value
from parking.db.connect import Connection, chunks, statement
from parking.db.records import BayRecord
from parking.model import Occupancy

EVENT_FIELDS = 13


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

    `id_field` (of bays), `site_field` (of sites) and `event_prefix` (of bays) are ready for a binary COPY.
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
    site_field: list[bytes] = field(default_factory=list)

    def site(self, slot: int) -> str:
        """The site of a bay."""
        return self.sites[int(self.site_of[slot])]


async def load_table(connection: Connection, *, same: dict[str, str] | None = None) -> BayTable:
    """Read every bay, within a transaction. Equal texts are one object; `same` knows those from elsewhere."""
    one = ({} if same is None else same).setdefault
    table, sites, categories = BayTable(), [], []
    ttl_us, parts = [_none()], [_no_positions()]
    async for rows in chunks(connection, statement("write", "table"), {"bays": None}):
        bays, chunk_sites, devices, chunk_categories, chunk_ttl, *rest = zip(*rows, strict=True)
        table.bays += [one(bay, bay) for bay in bays]
        table.devices += [device and one(device, device) for device in devices]
        sites += [one(site, site) for site in chunk_sites]
        categories += [one(category, category) for category in chunk_categories]
        ttl_us.append(np.array(chunk_ttl, dtype=np.int64))
        parts.append(_positions(rest))
    table.slots = {bay: slot for slot, bay in enumerate(table.bays)}
    table.ttl_us, table.positions = np.concatenate(ttl_us), stacked(parts)
    table.sites = sorted(set(sites))
    table.site_of = _indices(table.sites, sites)
    pairs = list(zip(sites, categories, strict=True))
    table.groups = sorted(set(pairs))
    table.group_of = _indices(table.groups, pairs)
    table.id_field = [text_value(bay) for bay in table.bays]
    table.site_field = [text_value(site) for site in table.sites]
    head = field_count(EVENT_FIELDS)
    table.event_prefix = [
        head + name + text_value(device or "") + table.site_field[site]
        for name, device, site in zip(table.id_field, table.devices, table.site_of, strict=True)
    ]
    return table


def _indices(names: Sequence[Any], values: Sequence[Any]) -> Ints:
    """Where each value stands among the names."""
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[value] for value in values], dtype=np.int64)


async def refresh(connection: Connection, table: BayTable, slots: Ints) -> None:
    """Read anew where these bays stand; those that are gone stay as they are.

    Raises TableOutdated if another device watches one of them now: then the registry must be read anew.
    """
    if not len(slots):
        return
    parameters = {"bays": [table.bays[slot] for slot in slots.tolist()]}
    cursor = await connection.execute(statement("write", "table"), parameters, binary=True)
    rows = await cursor.fetchall()
    if rows:
        bays, _, devices, _, _, *rest = zip(*rows, strict=True)
        found = np.array([table.slots[bay] for bay in bays], dtype=np.int64)
        if any(table.devices[s] != device for s, device in zip(found.tolist(), devices, strict=True)):
            raise TableOutdated(found)
        table.positions.put(found, _positions(rest))


def _positions(columns: Sequence[Any]) -> Positions:
    state, reported, *rest = columns
    names = [name for name in column_types(Positions) if name not in ("state", "reported")]
    values: dict[str, Any] = dict(zip(names, rest, strict=True))
    values["state"] = [STATE_CODES[Occupancy(value)] for value in state]
    values["reported"] = [STATE_CODES[Occupancy(value)] for value in reported]
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
