"""Publishes a site's number: counts what is there, gives it a revision, tells every process."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parking.availability import Counts, count_bays, count_gates
from parking.db.connect import Connection, statement
from parking.model import Counting, SiteStatus, Snapshot

NOTIFY_LIMIT = 7900
"""Bytes in one notification; PostgreSQL allows fewer than 8000."""


BayCounts = tuple[int, int, int]
"""Bays that are vacant, occupied and unknown."""


@dataclass(frozen=True, slots=True)
class LockedSite:
    """A site whose number this transaction may change: how it is counted, and what is published now."""

    counting: Counting
    status: SiteStatus
    capacity: int | None
    inside: int | None
    inside_sd: float | None
    published: Snapshot

    @property
    def bays(self) -> BayCounts:
        """What is published of its bays."""
        return (self.published.vacant, self.published.occupied, self.published.unknown)


async def lock_sites(connection: Connection, sites: Collection[str]) -> dict[str, LockedSite]:
    """Lock the published numbers of these sites, in key order. Comes before any lock of a bay."""
    if not sites:
        return {}
    cursor = await connection.execute(statement("sites", "lock"), {"sites": list(sites)})
    return {
        site_id: LockedSite(
            Counting(counting),
            SiteStatus(status),
            capacity,
            inside,
            inside_sd,
            _snapshot(site_id, revision, was_status, Counts(*numbers), as_of),
        )
        for site_id, counting, status, capacity, inside, inside_sd, revision, was_status, *numbers, as_of
        in await cursor.fetchall()
    }  # fmt: skip


async def recount(connection: Connection, sites: Collection[str]) -> dict[str, BayCounts]:
    """Count the bays of these sites anew."""
    cursor = await connection.execute(statement("sites", "recount"), {"sites": list(sites)})
    return {
        site_id: (vacant, occupied, unknown) for site_id, vacant, occupied, unknown in await cursor.fetchall()
    }


async def publish_sites(
    connection: Connection,
    locked: Mapping[str, LockedSite],
    *,
    bays: Mapping[str, BayCounts],
    inside: Mapping[str, int],
    bays_changed: Collection[str] = (),
) -> list[Snapshot]:
    """Publish the locked sites whose number is another now, or one of whose bays has changed.

    `bays` has the present counts of bay-counted sites, `inside` the running counts of gate-counted ones;
    sites not in there are as they were.
    """
    changed = []
    for site_id, site in locked.items():
        if site.counting is Counting.BAYS:
            vacant, occupied, unknown = bays.get(site_id, (0, 0, 0))
            counts = count_bays(vacant=vacant, occupied=occupied, unknown=unknown)
        else:
            counts = count_gates(
                capacity=site.capacity or 0,
                inside=inside.get(site_id, site.inside or 0),
                sd=site.inside_sd or 0.0,
            )
        was = site.published
        new = _snapshot(site_id, was.revision, site.status, counts, was.as_of)
        if site_id in bays_changed or new != was:
            changed.append(replace(new, revision=was.revision + 1))
    return await _store(connection, changed) if changed else []


async def published(connection: Connection, sites: Sequence[str] | None = None) -> list[Snapshot]:
    """The present numbers of these sites, or of all."""
    cursor = await connection.execute(statement("sites", "published"), {"sites": sites})
    return [
        _snapshot(site_id, revision, status, Counts(*numbers), as_of)
        for site_id, revision, status, *numbers, as_of in await cursor.fetchall()
    ]


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
    for payload in payloads([site.site_id for site in changed]):
        await connection.execute(statement("sites", "notify"), (payload,))
    return [replace(site, as_of=row[0]) for site in changed]


def payloads(sites: Sequence[str]) -> Iterator[str]:
    """The ids joined by commas, in as many notifications as their length takes."""
    part = ""
    for site in sites:
        if part and len(part) + 1 + len(site) > NOTIFY_LIMIT:
            yield part
            part = ""
        part = f"{part},{site}" if part else site
    yield part
