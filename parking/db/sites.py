"""Publishes a site's number: counts what is there, gives it a revision, tells every process."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from parking.availability import Counts, count_bays, count_gates
from parking.db.connect import Connection, statement
from parking.model import Counting, SiteStatus, Snapshot

NOTIFY_LIMIT = 7900
"""Bytes in one notification; PostgreSQL allows fewer than 8000."""


async def lock_sites(connection: Connection, sites: Collection[str]) -> dict[str, int]:
    """Lock the published numbers of these sites, in key order; their present revisions."""
    if not sites:
        return {}
    cursor = await connection.execute(statement("sites", "lock"), {"sites": list(sites)})
    return dict(await cursor.fetchall())


async def publish_sites(
    connection: Connection, sites: Collection[str], *, bays_changed: Collection[str] = ()
) -> list[Snapshot]:
    """Recount these sites; those whose number, or one of whose bays, changed get a new revision.

    Call `lock_sites` first in the same transaction where the bays' revisions matter.
    """
    if not sites:
        return []
    cursor = await connection.execute(statement("sites", "inputs"), {"sites": list(sites)})
    changed = []
    for (
        site_id,
        counting,
        status,
        capacity,
        vacant,
        occupied,
        unknown,
        inside,
        *was,
    ) in await cursor.fetchall():
        if counting == Counting.BAYS:
            counts = count_bays(vacant=vacant, occupied=occupied, unknown=unknown)
        else:
            counts = count_gates(capacity=capacity, inside=inside)
        revision, as_of = was[0], was[-1]
        if site_id in bays_changed or [status, *_numbers(counts)] != was[1:-1]:
            changed.append(_snapshot(site_id, revision + 1, status, counts, as_of))
    return await _store(connection, changed) if changed else []


async def published(connection: Connection) -> list[Snapshot]:
    """Every site's present number."""
    cursor = await connection.execute(statement("sites", "all"))
    return [
        _snapshot(site_id, revision, status, Counts(*numbers), as_of)
        for site_id, revision, status, *numbers, as_of in await cursor.fetchall()
    ]


def _numbers(counts: Counts) -> tuple[int, ...]:
    return (
        counts.capacity,
        counts.vacant,
        counts.occupied,
        counts.unknown,
        counts.free_min,
        counts.free_max,
    )


def _snapshot(site_id: str, revision: int, status: str, counts: Counts, as_of: Any) -> Snapshot:
    return Snapshot(
        site_id=site_id,
        revision=revision,
        status=SiteStatus(status),
        capacity=counts.capacity,
        vacant=counts.vacant,
        occupied=counts.occupied,
        unknown=counts.unknown,
        free_min=counts.free_min,
        free_max=counts.free_max,
        as_of=as_of,
    )


async def _store(connection: Connection, changed: list[Snapshot]) -> list[Snapshot]:
    columns = (
        "site_id", "revision", "status", "capacity", "vacant", "occupied", "unknown", "free_min", "free_max",
    )  # fmt: skip
    values = {column: [getattr(site, column) for site in changed] for column in columns}
    cursor = await connection.execute(statement("sites", "publish"), values)
    row = await cursor.fetchone()
    assert row is not None, "every site was locked, so every site was updated"
    for payload in _payloads([site.site_id for site in changed]):
        await connection.execute(statement("sites", "notify"), (payload,))
    return [replace(site, as_of=row[0]) for site in changed]


def _payloads(sites: Sequence[str]) -> Iterator[str]:
    """The ids joined by commas, in as many notifications as their length takes."""
    part = ""
    for site in sites:
        if part and len(part) + 1 + len(site) > NOTIFY_LIMIT:
            yield part
            part = ""
        part = f"{part},{site}" if part else site
    yield part
