"""The fixtures that the other tests trust."""

from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection

from cli.embedded.nats import mqtt_answers
from tests.conftest import Broker, StartProcess
from tests.support.databases import outage
from tests.support.polling import until
from tests.support.services import Services


async def _one(url: str, query: LiteralString) -> object:
    async with await AsyncConnection.connect(url) as connection:
        row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return row[0]


async def test_a_database_is_migrated_and_empty(each_database_url: str) -> None:
    assert await _one(each_database_url, "SELECT count(*) FROM site") == 0


async def test_two_databases_do_not_see_each_other(database_url: str, plain_database_url: str) -> None:
    async with await AsyncConnection.connect(database_url) as connection:
        await connection.execute("CREATE TABLE only_here ()")
    assert await _one(plain_database_url, "SELECT to_regclass('only_here') IS NULL") is True


@pytest.mark.timescale
async def test_the_main_database_has_timescaledb_where_the_server_has_it(
    services: Services, database_url: str
) -> None:
    found = await _one(database_url, "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
    assert found == (1 if services.database_kind.startswith("TimescaleDB") else 0)


async def test_tests_use_no_superuser_where_there_is_a_choice(services: Services, database_url: str) -> None:
    superuser = await _one(database_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert superuser is (services.database().admin_url == services.database().url)


async def test_an_outage_breaks_connections_and_ends(services: Services, database_url: str) -> None:
    connection = await AsyncConnection.connect(database_url)
    async with connection, outage(services.database(), database_url):
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            await AsyncConnection.connect(database_url)
    assert await _one(database_url, "SELECT 1") == 1


async def test_the_broker_of_a_test_wants_a_password(broker: Broker) -> None:
    assert await mqtt_answers(broker.url)
    assert not await mqtt_answers(f"mqtt://127.0.0.1:{broker.port}")
    assert not await mqtt_answers(f"mqtt://parking:wrong@127.0.0.1:{broker.port}")


async def test_a_broker_keeps_its_address_when_started_again(broker: Broker) -> None:
    address = broker.url
    await broker.stop()
    assert not await mqtt_answers(address)
    await broker.start()
    assert broker.url == address
    assert await mqtt_answers(address)


async def test_a_started_command_can_be_awaited_and_killed(process: StartProcess) -> None:
    helped = await process("--help")
    await helped.wait_for_output(r"(?s)migrate.*simulate")
    assert await helped.wait(10) == 0


async def test_a_wait_that_fails_shows_what_was_written(process: StartProcess) -> None:
    started = await process("no-such-command")
    with pytest.raises(AssertionError, match="no-such-command"):
        await started.wait_for_output("never written", timeout=10)


async def test_until_fails_with_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match="pigs fly"):
        await until(lambda: None, timeout=0.05, what="pigs fly")


def test_shared_data_is_a_folder(shared_dir: Path) -> None:
    assert (shared_dir / "vectors").is_dir()
