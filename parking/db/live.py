"""What the live view reads: everything at once, then only what notifications say has changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import IsolationLevel

from parking.db.connect import Connection, connect, statement
from parking.db.live_bays import BayColumns, load_bays
from parking.db.migrate import check_schema
from parking.db.opening import Closure
from parking.db.signs import SignFacts, SignState, load_sign_facts, load_sign_states
from parking.details import NOTHING, SiteDetails, site_details
from parking.errors import DatabaseUnavailable
from parking.model import Counting, Occupancy, SiteStatus, Snapshot

Location = tuple[float, float]
"""Longitude and latitude in degrees (WGS 84)."""

_LISTEN: tuple[LiteralString, ...] = ("listen_sites", "listen_registry", "listen_alive", "listen_signs")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What the registry says of a site."""

    id: str
    name: str
    kind: str
    counting: Counting
    timezone: str
    location: Location | None
    details: SiteDetails = NOTHING
    registered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BayNow:
    """What is published of a bay; `revision` is the site's at which it last changed."""

    state: Occupancy
    since: datetime | None
    fault: bool
    revision: int


@dataclass(frozen=True, slots=True)
class BayFacts:
    """What the registry says of a bay."""

    id: str
    site: str
    category: str
    location: Location | None
    max_stay_min: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The database's time, and the least recent of the ingestors' confirmations (None without any).

    `signs_decided_at` is when one of them last looked at all signs.
    """

    database_time: datetime
    confirmed_at: datetime | None
    ingestors: int
    connected: int
    signs_decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Everything:
    """All that the live view holds, as of one moment."""

    confirmation: Confirmation
    sites: list[tuple[SiteFacts, Snapshot]]
    bays: BayColumns
    signs: list[SignFacts]
    closures: list[Closure] = field(default_factory=list)
    sign_states: list[SignState] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Changes:
    """The snapshots of some sites and their bays that changed, each as (site, bay, now)."""

    confirmation: Confirmation
    snapshots: list[Snapshot]
    bays: list[tuple[str, str, BayNow]]
    sign_states: list[SignState] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notices:
    """What a round of notifications asked for, each thing once."""

    sites: frozenset[str] = frozenset()
    all_sites: bool = False
    registry: bool = False
    signs: frozenset[str] = frozenset()
    all_signs: bool = False


@asynccontextmanager
async def listen(database_url: str) -> AsyncIterator[Connection]:
    """A connection that hears every change from now on.

    Raises DatabaseUnavailable, also when it is lost in use, and SchemaError.
    """
    try:
        async with connect(database_url, name="parking api", autocommit=True) as connection:
            await check_schema(connection)
            # Each load is one transaction on one snapshot: a site and its bays always agree.
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            for name in _LISTEN:
                await connection.execute(statement("live", name))
            yield connection
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"The database connection was lost: {str(error).strip()}") from error


async def next_notices(connection: Connection, *, idle_s: float, not_before: float) -> Notices:
    """What was notified: told at once, but not before `not_before` (time.monotonic), so that bursts are one.

    Empty after `idle_s` seconds of silence. Nothing piles up here: a site notified many times is in it once.
    """
    payloads = [(n.channel, n.payload) async for n in connection.notifies(timeout=idle_s, stop_after=1)]
    if payloads and (rest := not_before - time.monotonic()) > 0:
        payloads += [(n.channel, n.payload) async for n in connection.notifies(timeout=rest)]
    sites = _named(payloads, "parking_sites")
    signs = _named(payloads, "parking_signs")
    return Notices(
        sites=sites - {""},
        all_sites="" in sites,
        registry=any(channel == "parking_registry" for channel, _ in payloads),
        signs=signs - {""},
        all_signs="" in signs,
    )


def _named(notified: list[tuple[str, str]], channel: str) -> frozenset[str]:
    """The ids that were notified on a channel; the empty one stands for all."""
    return frozenset(id for on, payload in notified if on == channel for id in payload.split(","))


async def load_all(connection: Connection) -> Everything:
    """Read the whole registry with all that is published."""
    async with connection.transaction():
        return Everything(
            confirmation=await load_confirmation(connection),
            # In a thread: thousands of sites take long enough to hold up other work of the event loop.
            sites=await asyncio.to_thread(_sites, await _rows(connection, "sites")),
            bays=await load_bays(connection),
            signs=await load_sign_facts(connection),
            closures=[Closure(*row) for row in await _rows(connection, "closures")],
            sign_states=await load_sign_states(connection),
        )


async def load_changes(
    connection: Connection, known: Mapping[str, int], *, signs: Sequence[str] | None = ()
) -> Changes:
    """Read the sites in `known`, and their bays that changed after the revision given there.

    And the states of these signs, of all with None.
    """
    ids, revisions = list(known), list(known.values())
    async with connection.transaction():
        return Changes(
            confirmation=await load_confirmation(connection),
            snapshots=[_snapshot(row) for row in await _rows(connection, "changed_sites", (ids,))],
            bays=[
                (site, bay, BayNow(Occupancy(state), since, fault, revision))
                for bay, site, state, since, fault, revision in await _rows(
                    connection, "changed_bays", (ids, revisions)
                )
            ],
            sign_states=[] if signs == () else await load_sign_states(connection, signs),
        )


async def load_confirmation(connection: Connection) -> Confirmation:
    """What the database's clock says, and when the numbers and the signs were last vouched for."""
    (row,) = await _rows(connection, "clock")
    return Confirmation(*row)


async def _rows(
    connection: Connection, name: LiteralString, arguments: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("live", name), arguments)
    return await cursor.fetchall()


def _sites(rows: list[tuple[Any, ...]]) -> list[tuple[SiteFacts, Snapshot]]:
    return [_site(row) for row in rows]


def _site(row: tuple[Any, ...]) -> tuple[SiteFacts, Snapshot]:
    site, name, kind, counting, timezone, lon, lat, details, *snapshot, registered_at = row
    facts = SiteFacts(
        id=site,
        name=name,
        kind=kind,
        counting=Counting(counting),
        timezone=timezone,
        location=_location(lon, lat),
        details=site_details(details),
        registered_at=registered_at,
    )
    return facts, _snapshot((site, *snapshot))


def _snapshot(row: tuple[Any, ...]) -> Snapshot:
    site, revision, status, capacity, vacant, occupied, unknown, free_min, free_max, as_of = row
    return Snapshot(
        site_id=site,
        revision=revision,
        status=SiteStatus(status),
        capacity=capacity,
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        free_min=free_min,
        free_max=free_max,
        as_of=as_of,
    )


def _location(lon: float | None, lat: float | None) -> Location | None:
    return None if lon is None or lat is None else (lon, lat)
