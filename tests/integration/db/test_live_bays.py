"""What the live view reads of bays is what the registry and their states say."""

from datetime import UTC, datetime
from typing import Any

from api.bays import BayTable
from parking.db.connect import Connection
from parking.db.live import BayFacts, BayNow, load_all
from parking.db.registry import import_registry
from parking.model import Occupancy
from parking.registry import parse_registry
from tests.integration.db.conftest import rows

EIGHT = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
UNHEARD = BayNow(Occupancy.UNKNOWN, None, False, 0)


def street(name: str, *bays: dict[str, Any]) -> dict[str, Any]:
    """A street with these bays."""
    return {"id": name, "name": name, "kind": "on_street", "counting": "bays", "bays": list(bays)}


async def test_a_database_without_bays_has_none(database: Connection) -> None:
    table = BayTable((await load_all(database)).bays)
    assert (len(table), table.sites) == (0, [])


async def test_each_bay_is_told_as_the_registry_and_its_state_have_it(database: Connection) -> None:
    north = street(
        "north",
        {"id": "b-9", "sensor": {"id": "dev-9"}},
        {"id": "b-2", "category": "disabled", "location": {"lon": -3.25, "lat": 51.5}, "max_stay_min": 120},
    )
    south = street("south", {"id": "a-1", "location": {"lon": -3.5, "lat": 51.25}}, {"id": "gone"})
    await import_registry(database, parse_registry({"sites": [south, north]}, source="test"))
    south["bays"].pop()
    await import_registry(database, parse_registry({"sites": [south]}, source="test"))
    await rows(
        database,
        "UPDATE bay_state SET state = 'occupied', reported = 'occupied', silent = false, since = %s,"
        " fault = true, revision = 7 WHERE bay_id = 'b-9' RETURNING bay_id",
        EIGHT,
    )
    table = BayTable((await load_all(database)).bays)
    assert [(table.facts(row), table.now(row)) for row in range(len(table))] == [
        (
            BayFacts("b-2", "north", "disabled", (-3.25, 51.5), 120),
            UNHEARD,
        ),
        (
            BayFacts("b-9", "north", "standard", None, None),
            BayNow(Occupancy.OCCUPIED, EIGHT, True, 7),
        ),
        (BayFacts("a-1", "south", "standard", (-3.5, 51.25), None), UNHEARD),
    ]
    assert list(table.of("north")) == ["b-2", "b-9"]


async def test_since_when_is_not_told_while_a_state_is_held(database: Connection) -> None:
    site = street("north", {"id": "b-1", "sensor": {"id": "dev-1"}})
    await import_registry(database, parse_registry({"sites": [site]}, source="test"))
    await rows(
        database,
        "UPDATE bay_state SET state = 'vacant', reported = 'occupied', silent = false, since = %s"
        " RETURNING bay_id",
        EIGHT,
    )
    table = BayTable((await load_all(database)).bays)
    assert table.now(0) == BayNow(Occupancy.VACANT, None, False, 0)
