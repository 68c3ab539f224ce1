"""Plate reads of every vendor in a real database: each vehicle once, however often it is told of."""

from datetime import UTC, datetime
from pathlib import Path

from ingest.adapters import cameras
from ingest.adapters.base import Ignored
from ingest.source import Message
from parking.columns import microseconds
from parking.db.connect import connect
from parking.plates import PlateKeys
from tests.support.cameras import BODIES, HIKVISION, PLATE, form
from tests.support.city import load, small_registry
from tests.support.writing import writing_to

TOPIC = "parking/v1/castle-mews/anpr/cm-in/read"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
IMAGE = ('Content-Disposition: form-data; name="b"; filename="b.jpg"', b"\xff\xd8" * 50_000)


def message(body: bytes) -> Message:
    return Message(TOPIC, body, microseconds(NOON), False, 1, 1)


async def rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    async with connect(database_url, name="test", autocommit=True) as connection:
        return await (await connection.execute(query)).fetchall()


async def test_every_vendors_vehicles_are_stored_once(each_database_url: str, tmp_path: Path) -> None:
    await load(each_database_url, small_registry())
    in_parts = [form(('Content-Disposition: form-data; name="a"', body), IMAGE) for body in BODIES.values()]
    messages = [message(body) for body in [*BODIES.values(), *in_parts]]
    passages = set()
    for body in BODIES.values():
        found = cameras.read(body, received_at=NOON, camera="cm-in")
        assert not isinstance(found, Ignored)
        passages |= {read.event_id for read in found}
    keys = PlateKeys(tmp_path)
    async with writing_to(each_database_url, keys=keys) as writer:
        for _ in range(2):
            await writer.write(messages, lambda snapshots: None)
    stored = await rows(each_database_url, "SELECT DISTINCT event_id, direction FROM gate_read")
    assert sorted(stored) == sorted((event_id, "in") for event_id in passages)
    assert await rows(each_database_url, "SELECT code FROM rejected_message") == []
    token = keys.token("castle-mews", PLATE, NOON)
    assert (token,) in await rows(each_database_url, "SELECT token FROM gate_event")


async def test_a_vehicle_that_could_not_be_read_counts_without_a_token(
    database_url: str, tmp_path: Path
) -> None:
    await load(database_url, small_registry())
    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute("UPDATE count_correction SET corrected_at = '2026-01-01Z'")
    keys = PlateKeys(tmp_path)
    async with writing_to(database_url, keys=keys) as writer:
        unreadable = message(HIKVISION.replace(PLATE, "unknown").encode())
        await writer.write([unreadable], lambda snapshots: None)
        await writer.write([unreadable], lambda snapshots: None)
    assert await rows(database_url, "SELECT token FROM gate_event") == [(None,)]
    inside = "SELECT inside FROM site_state WHERE site_id = 'castle-mews'"
    assert await rows(database_url, inside) == [(11,)]
