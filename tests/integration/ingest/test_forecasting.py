"""The process that makes forecasts works beside the ingestor, stands by for another, and ends with it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

from ingest.forecasting import forecasting
from parking.db.connect import connect
from parking.db.forecaster import hold
from parking.settings import Settings
from tests.support.city import load, small_registry
from tests.support.polling import until

LONG_S = 60.0
"""Such a process has to import numpy and to wait for its turn on a busy machine."""


async def made(database_url: str) -> list[tuple[object, ...]]:
    """The sites of which something is told."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute("SELECT site_id, basis FROM site_forecast ORDER BY 1")
        return await cursor.fetchall()


async def start(database_url: str) -> Process:
    """The process by itself."""
    env = {**os.environ, "PARKING_DATABASE_URL": database_url}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingest.foreteller", stdin=PIPE, env=env
    )


async def test_it_makes_forecasts_until_the_ingestor_ends(database_url: str) -> None:
    await load(database_url, small_registry())
    task = asyncio.create_task(forecasting(Settings(database_url=database_url), settle_s=0))

    async def told() -> bool:
        assert not task.done(), task
        return await made(database_url) == [("castle-mews", "nothing"), ("street-0", "nothing")]

    await until(told, what="a forecast of each site", timeout=LONG_S)
    task.cancel()
    await asyncio.wait((task,))
    async with connect(database_url, name="test", autocommit=True) as connection:
        assert await hold(connection), "the process has gone, and its lock with it"


async def test_where_no_forecast_is_wanted_there_is_no_process(database_url: str) -> None:
    await forecasting(Settings(database_url=database_url, forecast=False), settle_s=0)


async def test_a_second_one_stands_by_and_each_ends_with_its_standard_input(database_url: str) -> None:
    await load(database_url, small_registry())
    async with connect(database_url, name="test", autocommit=True) as connection:
        assert await hold(connection)
        process = await start(database_url)
        cursor = connection.cursor()

        async def there() -> bool:
            await cursor.execute(
                "SELECT FROM pg_stat_activity"
                " WHERE application_name = 'parking forecast' AND datname = current_database()"
            )
            return cursor.rowcount == 1

        await until(there, what="the second is connected", timeout=LONG_S)
        assert await made(database_url) == []
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(LONG_S):
            assert await process.wait() == 0
