"""Importing a registry: whole or nothing, safe to repeat, and true numbers of every site that it touches."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parking.db.connect import Connection, connect
from parking.db.known import load_known
from parking.db.records import Batch, BayRecord, GateRecord
from parking.db.registry import Imported, import_registry
from parking.db.write import write_batch
from parking.errors import RegistryError
from parking.model import BayObservation, Direction, Occupancy
from parking.registry import parse_registry
from tests.integration.db.conftest import rows

Document = dict[str, Any]
NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
LATER = 600
"""Minutes after NOON that lie behind every import, however long ago this module was loaded."""
NOTHING = Imported({}, {}, {})


def street(name: str, *bays: str | tuple[str, str], **more: Any) -> Document:
    """A street; a bay is its id, or its id and its sensor's."""
    made = [{"id": bay} if isinstance(bay, str) else {"id": bay[0], "sensor": {"id": bay[1]}} for bay in bays]
    return {"id": name, "name": name, "kind": "on_street", "counting": "bays", "bays": made, **more}


def park(name: str = "mews", **more: Any) -> Document:
    """A car park with an entry."""
    return {
        "id": name,
        "name": name,
        "kind": "off_street",
        "counting": "gates",
        "capacity": 100,
        "gates": [{"camera": f"{name}-in", "direction": "in"}],
        **more,
    }


async def load(connection: Connection, *sites: Document) -> Imported:
    """Import these sites."""
    return await import_registry(connection, parse_registry({"sites": list(sites)}, source="test"))


async def hear(
    connection: Connection,
    bay: str,
    site: str,
    device: str,
    state: Occupancy,
    *,
    seq: int = 1,
    minute: int = 0,
) -> None:
    """A sensor's message arrives some minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    observation = BayObservation(device=device, state=state, event_at=at, seen_at=at, seq=seq, session=1)
    await write_batch(connection, Batch(bays=[BayRecord(bay, site, observation, at)]), now=at)


async def numbers(connection: Connection) -> dict[str, tuple[int, int, int, int]]:
    """Capacity, vacant, occupied, unknown of each site."""
    found = await rows(connection, "SELECT site_id, capacity, vacant, occupied, unknown FROM site_state")
    return {site: (capacity, *counts) for site, capacity, *counts in found}


async def revisions(connection: Connection) -> dict[str, int]:
    """The revision of each site."""
    return dict(await rows(connection, "SELECT site_id, revision FROM site_state"))


async def states(connection: Connection) -> dict[str, str]:
    """The state of each bay."""
    return dict(await rows(connection, "SELECT bay_id, state FROM bay_state"))


async def test_a_new_registry_begins_with_nothing_known(each_database_url: str) -> None:
    async with connect(each_database_url, name="test", autocommit=True) as database:
        done = await load(
            database, street("a", ("a1", "s1"), "a2", signs=[{"id": "vms"}]), park(initial_count=7)
        )
        assert done.created == {"sites": 2, "bays": 2, "sensors": 1, "gates": 1, "signs": 1}
        assert (done.changed, done.retired) == ({}, {})
        assert await numbers(database) == {"a": (2, 0, 0, 2), "mews": (100, 93, 7, 0)}
        directory = (await load_known(database)).directory
    assert directory.devices["s1"].bay == "a1"
    assert directory.gates == {"mews-in": ("mews", Direction.IN)}


async def test_importing_again_changes_nothing(database: Connection) -> None:
    sites = (street("a", ("a1", "s1"), "a2", signs=[{"id": "vms"}]), park())
    await load(database, *sites)
    await hear(database, "a1", "a", "s1", Occupancy.OCCUPIED)
    before = await revisions(database), await states(database), await numbers(database)
    assert await load(database, *sites) == NOTHING
    assert (await revisions(database), await states(database), await numbers(database)) == before


async def test_two_imports_at_once_end_as_one(database_url: str) -> None:
    sites = [street(f"s{n}", *[(f"s{n}b{b}", f"s{n}d{b}") for b in range(20)]) for n in range(5)]

    async def one() -> Imported:
        async with connect(database_url, name="test", autocommit=True) as connection:
            return await load(connection, *sites, park())

    done = await asyncio.gather(one(), one(), one())
    assert sorted(sum(imported.created.values()) for imported in done) == [0, 0, 5 + 100 + 100 + 1 + 1]
    assert all(imported.changed == imported.retired == {} for imported in done)


async def test_a_bay_that_is_no_longer_listed_is_retired_and_can_return(database: Connection) -> None:
    await load(database, street("a", ("a1", "s1"), ("a2", "s2")))
    await hear(database, "a1", "a", "s1", Occupancy.OCCUPIED)
    await hear(database, "a2", "a", "s2", Occupancy.VACANT)

    assert (await load(database, street("a", ("a1", "s1")))).retired == {"bays": 1}
    assert await numbers(database) == {"a": (1, 0, 1, 0)}
    assert await rows(database, "SELECT state FROM bay_event WHERE bay_id = 'a2' ORDER BY event_at") == [
        ("vacant",),
        ("unknown",),
    ]
    assert (await load_known(database)).directory.devices["s2"].bay is None

    assert (await load(database, street("a", ("a1", "s1"), ("a2", "s2")))).changed == {
        "bays": 1,
        "sensors": 1,
    }
    assert await numbers(database) == {"a": (2, 0, 1, 1)}
    await hear(database, "a2", "a", "s2", Occupancy.OCCUPIED, seq=2, minute=LATER)
    assert await numbers(database) == {"a": (2, 0, 2, 0)}


async def test_a_sensor_that_is_moved_leaves_its_old_bay_unknown(database: Connection) -> None:
    await load(database, street("a", ("a1", "s1"), "a2"))
    await hear(database, "a1", "a", "s1", Occupancy.VACANT)
    await load(database, street("a", "a1", ("a2", "s1")))
    assert await states(database) == {"a1": "unknown", "a2": "unknown"}
    await hear(database, "a2", "a", "s1", Occupancy.VACANT, seq=2, minute=1)
    assert await states(database) == {"a1": "unknown", "a2": "vacant"}
    assert await numbers(database) == {"a": (2, 1, 0, 1)}


async def test_a_site_that_loses_a_bay_or_a_sensor_to_the_file_is_counted_anew(database: Connection) -> None:
    await load(database, street("a", ("a1", "s1"), ("a2", "s2"), ("a3", "s3")), street("b", "b1"))
    for number in (1, 2, 3):
        await hear(database, f"a{number}", "a", f"s{number}", Occupancy.VACANT)
    assert (await numbers(database))["a"] == (3, 3, 0, 0)

    await load(database, street("b", "b1", ("a1", "s1"), ("b2", "s2")))

    assert await numbers(database) == {"a": (2, 1, 0, 1), "b": (3, 1, 0, 2)}
    assert await states(database) == {
        "a1": "vacant",
        "a2": "unknown",
        "a3": "vacant",
        "b1": "unknown",
        "b2": "unknown",
    }


async def test_the_first_message_of_a_replaced_sensor_is_no_copy_of_the_old_ones(
    database: Connection,
) -> None:
    await load(database, street("a", ("a1", "old")))
    await hear(database, "a1", "a", "old", Occupancy.VACANT, seq=1)
    await load(database, street("a", ("a1", "new")))
    assert await states(database) == {"a1": "unknown"}

    await hear(database, "a1", "a", "new", Occupancy.OCCUPIED, seq=1, minute=LATER)

    assert await states(database) == {"a1": "occupied"}
    assert await rows(database, "SELECT device_id, state FROM bay_event ORDER BY event_at") == [
        ("old", "vacant"),
        ("old", "unknown"),
        ("new", "occupied"),
    ]


async def test_a_stay_ends_when_the_device_leaves_and_stays_with_the_bay(each_database_url: str) -> None:
    async with connect(each_database_url, name="test", autocommit=True) as database:
        await load(database, street("a", ("a1", "s1"), ("a2", "s2")), street("b", "b1"))
        await hear(database, "a1", "a", "s1", Occupancy.OCCUPIED)
        await hear(database, "a2", "a", "s2", Occupancy.OCCUPIED)

        await load(database, street("a", "a1", ("a2", "s3")), street("b", ("b1", "s1")))

        ended = (
            "SELECT bay_id, started_at, ended_at > started_at, end_seen FROM stay ORDER BY bay_id, started_at"
        )
        cut = [("a1", NOON, True, False), ("a2", NOON, True, False)]
        assert await rows(database, ended) == cut
        # What the new device says makes another stay, and does not change the one that was.
        await hear(database, "a2", "a", "s3", Occupancy.OCCUPIED, minute=LATER)
        await hear(database, "a2", "a", "s3", Occupancy.VACANT, seq=2, minute=LATER + 1)
        later = [("a2", NOON + timedelta(minutes=LATER), True, True)]
        assert await rows(database, ended) == cut + later
        used = "SELECT count(*) FROM site_usage WHERE site_id = 'a' AND occupied_us > 0"
        assert await rows(database, used) != [(0,)]
        assert await rows(
            database,
            "SELECT device_id, bay_id, until_at IS NULL, from_at = '-infinity' FROM device_assignment"
            " ORDER BY device_id, from_at",
        ) == [
            ("s1", "a1", False, True),
            ("s1", "b1", True, False),
            ("s2", "a2", False, True),
            ("s3", "a2", True, False),
        ]


async def test_a_new_device_has_not_the_battery_of_the_one_before(database: Connection) -> None:
    await load(database, street("a", ("a1", "old")))
    await database.execute("UPDATE bay_state SET battery_v = 2.7, temperature_c = 3, firmware = '1'")
    await load(database, street("a", ("a1", "new")))
    known = "SELECT battery_v, temperature_c, firmware FROM bay_state"
    assert await rows(database, known) == [(None, None, None)]


async def test_how_a_site_is_counted_cannot_change(database: Connection) -> None:
    await load(database, street("a", "a1"), street("b", "b1"))
    before = await revisions(database)
    with pytest.raises(RegistryError, match="nothing was loaded") as caught:
        await load(database, street("b", "b1", "b2"), park("a"))
    assert caught.value.problems == ("site 'a' is counted by bays; the file says gates",)
    assert await revisions(database) == before
    assert await rows(database, "SELECT count(*) FROM bay") == [(2,)]


async def test_changes_are_counted_and_seen(database: Connection) -> None:
    await load(database, street("a", "a1"), park())
    blue = street("a")
    blue["bays"] = [{"id": "a1", "category": "disabled", "max_stay_min": 120}]
    assert (await load(database, blue)).changed == {"bays": 1}
    assert await rows(database, "SELECT category, details FROM bay") == [("disabled", {"max_stay_min": 120})]

    before = await revisions(database)
    assert (await load(database, park(capacity=120, status="closed"))).changed == {"sites": 1}
    assert await numbers(database) == {"a": (1, 0, 0, 1), "mews": (120, 120, 0, 0)}
    assert await rows(database, "SELECT status FROM site_state WHERE site_id = 'mews'") == [("closed",)]
    assert (await revisions(database))["mews"] == before["mews"] + 1


async def test_gates_and_signs_that_are_no_longer_listed_are_removed(database: Connection) -> None:
    await load(
        database, street("a", "a1", signs=[{"id": "one"}, {"id": "two"}]), park(signs=[{"id": "three"}])
    )
    done = await load(
        database, street("a", "a1", signs=[{"id": "two"}]), park(gates=[], signs=[{"id": "three"}])
    )
    assert done.retired == {"gates": 1, "signs": 1}
    assert await rows(database, "SELECT sign_id, site_id FROM sign_site ORDER BY 1") == [
        ("three", "mews"),
        ("two", "a"),
    ]
    assert (await load(database, street("a", "a1"))).retired == {"signs": 1}
    assert await rows(database, "SELECT sign_id FROM sign") == [("three",)]


async def test_the_initial_count_is_on_record_and_taken_once(database: Connection) -> None:
    await load(database, park(initial_count=5))
    await load(database, park(initial_count=50))
    assert await rows(database, "SELECT inside_after, rule FROM count_correction") == [(5, "registry")]
    assert await numbers(database) == {"mews": (100, 95, 5, 0)}


def passage(site: str, number: int, at: datetime) -> GateRecord:
    """A vehicle comes in."""
    return GateRecord(
        camera=f"{site}-in",
        site=site,
        event_at=at,
        event_id=str(number),
        direction=Direction.IN,
        confidence=None,
        token=None,
        received_at=at,
    )


async def test_an_import_while_vehicles_pass_keeps_one_number_to_a_revision(database_url: str) -> None:
    sites = [park(f"p{number}") for number in range(6)]
    async with connect(database_url, name="test", autocommit=True) as one:
        await load(one, *sites)
        at = datetime.now(UTC) + timedelta(seconds=1)
        published: dict[tuple[str, int], int] = {}

        async def drive() -> None:
            for number in range(60):
                batch = Batch(gates=[passage(site["id"], number, at) for site in sites])
                written = await write_batch(one, batch, now=at)
                for snapshot in written.snapshots:
                    assert published.setdefault((snapshot.site_id, snapshot.revision), snapshot.vacant) >= 0

        async def change() -> None:
            async with connect(database_url, name="test", autocommit=True) as other:
                for number in range(15):
                    await load(other, *[{**site, "capacity": 200 + number} for site in reversed(sites)])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(drive())
            tasks.create_task(change())

        assert await rows(one, "SELECT DISTINCT inside, vacant FROM site_state") == [(60, 154)]
        # Each passage made one revision and each import another, after the first import's.
        assert set((await revisions(one)).values()) == {1 + 60 + 15}
