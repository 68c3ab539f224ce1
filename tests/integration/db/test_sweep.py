"""The sweep on the real database: what it counts of a bay's life, and findings that open, stay and close."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parking.columns import microseconds, observations
from parking.db.connect import Connection, connect
from parking.db.maintenance import load_maintenance
from parking.db.records import Batch, BayRecord
from parking.db.sweep import FLAP_S, load_bays, sweep, sweep_if_due
from parking.db.table import load_table
from parking.db.write import write_batch
from parking.health.model import DAYS, Rule
from parking.model import BayObservation, Occupancy
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry
from tests.support.polling import until

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SITES = ["street-0"]


@pytest.fixture
async def city(database_url: str, database: Connection) -> Connection:
    """Two bays whose devices have been there for long."""
    await load(database_url, small_registry(gates=False))
    await database.execute("UPDATE device_assignment SET recorded_at = '2026-01-01Z'")
    return database


async def hear(
    connection: Connection, bay: int, changes: list[tuple[float, int]], now: datetime = NOON
) -> None:
    """A device told of changes: seconds before now, and 0 for vacant or 1 for occupied."""
    async with connection.transaction():
        table = await load_table(connection)
    slot = table.slots[f"street-0-{bay}"]
    told = []
    for seq, (before_s, state) in enumerate(changes):
        at = microseconds(now - timedelta(seconds=before_s))
        told.append((slot, 1, seq, 0, at, at, at, 0, -1, state, 0, False, 3.6, 20.0))
    await write_batch(connection, Batch(frames=[observations(told)]), now=now, table=table)


async def findings(connection: Connection) -> list[tuple[Any, ...]]:
    """Rule, bay and whether it is open, in the order in which they were found."""
    return await rows(
        connection, "SELECT rule, bay_id, closed_at IS NULL FROM health_finding ORDER BY finding_id"
    )


LIVES = st.lists(
    st.tuples(st.floats(1, 9 * 86_400).map(lambda before: round(before, 0)), st.integers(0, 1)),
    min_size=1,
    max_size=30,
    unique_by=lambda change: change[0],
).map(lambda life: sorted(life, reverse=True))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_what_is_counted_of_a_life_is_what_was_lived(
    database_url: str, life: list[tuple[float, int]]
) -> None:
    changes, flaps, occupied_s, first = _lived(life)

    async def counted() -> Any:
        async with connect(database_url, name="test", autocommit=True) as connection:
            await connection.execute("DELETE FROM bay_event; DELETE FROM ended_stay; DELETE FROM site_usage")
            await load(database_url, small_registry(gates=False))
            await connection.execute(
                "UPDATE bay_state SET reported = DEFAULT, since = NULL, seen_at = NULL, event_at = NULL,"
                " placed_at = NULL, age_s = NULL, session = NULL, seq = NULL, part = NULL, settled = DEFAULT"
            )
            await hear(connection, 0, life)
            return await load_bays(connection, SITES, now=NOON)

    bays = asyncio.run(counted())
    assert bays.changes[0].tolist() == changes
    assert bays.flaps[0] == flaps
    assert bays.occupied_s[0] == pytest.approx(occupied_s)
    assert (bays.first_at[0] == pytest.approx(NOON.timestamp() - first)) if first else True
    assert bays.changes[1].tolist() == [0] * DAYS


def _lived(life: list[tuple[float, int]]) -> tuple[list[int], int, float, float | None]:
    """Changes by day, runs of the last day that were too short, seconds occupied, the first one's age."""
    recent = [(before, state) for before, state in life if before <= 7 * 86_400]
    runs = [run for number, run in enumerate(recent) if number == 0 or recent[number - 1][1] != run[1]]
    ends = [before for before, _ in runs[1:]] + [0.0] * bool(runs)
    changes = [0] * DAYS
    for before, _ in runs[1:]:
        changes[min(int(before // 86_400), DAYS - 1)] += 1
    lasted = [(before - end, before, state) for (before, state), end in zip(runs, ends, strict=True)]
    flaps = sum(length < FLAP_S and before < 86_400 for length, before, _ in lasted[:-1])
    occupied_s = sum(length for length, _, state in lasted if state)
    return changes, flaps, occupied_s, runs[0][0] if runs else None


async def test_a_finding_opens_stays_itself_and_closes(city: Connection) -> None:
    await hear(city, 0, [(60, 0)])
    await hear(city, 1, [(60, 0)])
    await sweep(city, now=NOON)
    assert await findings(city) == []
    for hours in (2, 3):
        await sweep(city, now=NOON + timedelta(hours=hours))
        assert await findings(city) == [("silent", "street-0-0", True), ("silent", "street-0-1", True)]
    ((since, found_at),) = await rows(
        city, "SELECT since, found_at FROM health_finding WHERE bay_id = 'street-0-0'"
    )
    assert (since, found_at) == (NOON - timedelta(seconds=60), NOON + timedelta(hours=2))

    later = NOON + timedelta(hours=4)
    await hear(city, 0, [(1, 1)], now=later)
    await sweep(city, now=later)
    assert await findings(city) == [("silent", "street-0-0", False), ("silent", "street-0-1", True)]

    later += timedelta(hours=5)
    await sweep(city, now=later)
    assert (await findings(city))[2:] == [("silent", "street-0-0", True)]
    listed = await load_maintenance(city)
    assert listed.as_of == later
    assert [(visit.site, visit.bays, visit.lost_h) for visit in listed.visits] == [("street-0", 2, 336.0)]


async def test_a_flapping_device_is_found(city: Connection) -> None:
    await hear(city, 0, [(7200 - number * 5, number % 2) for number in range(40)])
    await hear(city, 1, [(60, 0)])
    await sweep(city, now=NOON - timedelta(minutes=90))
    assert ("flapping", "street-0-0", True) in await findings(city)


async def test_findings_go_with_the_device_and_the_bay(city: Connection, database_url: str) -> None:
    await sweep(city, now=NOON)
    assert len(await findings(city)) == 2
    registry = small_registry(gates=False, bays=1)
    await load(database_url, registry)  # the second bay is retired
    await sweep(city, now=NOON + timedelta(hours=1))
    assert [bay for _, bay, is_open in await findings(city) if is_open] == ["street-0-0"]


async def test_a_new_device_is_learning_for_three_days(database_url: str, database: Connection) -> None:
    await load(database_url, small_registry(gates=False))
    now = datetime.now(UTC)
    for days, learns in ((0.1, True), (2.9, True), (3.1, False)):
        at = now + timedelta(days=days)
        await hear(database, 0, [(1, 0)], now=at)
        await sweep(database, now=at)
        is_open = {rule for rule, bay, is_open in await findings(database) if is_open and bay == "street-0-0"}
        assert (Rule.LEARNING in is_open) is learns


async def test_a_device_that_calls_itself_faulty_or_set_otherwise_is_found(city: Connection) -> None:
    said = BayObservation(
        device="sensor-0-0",
        state=Occupancy.UNKNOWN,
        event_at=NOON,
        seen_at=NOON,
        seq=1,
        session=1,
        fault=True,
        heartbeat_s=60,
    )
    await write_batch(city, Batch(bays=[BayRecord("street-0-0", "street-0", said, NOON)]), now=NOON)
    await sweep(city, now=NOON)
    found = {rule for rule, bay, _ in await findings(city) if bay == "street-0-0"}
    assert found == {"fault", "other_heartbeat"}


async def test_one_process_sweeps_at_a_time_and_no_more_often_than_asked(
    city: Connection, database_url: str
) -> None:
    async with connect(database_url, name="other", autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(4207850, 1)")
        assert await sweep_if_due(city, every_s=0) is None
        await other.execute("SELECT pg_advisory_unlock(4207850, 1)")
    first = await sweep_if_due(city, every_s=300)
    assert first is not None
    assert first.bays == 2
    assert await sweep_if_due(city, every_s=300) is None

    async def due() -> Any:
        return await sweep_if_due(city, every_s=0.01)

    assert (await until(due, what="the next sweep")).bays == 2
