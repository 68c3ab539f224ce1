"""Several ingestors share the work: one is killed, the number of shares changes, all under load."""

import asyncio

import pytest

from tests.acceptance.conftest import Town
from tests.acceptance.rig import CLIENT_ID, Rig
from tests.support.polling import until
from tests.support.processes import ParkingProcess

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]


def sessions(shares: int) -> tuple[str, ...]:
    """The names of the ingestors' sessions at the broker."""
    return tuple(f"{CLIENT_ID}-{number}-of-{shares}" for number in range(1, shares + 1))


async def start(rig: Rig, shares: int, *numbers: int) -> list[ParkingProcess]:
    """Start the ingestors of these shares, all at once."""
    started = [rig.connected_ingest(PARKING_INGEST_SHARD=f"{number}/{shares}") for number in numbers]
    return list(await asyncio.gather(*started))


async def test_one_of_three_ingestors_that_is_killed_costs_nothing(loaded: Town, database_url: str) -> None:
    async with loaded(database_url=database_url, sessions=sessions(3)) as rig:
        first, second, third = await start(rig, 3, 1, 2, 3)
        await rig.stored(1500)
        await second.kill()
        await rig.told(1000)
        (second,) = await start(rig, 3, 2)
        await rig.told(500)
        await rig.nothing_lost_nothing_twice(first, second, third, sessions=sessions(3))


async def test_a_change_of_the_number_of_ingestors_under_load_costs_nothing(
    loaded: Town, database_url: str
) -> None:
    async with loaded(database_url=database_url, sessions=sessions(3)) as rig:
        three = await start(rig, 3, 1, 2, 3)
        await rig.stored(1500)
        two = await start(rig, 2, 1, 2)
        await rig.told(500)
        # However they end, what they had not acknowledged falls to the two.
        await three[0].kill()
        assert [await process.terminate() for process in three[1:]] == [0, 0]
        await until(
            lambda: sum(process.output.count("a former session is empty and ended") for process in two) == 3,
            timeout=60,
            what=lambda: "\n".join(process.output for process in two),
        )
        await rig.told(1000)
        await rig.nothing_lost_nothing_twice(*two, sessions=(*sessions(2), *sessions(3)), ways=2)
