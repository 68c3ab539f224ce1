"""A town in which every kind of site is to be seen: free, full, closed, partly unknown, unknown, at gates."""

from typing import Any

import psycopg

from parking.db.connect import Connection, connect
from parking.db.opening import close_site
from parking.db.registry import import_registry
from parking.registry import parse_registry
from tests.support.history import make_history, make_passages
from tests.support.ingestor import HandIngestor

CENTRE = (-3.176, 51.482)
QUICK = {"id": "sign-1", "name": "Queen Street sign", "valid_s": 5, "poll_s": 1}
"""A sign that soon goes out when it is cut off."""
CATEGORIES = ("standard", "standard", "disabled", "electric", "loading")


def street(number: int, name: str, bays: int, **more: Any) -> dict[str, Any]:
    """A street with sensors of our own."""
    lon, lat = CENTRE[0] + number * 0.0015, CENTRE[1] + (number % 3) * 0.001
    site = name.lower().replace(" ", "-")
    return {
        "id": site,
        "name": name,
        "kind": "on_street",
        "counting": "bays",
        "zone": "centre",
        "address": f"{name}, Cardiff",
        "location": {"lon": lon, "lat": lat},
        "max_stay_min": 120,
        "tariff": {"per_hour": 2.4, "text": "£2.40 an hour, 8am to 6pm"},
        "bays": [
            {
                "id": f"{site}-{bay:03}",
                "category": CATEGORIES[bay % len(CATEGORIES)],
                "max_stay_min": 120,
                "location": {"lon": lon + bay * 0.00006, "lat": lat + bay * 0.00001},
                "sensor": {"id": f"{site}-s{bay}", "codec": "parking-v1"},
            }
            for bay in range(bays)
        ],
        "signs": [{"id": f"sign-{number}", "name": f"{name} sign"}],
        **more,
    }


def park(number: int, name: str, capacity: int, inside: int, **more: Any) -> dict[str, Any]:
    """A car park that is counted at its gates."""
    site = name.lower().replace(" ", "-")
    lon, lat = CENTRE[0] - number * 0.0015, CENTRE[1] - 0.001
    return {
        "id": site,
        "name": name,
        "kind": "off_street",
        "counting": "gates",
        "capacity": capacity,
        "initial_count": inside,
        "zone": "centre",
        "address": f"{name} car park, Cardiff",
        "location": {"lon": lon, "lat": lat},
        "max_height_m": 2.1,
        "opening_hours": "24/7",
        "tariff": {"per_hour": 1.8},
        "entrances": [{"lon": lon, "lat": lat, "name": "North gate"}],
        "spaces": {"standard": capacity - 10, "disabled": 10},
        "gates": [{"camera": f"{site}-in", "direction": "in"}, {"camera": f"{site}-out", "direction": "out"}],
        "signs": [{"id": f"sign-p{number}", "name": f"{name} sign"}],
        **more,
    }


async def make_used_town(database_url: str) -> None:
    """The town with four weeks of use behind it."""
    await make_town(database_url, days=28)


async def make_town(database_url: str, *, days: int = 0) -> None:
    """Put the town into a database, with its numbers as of now and so many days of use before."""
    sites = [
        street(1, "Queen Street", 20, signs=[QUICK]),
        street(2, "Park Place", 10),
        street(3, "Windsor Place", 8),
        street(4, "Greyfriars Road", 6),
        street(5, "Silent Lane", 5),
        park(1, "Castle Mews", 380, 366),
        park(2, "Dumfries Place", 240, 240),
    ]
    registry = parse_registry({"sites": sites}, source="town")
    async with connect(database_url, name="test", autocommit=True) as connection:
        await import_registry(connection, registry)
        await foretell(connection, "castle-mews", capacity=380)
        if days:
            streets = [site for site in registry.sites if site.bays and site.id != "silent-lane"]
            await make_history(connection, streets, days=days)
            await make_passages(connection, "castle-mews", days=days)
        async with connection.transaction():
            await close_site(
                connection,
                site_id="greyfriars-road",
                from_at=None,
                until_at=None,
                reason="Roadworks by the water company",
                made_by="test",
            )
    with HandIngestor(database_url) as ingestor:
        ingestor.confirm()
        for site, free, unknown in (
            ("queen-street", 7, 0),
            ("park-place", 3, 2),
            ("windsor-place", 0, 0),
            ("greyfriars-road", 4, 0),
        ):
            bays = next(s["bays"] for s in sites if s["id"] == site)
            states = ["vacant"] * free + ["unknown"] * unknown + ["occupied"] * (len(bays) - free - unknown)
            ingestor.publish(site, {bay["id"]: state for bay, state in zip(bays, states, strict=True)})


async def foretell(connection: Connection, site: str, *, capacity: int) -> None:
    """Have something told of a site, so that its page has the day as a curve."""
    await connection.execute(
        "INSERT INTO site_forecast (site_id, made_at, capacity, basis, why, minutes, free, low, high, chance)"
        " SELECT %(site)s, now(), %(capacity)s, 'history', 'Usually 30 free at this time.', array_agg(m),"
        " array_agg(m / 60.0), array_agg(m / 90.0), array_agg(m / 30.0), array_agg(0.9)"
        " FROM unnest(ARRAY[5, 15, 30, 60, 120, 240, 480, 960, 1440]) AS m",
        {"site": site, "capacity": capacity},
    )
    await connection.execute(
        "INSERT INTO site_usual SELECT %s, date_trunc('day', now(), 'Europe/London'), array_agg(q / 2.0)"
        " FROM generate_series(1, 96) AS q",
        (site,),
    )
    await connection.execute(
        "INSERT INTO site_count SELECT %(site)s, q, %(capacity)s, 340, 0"
        " FROM generate_series(date_trunc('day', now(), 'Europe/London'), now(), INTERVAL '15 minutes') AS q",
        {"site": site, "capacity": capacity},
    )


def disconnect(database_url: str) -> int:
    """End every connection of the API to the database, as a failing server would; how many there were."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND application_name LIKE 'parking api%'"
        ).fetchall()
    return len(rows)
