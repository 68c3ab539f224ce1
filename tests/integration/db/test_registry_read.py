"""What is read back of the registry is what was imported, and imports to the same."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from parking.db.connect import Connection, connect
from parking.db.registry import Imported, import_registry
from parking.db.registry_read import export, read_one, read_page
from parking.registry import Registry, parse_registry
from parking.registry_documents import flat, registry_document
from tests.support.city import load, small_registry
from tests.support.registries import registries

CLEAR = """
TRUNCATE site, bay, device, gate, sign, sign_site, device_assignment, bay_state, site_state,
         count_correction, closure CASCADE
"""
NOTHING = Imported({}, {}, {})


async def exported(connection: Connection) -> dict[str, Any]:
    async with connection.transaction():
        document: dict[str, Any] = json.loads(b"".join([part async for part in export(connection)]))
    return document


async def _there_and_back(url: str, registry: Registry) -> None:
    async with connect(url, name="test", autocommit=True) as connection:
        await connection.execute(CLEAR)
        await import_registry(connection, registry)
        document = await exported(connection)
        assert document == registry_document(registry)
        again = parse_registry(document, source="the export")
        assert registry_document(again) == document
        assert await import_registry(connection, again) == NOTHING
        await connection.execute(CLEAR)
        await import_registry(connection, again)
        assert await exported(connection) == document


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registry=registries())
def test_an_export_imports_to_the_same(database_url: str, registry: Registry) -> None:
    asyncio.run(_there_and_back(database_url, registry))


async def test_things_are_read_page_by_page_and_alone(database_url: str) -> None:
    registry = small_registry(bays=7, sites=2)
    await load(database_url, registry)
    things = list(flat(registry_document(registry)["sites"]))
    async with connect(database_url, name="test", autocommit=True) as connection:
        for kind in ("sites", "bays", "gates", "signs"):
            expected = [document for of, _, document in sorted(things, key=lambda one: one[:2]) if of == kind]
            seen: list[Any] = []
            while page := await read_page(connection, kind, after=_id(seen), limit=3):
                seen += page
            assert seen == expected
            for document in expected:
                assert await read_one(connection, kind, _id([document])) == document
        here = await read_page(connection, "devices", sites=["street-1"])
        assert [(device["id"], device["bay"]) for device in here] == [
            (f"sensor-1-{number}", f"street-1-{number}") for number in range(7)
        ]
        assert await read_one(connection, "bays", "a\0b") is None


def _id(seen: list[Any]) -> str:
    return str(seen[-1].get("id") or seen[-1]["camera"]) if seen else ""
