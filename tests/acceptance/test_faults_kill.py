"""The ingestor is killed, at random and between commit and acknowledgement: nothing lost, nothing twice."""

import asyncio
import os
import random

import pytest

from tests.acceptance.conftest import Town

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

KILLS = int(os.environ.get("PARKING_TEST_KILLS", "8"))
"""How often it is killed at random; set it higher for a soak by hand."""
FAULT_POINTS = ("before-commit", "after-commit", "half-acknowledged", "after-acknowledge")


@pytest.mark.timeout(300 + 6 * KILLS)
async def test_an_ingestor_killed_again_and_again_under_load_loses_and_doubles_nothing(
    loaded: Town, database_url: str
) -> None:
    chance = random.Random(KILLS)
    async with loaded(database_url=database_url) as rig:
        for number in range(KILLS):
            ingestor = await rig.start_ingest()
            if number % 4:
                # Else it is killed while it starts.
                await ingestor.wait_for_output("connected to the broker")
            await asyncio.sleep(chance.uniform(0.05, 1.2))
            assert await ingestor.kill() == -9
        ingestor = await rig.connected_ingest()
        await rig.told(500)
        await rig.nothing_lost_nothing_twice(ingestor)


@pytest.mark.parametrize("turn", [1, 2, 25])
@pytest.mark.parametrize("point", FAULT_POINTS)
async def test_a_kill_between_commit_and_acknowledgement_costs_nothing(
    loaded: Town, database_url: str, point: str, turn: int
) -> None:
    async with loaded(database_url=database_url) as rig:
        await rig.told(500)
        killed = await rig.start_ingest(PARKING_FAULT_POINT=f"{point}:{turn}")
        assert await killed.wait(20) == -9, killed.output
        ingestor = await rig.connected_ingest()
        await rig.told(500)
        await rig.nothing_lost_nothing_twice(ingestor)
