"""A past for sites, and a present that a test moves on by itself, for tests of the live forecast."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from parking.db.connect import Connection

QUARTER = timedelta(minutes=15)


async def past(connection: Connection, site: str, counts: Mapping[datetime, int], *, capacity: int) -> None:
    """Give a site counts at quarter hours, as if they had been published."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO site_count VALUES (%s, %s, %s, %s, 0)",
            [(site, at, capacity, occupied) for at, occupied in counts.items()],
        )


async def present(connection: Connection, now: datetime, occupied: Mapping[str, int]) -> None:
    """Publish numbers, and have an ingestor vouch for them."""
    for site, count in occupied.items():
        await connection.execute(
            "UPDATE site_state SET occupied = %(n)s, vacant = capacity - %(n)s, unknown = 0, inside = %(n)s,"
            " free_min = capacity - %(n)s, free_max = capacity - %(n)s, revision = revision + 1"
            " WHERE site_id = %(site)s",
            {"n": count, "site": site},
        )
    await connection.execute(
        "INSERT INTO ingest_status (ingestor, started_at, alive_at, connected)"
        " VALUES ('test', %(now)s, %(now)s, true)"
        " ON CONFLICT (ingestor) DO UPDATE SET alive_at = excluded.alive_at",
        {"now": now},
    )


def quarters(start: datetime, end: datetime) -> list[datetime]:
    """The quarter hours from `start` on, before `end`."""
    return [start + QUARTER * step for step in range(int((end - start) / QUARTER))]


async def told(connection: Connection, site: str) -> dict[str, Any]:
    """What stands for a site: its row, and its numbers by minutes ahead."""
    cursor = await connection.execute(
        "SELECT made_at, basis, why, distrust, minutes, free, low, high, chance FROM site_forecast"
        " WHERE site_id = %s",
        (site,),
    )
    row = await cursor.fetchone()
    assert row is not None, f"nothing is told of {site}"
    made_at, basis, why, distrust, minutes, free, low, high, chance = row
    numbers = zip(free, low, high, chance, strict=True)
    points = dict(zip(minutes, numbers, strict=True))
    return {"made_at": made_at, "basis": basis, "why": why, "distrust": distrust, "points": points}
