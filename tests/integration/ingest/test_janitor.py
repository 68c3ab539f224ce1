"""The janitor at work: what is old goes by itself, while the numbers are current, and is written down."""

import asyncio
from datetime import timedelta

from ingest.janitor import Janitor
from parking.db.connect import connect
from parking.retention import kept_days
from tests.support.polling import until


async def ages(database_url: str) -> list[int]:
    """How many days old the rejections are."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT extract(day FROM now() - received_at)::int FROM rejected_message ORDER BY 1"
        )
        return [age for (age,) in await cursor.fetchall()]


async def test_it_removes_what_is_old_once_a_day_while_the_numbers_are_current(database_url: str) -> None:
    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO rejected_message (received_at, topic, code, detail, size)"
            " SELECT now() - age * INTERVAL '1 day' - INTERVAL '1 hour', 't', 'c', 'd', 1"
            " FROM unnest(ARRAY[1, 15, 17, 40]) AS age"
        )
    current, asked = False, 0

    def is_current() -> bool:
        nonlocal asked
        asked += 1
        return current

    days = kept_days({"rejected_message": 16})
    janitor = Janitor(database_url, days, is_current, every=timedelta(days=1), look_s=0.02)
    task = asyncio.create_task(janitor.run())
    await until(lambda: asked > 3, what="it asks whether the numbers are current")
    assert await ages(database_url) == [1, 15, 17, 40]
    current = True

    async def gone() -> bool:
        assert not task.done(), task
        return await ages(database_url) == [1, 15]

    await until(gone, timeout=60, what="the old ones have gone")
    task.cancel()
    await asyncio.wait((task,))
