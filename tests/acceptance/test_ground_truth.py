"""What drivers see equals what happened, with real processes from the sensor's message to the API."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parking.db.connect import connect
from tests.acceptance.system import (
    ARRIVAL_TOLERANCE_S,
    System,
    assert_api_equals_ledger,
    assert_equal_to_ledger,
    late_by,
    stored_events,
    system,
)
from tests.conftest import StartProcess

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]


@pytest.fixture
async def city(
    database_url: str, mqtt_url: str, tmp_path: Path, process: StartProcess
) -> AsyncIterator[System]:
    async with system(database_url=database_url, mqtt_url=mqtt_url, folder=tmp_path, start=process) as made:
        yield made


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((), id="no faults"),
        pytest.param(("--duplicate", "0.2", "--late", "0.1"), id="duplicates and reordering"),
    ],
)
async def test_api_and_database_equal_the_ledger(city: System, faults: tuple[str, ...]) -> None:
    await city.start_ingest()
    await city.start_api()
    simulator = await city.simulate("--speed", "900", "--duration", "11", *faults)
    assert await simulator.wait(90) == 0, simulator.output

    await assert_equal_to_ledger(city)
    await assert_api_equals_ledger(city)
    if not faults:
        async with connect(city.database_url, name="test") as connection:
            assert late_by(city.ledger(), await stored_events(connection)) < ARRIVAL_TOLERANCE_S
    for name, running in city.processes.items():
        assert await running.terminate() == 0, (name, running.output)


async def test_killed_ingestor_loses_and_doubles_nothing(city: System) -> None:
    await city.start_ingest()
    await city.start_api()
    simulator = await city.simulate("--speed", "1200", "--duration", "12")
    chance = random.Random(7)
    kills = 0
    while simulator.running and kills < 4:
        await asyncio.sleep(chance.uniform(0.5, 2.0))  # a random moment of its work, not a wait
        assert await city.processes["ingest"].kill() == -signal.SIGKILL
        kills += 1
        await city.start_ingest()
    assert await simulator.wait(90) == 0, simulator.output

    assert kills == 4
    await assert_equal_to_ledger(city)
    await assert_api_equals_ledger(city)
