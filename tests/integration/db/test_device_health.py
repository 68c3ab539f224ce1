"""What devices say of themselves, on the real database: the latest stays, with daily samples."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from parking.db.connect import Connection, connect
from parking.db.device_health import sample_batteries
from parking.db.records import Batch, BayRecord
from parking.db.write import write_batch
from parking.model import BayObservation
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry
from tests.support.databases import Databases

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


async def say(connection: Connection, at: datetime, **words: Any) -> None:
    """The first sensor says something of itself."""
    said = BayObservation(device="sensor-0-0", state=None, event_at=at, seen_at=at, seq=0, **words)
    await write_batch(connection, Batch(bays=[BayRecord("street-0-0", "street-0", said, at)]), now=at)


WORDS: Sequence[tuple[int, dict[str, Any]]] = (
    (0, {"battery_pct": 80.0, "heartbeat_s": 600, "health": "calibrating"}),
    (1, {"battery_pct": 79.0, "battery_low": True, "margin_db": 7}),
    (2, {"margin_db": -3, "battery_low": False}),
)


async def test_of_each_word_the_latest_stays_in_whatever_order_they_come(databases: Databases) -> None:
    url = databases.create()
    await load(url, small_registry(gates=False))
    async with connect(url, name="test", autocommit=True) as database:
        for order in permutations(WORDS):
            await database.execute("TRUNCATE device_health")
            for hour, words in order:
                await say(database, NOON + timedelta(hours=hour), **words)
            told = "battery_pct, battery_low, margin_db, heartbeat_s, health, battery_pct_at"
            assert await rows(database, f"SELECT {told} FROM device_health") == [
                (79.0, False, -3, 600, "calibrating", NOON + timedelta(hours=1))
            ]
    databases.drop(url)


async def test_a_health_that_no_text_can_hold_is_stored_without_that(database_url: str) -> None:
    await load(database_url, small_registry(gates=False))
    async with connect(database_url, name="test", autocommit=True) as database:
        await say(database, NOON, health="a\0b")
        assert await rows(database, "SELECT health FROM device_health") == [("ab",)]


async def test_a_battery_is_sampled_once_a_day_and_forecast(each_database_url: str) -> None:
    await load(each_database_url, small_registry(gates=False))
    async with connect(each_database_url, name="test", autocommit=True) as database:
        for day in range(30):
            at = NOON + timedelta(days=day)
            await say(database, at, battery_v=3.4 - day * 0.01, temperature_c=5.0)
            await say(database, at + timedelta(minutes=1), battery_v=9.0)
            await say(database, at + timedelta(minutes=2), battery_v=3.4 - day * 0.01)
            for hour in (1, 2):
                await sample_batteries(database, ["street-0"], now=at + timedelta(hours=hour))
        told = "SELECT count(*), count(DISTINCT day), max(battery_v), max(device_id) FROM battery_sample"
        ((count, days, most, device),) = await rows(database, told)
        assert (count, days, round(most, 2), device) == (30, 30, 3.4, "sensor-0-0")
        ((empty_on, earliest, says),) = await rows(
            database, "SELECT empty_on, empty_earliest, forecast FROM device_health"
        )
        assert abs((empty_on - (NOON + timedelta(days=60)).date()).days) <= 1
        assert earliest <= empty_on
        assert "falls from" in says
        # A device that is not heard has no new samples; after months a sample a week is kept.
        await sample_batteries(database, ["street-0"], now=NOON + timedelta(days=40))
        assert await rows(database, "SELECT count(*) FROM battery_sample") == [(30,)]
        later = NOON + timedelta(days=130)
        await say(database, later, battery_v=3.3)
        await sample_batteries(database, ["street-0"], now=later + timedelta(hours=1))
        kept = await rows(database, "SELECT extract(isodow FROM day)::int FROM battery_sample ORDER BY day")
        assert kept == [(1,)] * 4 + [(later.isoweekday(),)]
