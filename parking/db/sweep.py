"""Looks at every device, some sites at a time, and keeps the table of findings true."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from parking.columns import STATE_CODES
from parking.db.connect import Connection, statement
from parking.db.device_health import sample_batteries
from parking.db.records import columns
from parking.health.judge import judge
from parking.health.model import DAYS, Bays, Finding
from parking.model import Occupancy

CHUNK_BAYS = 1000
"""Bays that are looked at together, unless one site has more."""
REST = 20.0
"""After a sweep comes a pause so many times as long."""
FLAP_S = 60
"""A state that lasts shorter is taken for no vehicle's."""

_FLOATS = (
    "heartbeat_s", "assigned_at", "since", "seen_at", "battery_v", "battery_pct", "empty_at",
    "said_heartbeat_s", "health_at", "flap_s", "first_at", "occupied_s",
)  # fmt: skip
COLUMNS = (
    "bay", "site", "device", "category", "heartbeat_s", "assigned_at", "reported", "fault", "since",
    "seen_at", "battery_v", "battery_pct", "battery_low", "empty_at", "said_heartbeat_s", "health",
    "health_at", "changes", "flaps", "flap_s", "runs", "flaps_3d", "runs_3d", "first_at", "occupied_s",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep looked at and found, and how long it took (seconds)."""

    bays: int
    findings: int
    took_s: float


async def sweep_if_due(connection: Connection, *, every_s: float) -> Swept | None:
    """Look at everything unless another process does so now, or did within the last `every_s`.

    Where a sweep takes long they are rarer, so that they take a twentieth of the time at most.
    """
    async with _alone(connection) as alone:
        if not alone:
            return None
        cursor = await connection.execute(statement("findings", "last_sweep"))
        last = await cursor.fetchone()
        if last is not None and last[2] < max(every_s, last[1] * REST):
            return None
        cursor = await connection.execute(statement("ingestors", "time"))
        row = await cursor.fetchone()
        assert row is not None, "the query returns one row"
        return await sweep(connection, now=row[0])


async def sweep(connection: Connection, *, now: datetime) -> Swept:
    """Look at everything as of `now`, one transaction for some sites at a time."""
    started, bays, findings = time.monotonic(), 0, 0
    cursor = await connection.execute(statement("findings", "sites"))
    for sites in _chunks(await cursor.fetchall()):
        async with connection.transaction():
            await sample_batteries(connection, sites, now=now)
            looked_at = await load_bays(connection, sites, now=now)
            # In a thread: the loop that ingests has more urgent things to do.
            found = await asyncio.to_thread(judge, looked_at, now.timestamp())
            await _keep(connection, sites, found, now=now)
        bays += len(looked_at)
        findings += len(found)
    took_s = time.monotonic() - started
    record: dict[str, Any] = {"started_at": now, "finished_at": now + timedelta(seconds=took_s)}
    record |= {"bays": bays, "findings": findings}
    await connection.execute(statement("findings", "record_sweep"), record)
    return Swept(bays, findings, took_s)


async def load_bays(connection: Connection, sites: Sequence[str], *, now: datetime) -> Bays:
    """What the rules look at, of the watched bays of these sites."""
    parameters = {"sites": list(sites), "now": now, "flap_s": FLAP_S}
    cursor = await connection.execute(statement("findings", "digest"), parameters, binary=True)
    rows = await cursor.fetchall()
    values: dict[str, Any] = dict(
        zip(COLUMNS, zip(*rows, strict=True) if rows else [()] * len(COLUMNS), strict=True)
    )
    categories = {category: number for number, category in enumerate(sorted(set(values["category"])))}
    floats: dict[str, Any] = {name: np.array(values[name], dtype=np.float64) for name in _FLOATS}
    return Bays(
        **floats,
        bay=values["bay"],
        site=values["site"],
        device=values["device"],
        health=values["health"],
        category=np.array([categories[category] for category in values["category"]], dtype=np.int64),
        reported=np.array([STATE_CODES[Occupancy(state)] for state in values["reported"]], dtype=np.int64),
        fault=np.array(values["fault"], dtype=np.bool_),
        battery_low=np.array(values["battery_low"], dtype=np.bool_),
        changes=np.array(values["changes"], dtype=np.int64).reshape(len(rows), DAYS),
        flaps=np.array(values["flaps"], dtype=np.int64),
        runs=np.array(values["runs"], dtype=np.int64),
        flaps_3d=np.array(values["flaps_3d"], dtype=np.int64),
        runs_3d=np.array(values["runs_3d"], dtype=np.int64),
    )


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[bool]:
    """Whether nobody else sweeps until this ends."""
    cursor = await connection.execute(statement("findings", "hold"))
    alone = (await cursor.fetchone()) == (True,)
    try:
        yield alone
    finally:
        if alone and not connection.closed:
            await connection.execute(statement("findings", "let_go"))


def _chunks(sites: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Whole sites, about `CHUNK_BAYS` bays at a time."""
    chunk: list[str] = []
    size = 0
    for site, bays in sites:
        if chunk and size + bays > CHUNK_BAYS:
            yield chunk
            chunk, size = [], 0
        chunk.append(site)
        size += bays
    if chunk:
        yield chunk


async def _keep(
    connection: Connection, sites: Sequence[str], found: Sequence[Finding], *, now: datetime
) -> None:
    """Close what is over, open what is new."""
    rows = [
        (
            f.device,
            f.bay,
            f.site,
            f.rule.value,
            f.severity.value,
            f.since,
            f.lost_h,
            f.reason,
            json.dumps(dict(f.evidence)),
        )
        for f in found
    ]
    names = "device_id bay_id site_id rule severity since lost_h reason evidence"
    parameters = {**columns(names, rows), "sites": list(sites), "now": now}
    await connection.execute(statement("findings", "close"), parameters)
    if rows:
        await connection.execute(statement("findings", "open"), parameters)
