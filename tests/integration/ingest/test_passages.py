"""From messages of cameras to vehicles in a real database: repeat reads are one vehicle, in any order."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.source import Message
from parking.clock import TimeFrom
from parking.columns import microseconds
from parking.db.connect import connect
from parking.lanes import PLATE_HELD
from parking.passages import SAME_PLATE, Read, passages
from parking.plates import PlateKeys, fold
from tests.support.city import RESET, load, small_registry
from tests.support.writing import writing_to

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SITE = "castle-mews"


def message(plate: str | None, seconds: float, event_id: str, camera: str, score: float) -> Message:
    """A read of OpenALPR's form on our own topic, told a second after it."""
    at = NOON + timedelta(seconds=seconds)
    read = {
        "data_type": "alpr_group",
        "best_uuid": event_id,
        "camera_id": 7,
        "best_plate_number": plate or "unknown",
        "best_confidence": score * 100,
        "epoch_start": int(at.timestamp() * 1000),
    }
    topic = f"parking/v1/{SITE}/anpr/{camera}/read"
    arrived = microseconds(at + timedelta(seconds=1))
    return Message(topic, json.dumps(read).encode(), arrived, False, 1, 1)


READS = st.lists(
    st.tuples(
        st.sampled_from(["J77ABC", "J77ABD", "J77XBD", "LK21XYZ", "LK21XY", "T06KLM", None]),
        st.integers(0, int((PLATE_HELD - SAME_PLATE).total_seconds())),
        st.sampled_from(["a", "b", "c", "d"]) | st.uuids().map(str),
        st.sampled_from(["cm-in", "cm-out"]),
        st.sampled_from([0.25, 0.5, 0.75]),
    ),
    max_size=10,
)


def expected(reads: Sequence[tuple[Any, ...]], keys: PlateKeys) -> list[tuple[Any, ...]]:
    """The passages by definition, of the whole set of reads."""
    told = []
    for plate, seconds, event_id, camera, score in reads:
        at = NOON + timedelta(seconds=seconds)
        token = keys.token(SITE, plate, at) if plate else None
        folded = fold(plate) if plate else None
        told.append(
            Read(camera=camera, at=at, event_id=event_id, folded=folded, token=token, confidence=score)
        )
    return sorted((one.camera, one.at, one.event_id, one.token) for one in passages(told))


@pytest.fixture
async def counting(database_url: str) -> str:
    """A database with a car park."""
    await load(database_url, small_registry())
    return database_url


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(reads=READS, data=st.data())
async def test_what_is_stored_are_the_passages_of_the_set_of_reads(
    counting: str, tmp_path: Path, reads: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    keys = PlateKeys(tmp_path / "keys")
    told = [message(*read) for read in reads]
    shuffled = data.draw(st.permutations([*told, *told[:3]]))
    size = data.draw(st.integers(1, 5))
    async with connect(counting, name="test", autocommit=True) as connection:
        await connection.execute(RESET)
        await connection.execute("UPDATE count_correction SET corrected_at = '2026-03-04T11:00Z'")
        async with writing_to(counting, keys=keys) as writer:
            for start in range(0, len(shuffled), size):
                await writer.write(shuffled[start : start + size], lambda snapshots: None)
        cursor = await connection.execute(
            "SELECT camera_id, event_at, event_id, token FROM gate_event ORDER BY 1, 2, 3"
        )
        stored = await cursor.fetchall()
        cursor = await connection.execute("SELECT inside FROM site_state WHERE site_id = 'castle-mews'")
        inside = await cursor.fetchall()
    wanted = expected(reads, keys)
    assert [row[:3] for row in stored] == [row[:3] for row in wanted]
    assert {row[3] for row in stored} == {row[3] for row in wanted}
    ways = [1 if row[0] == "cm-in" else -1 for row in stored]
    assert inside == [(10 + sum(ways),)]


async def test_after_a_restart_ids_and_tokens_still_join_and_alike_plates_do_not(
    database_url: str, tmp_path: Path
) -> None:
    await load(database_url, small_registry())
    keys = PlateKeys(tmp_path / "keys")
    for seconds, plate, event_id in ((0, "J77ABC", "a"), (3, "J77ABC", "b"), (5, "J77ABD", "c")):
        async with writing_to(database_url, keys=keys) as writer:
            await writer.write([message(plate, seconds, event_id, "cm-in", 0.9)], lambda snapshots: None)
    async with connect(database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute("SELECT event_id FROM gate_event ORDER BY 1")
        assert await cursor.fetchall() == [("a",), ("c",)]


async def test_a_gates_options_come_from_the_registry(database_url: str, tmp_path: Path) -> None:
    registry = small_registry()
    park = registry.sites[-1]
    gates = (
        park.gates[0].model_copy(update={"repeat_s": 1.0, "timezone": "Asia/Tokyo", "time": TimeFrom.CAMERA}),
        park.gates[1],
    )
    changed = registry.model_copy(
        update={"sites": (*registry.sites[:-1], park.model_copy(update={"gates": gates}))}
    )
    await load(database_url, changed)
    local = {"device": "c", "time": "2026-03-04 21:00:00", "plate": "J77ABC"}  # noon, in Tokyo
    topic = f"parking/v1/{SITE}/anpr/cm-in/read"
    noon = Message(topic, json.dumps(local).encode(), microseconds(NOON), False, 1, 1)
    async with writing_to(database_url, keys=PlateKeys(tmp_path / "keys")) as writer:
        again = message("J77ABC", 3, "b", "cm-in", 0.9)
        await writer.write([noon, again], lambda snapshots: None)
    async with connect(database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute("SELECT event_at FROM gate_event ORDER BY 1")
        assert await cursor.fetchall() == [(NOON,), (NOON + timedelta(seconds=3),)]
