"""The examiner at work: it sweeps when it is time, only while numbers are current, and outlives an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ingest.examiner import Examiner
from parking.db.connect import connect
from tests.support.city import load, small_registry
from tests.support.databases import outage
from tests.support.polling import until
from tests.support.services import Services


@asynccontextmanager
async def examining(examiner: Examiner) -> AsyncIterator[None]:
    """While it runs."""
    task = asyncio.create_task(examiner.run())
    yield
    assert not task.done(), task
    task.cancel()
    await asyncio.wait((task,))


async def sweeps(database_url: str) -> list[object]:
    """When the last sweep was, if there was one."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        return await (await connection.execute("SELECT finished_at FROM health_sweep")).fetchall()


async def test_it_looks_again_and_again_while_the_numbers_are_current(database_url: str) -> None:
    await load(database_url, small_registry())
    current = False
    asked = 0

    def is_current() -> bool:
        nonlocal asked
        asked += 1
        return current

    async with examining(Examiner(database_url, is_current, every_s=0.05, look_s=0.02)):
        await until(lambda: asked > 3, what="it asks whether the numbers are current")
        assert await sweeps(database_url) == []
        current = True

        async def swept() -> list[object]:
            return await sweeps(database_url)

        first = await until(swept, what="the first sweep")

        async def again() -> bool:
            return await sweeps(database_url) != first

        await until(again, what="another sweep")


async def test_it_goes_on_after_an_outage(database_url: str, services: Services) -> None:
    await load(database_url, small_registry())
    async with examining(Examiner(database_url, lambda: True, every_s=0.01, look_s=0.02)):

        async def swept() -> list[object]:
            return await sweeps(database_url)

        before = await until(swept, what="the first sweep")
        async with outage(services.database(), database_url):
            pass

        async def again() -> bool:
            return await sweeps(database_url) != before

        await until(again, what="a sweep after the outage")
