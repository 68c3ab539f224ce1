"""A small registry for tests, and ways to put it into a database and to read back what was stored."""

from dataclasses import dataclass
from typing import Any

from parking.db.connect import Connection, connect
from parking.db.registry import import_registry
from parking.registry import Registry, parse_registry

RESET = """
DELETE FROM bay_event; DELETE FROM ended_stay; DELETE FROM site_usage; DELETE FROM site_day;
DELETE FROM silent_spell; DELETE FROM unknown_run; DELETE FROM gate_event; DELETE FROM gate_read;
DELETE FROM rejected_message; DELETE FROM sealed_window;
UPDATE bay SET first_at = NULL;
UPDATE bay_state SET state = DEFAULT, reported = DEFAULT, silent = DEFAULT, fault = DEFAULT, held = NULL,
       since = NULL, seen_at = NULL, event_at = NULL, placed_at = NULL, age_s = NULL, session = NULL,
       seq = NULL, part = NULL, settled = DEFAULT, silent_until = NULL;
UPDATE site_state SET inside = 10 WHERE inside IS NOT NULL;
UPDATE site_state SET vacant = 0, occupied = 0, unknown = capacity, free_min = 0, free_max = capacity
 WHERE inside IS NULL;
UPDATE count_correction SET corrected_at = '2026-03-29T01:00Z';
"""
"""Back to a registry whose devices nobody has heard; gates count from a time in March 2026.

To delete a few rows takes half as long as to truncate tables, each of which then has new files and chunks.
"""


def small_registry(*, bays: int = 2, sites: int = 1, gates: bool = True, heartbeat_s: int = 900) -> Registry:
    """`sites` streets of `bays` bays with sensors of our own, and one car park with an entry and an exit."""
    streets: list[dict[str, Any]] = [
        {
            "id": f"street-{s}",
            "name": f"Street {s}",
            "kind": "on_street",
            "counting": "bays",
            "location": {"lon": -3.17 + s / 1000, "lat": 51.48},
            "bays": [
                {
                    "id": f"street-{s}-{b}",
                    "location": {"lon": -3.17 + s / 1000, "lat": 51.48 + b / 10000},
                    "sensor": {"id": f"sensor-{s}-{b}", "codec": "parking-v1", "heartbeat_s": heartbeat_s},
                }
                for b in range(bays)
            ],
            "signs": [{"id": f"vms-{s}", "sites": [f"street-{s}"]}],
        }
        for s in range(sites)
    ]
    park = {
        "id": "castle-mews",
        "name": "Castle Mews",
        "kind": "off_street",
        "counting": "gates",
        "capacity": 100,
        "initial_count": 10,
        "gates": [{"camera": "cm-in", "direction": "in"}, {"camera": "cm-out", "direction": "out"}],
        "signs": [{"id": "vms-park"}],
    }
    return parse_registry({"sites": [*streets, park] if gates else streets}, source="small registry")


async def load(database_url: str, registry: Registry) -> None:
    """Import a registry."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        await import_registry(connection, registry)


@dataclass(frozen=True)
class Stored:
    """All that depends on what happened, arrival-time columns aside."""

    events: list[tuple[Any, ...]]
    stays: list[tuple[Any, ...]]
    states: list[tuple[Any, ...]]
    passages: list[tuple[Any, ...]]
    sites: list[tuple[Any, ...]]
    usage: list[tuple[Any, ...]]
    days: list[tuple[Any, ...]]
    unknown: list[tuple[Any, ...]]


async def read_back(connection: Connection) -> Stored:
    """Everything stored, in a fixed order."""

    async def rows(query: Any) -> list[tuple[Any, ...]]:
        return await (await connection.execute(query)).fetchall()

    return Stored(
        events=await rows(
            "SELECT bay_id, device_id, session, seq, part, event_at, age_s, state, fault FROM bay_event"
            " ORDER BY 1, 2, 3, 4, 5"
        ),
        stays=await rows(
            "SELECT bay_id, started_at, ended_at, start_seen, end_seen FROM stay ORDER BY bay_id, started_at"
        ),
        states=await rows(
            "SELECT bay_id, state, reported, held, fault, since, seen_at, event_at, placed_at, session, seq,"
            " part FROM bay_state ORDER BY bay_id"
        ),
        passages=await rows(
            "SELECT camera_id, event_id, event_at, direction, confidence, token FROM gate_event ORDER BY 1, 2"
        ),
        sites=await rows(
            "SELECT site_id, vacant, occupied, unknown, free_min, free_max, inside FROM site_state ORDER BY 1"
        ),
        usage=await rows(
            "SELECT site_id, category, quarter_at, occupied_us, unknown_us, arrivals, departures, sessions,"
            " dwelt, dwell_us FROM site_usage"
            " WHERE (occupied_us, unknown_us, arrivals, departures, sessions, dwelt) <> (0, 0, 0, 0, 0, 0)"
            " ORDER BY 1, 2, 3"
        ),
        days=await rows(
            "SELECT * FROM site_day"
            " WHERE (occupied_us, unknown_us, arrivals, departures, sessions, dwelt) <> (0, 0, 0, 0, 0, 0)"
            " ORDER BY 1, 2, 3"
        ),
        unknown=await rows(
            "SELECT bay_id, 'silent', from_at, until_at FROM silent_spell"
            " UNION ALL SELECT bay_id, 'told', started_at, ended_at FROM unknown_run"
            " UNION ALL SELECT bay_id, 'first', first_at, NULL FROM bay ORDER BY 1, 2, 3"
        ),
    )
