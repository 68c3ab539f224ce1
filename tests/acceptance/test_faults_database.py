"""The database dies, stands still or is cut off under load: nothing is lost, nothing doubled."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from parking.db.connect import connect
from tests.acceptance.conftest import Town
from tests.support.books import books, wait_until_stored
from tests.support.polling import until
from tests.support.postgres import PrivatePostgres
from tests.support.proxy import Proxy
from tests.support.signals import resident_mb, suspended

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

STOPPED_S = float(os.environ.get("PARKING_TEST_STOPPED_S", "35"))
"""How long it stands still: longer than its connections' time-outs. 120 for a soak by hand."""
RECEIVE_MAXIMUM = 8000
MORE_MB = 20
"""How much memory an ingestor may take beyond what it had, while it waits."""


async def _kill(postgres: PrivatePostgres) -> None:
    await postgres.kill()


async def _restart_fast(postgres: PrivatePostgres) -> None:
    await postgres.end(signal.SIGINT)


async def _restart_immediately(postgres: PrivatePostgres) -> None:
    await postgres.end(signal.SIGQUIT)


@pytest.mark.parametrize("end", [_kill, _restart_fast, _restart_immediately])
async def test_a_database_that_is_killed_or_restarted_costs_nothing(
    loaded: Town, postgres: PrivatePostgres, end: Callable[[PrivatePostgres], Awaitable[None]]
) -> None:
    async with loaded(database_url=postgres.url) as rig:
        ingestor = await rig.connected_ingest()
        for _ in range(3):
            await rig.stored(300)
            await end(postgres)
            await rig.told(700)
            await postgres.start()
        await rig.ready()
        await rig.nothing_lost_nothing_twice(ingestor)


@pytest.mark.timeout(200 + 3 * STOPPED_S)
async def test_a_database_that_stands_still_makes_the_broker_hold_the_backlog_and_not_the_ingestor(
    loaded: Town, postgres: PrivatePostgres
) -> None:
    async with loaded(database_url=postgres.url) as rig:
        ingestor = await rig.connected_ingest()
        before = await rig.stored(3000)
        used_mb = resident_mb(ingestor.pid)
        most_mb = 0.0

        async def over() -> bool:
            nonlocal most_mb
            most_mb = max(most_mb, resident_mb(ingestor.pid))
            return asyncio.get_running_loop().time() > begun + STOPPED_S

        begun = asyncio.get_running_loop().time()
        with suspended(postgres.process.pid):
            await until(over, timeout=STOPPED_S + 10, every=0.2)
        waiting = books(rig.load.told)
        # The rest waited at the broker: the ingestor may have no more than this.
        assert len(waiting.events) - len(before.events) > 2 * RECEIVE_MAXIMUM
        await wait_until_stored(waiting, rig.database_url, timeout=STOPPED_S + 90)
        await rig.ready()
        assert most_mb - used_mb < MORE_MB
        await rig.nothing_lost_nothing_twice(ingestor, timeout=60)


async def test_a_database_that_resets_and_refuses_connections_costs_nothing(
    loaded: Town, database_url: str
) -> None:
    async with (
        Proxy(database_url) as proxy,
        loaded(database_url=database_url, through={"PARKING_DATABASE_URL": proxy}) as rig,
    ):
        ingestor = await rig.connected_ingest()
        for _ in range(5):
            await rig.stored(200)
            proxy.reset()
        await proxy.refuse()
        proxy.reset()
        await ingestor.wait_for_output("the database does not take the batch")
        await rig.told(1500)
        await proxy.accept()
        await rig.nothing_lost_nothing_twice(ingestor)


@pytest.mark.parametrize(
    "way", [{}, {"to_client": False}, {"to_server": False}], ids=["both ways", "to it", "from it"]
)
async def test_a_connection_to_the_database_that_stands_still_for_a_while_costs_nothing(
    loaded: Town, database_url: str, way: dict[str, bool]
) -> None:
    async with (
        Proxy(database_url) as proxy,
        loaded(database_url=database_url, through={"PARKING_DATABASE_URL": proxy}) as rig,
    ):
        ingestor = await rig.connected_ingest()
        await rig.stored(500)
        proxy.freeze(**way)
        await rig.told(6000)
        proxy.resume()
        await rig.nothing_lost_nothing_twice(ingestor)


@pytest.mark.timeout(400)
async def test_a_connection_to_the_database_that_never_moves_again_is_given_up(
    loaded: Town, database_url: str
) -> None:
    async with (
        Proxy(database_url) as proxy,
        loaded(database_url=database_url, through={"PARKING_DATABASE_URL": proxy}, rate=300) as rig,
    ):
        # The server ends a transaction that was cut off and frees its locks: after a minute as we ship it.
        async with connect(database_url, name="test", autocommit=True) as connection:
            await connection.execute(
                "DO $$BEGIN EXECUTE format("
                "'ALTER DATABASE %I SET idle_in_transaction_session_timeout = 10000',"
                " current_database()); END$$"
            )
        ingestor = await rig.connected_ingest()
        await rig.stored(500)
        proxy.freeze()
        await rig.told(1000)
        proxy.heal()
        await rig.stored(0, timeout=200)
        await rig.nothing_lost_nothing_twice(ingestor)
