"""Migrations: on every edition, twice, twice at once by real processes, and never on a newer schema."""

import psycopg
import pytest
from psycopg import sql

from parking.db.connect import connect, find_edition
from parking.db.known import load_known
from parking.db.migrate import applied_versions, check_schema, migrate, migrations
from parking.errors import DatabaseUnavailable, SchemaError
from tests.conftest import StartProcess
from tests.integration.db.conftest import rows
from tests.support.databases import Databases
from tests.support.services import Services

EVERY = [migration.version for migration in migrations()]
CONTRACT = {
    "site", "bay", "device", "bay_event", "bay_state", "stay", "gate_event", "site_state", "rejected_message",
}  # fmt: skip


def test_migrations_are_numbered_without_a_gap() -> None:
    assert list(range(1, len(EVERY) + 1)) == EVERY


async def test_an_empty_database_gets_the_tables_of_the_contract_once(empty_database_url: str) -> None:
    first = await migrate(empty_database_url)
    again = await migrate(empty_database_url)
    assert [migration.version for migration in first.applied] == EVERY
    assert (again.applied, again.version) == ((), EVERY[-1])
    async with connect(empty_database_url, name="test", autocommit=True) as connection:
        await check_schema(connection)
        found = await rows(connection, "SELECT table_name FROM information_schema.tables")
        assert {name for (name,) in found} >= CONTRACT


async def test_plain_postgresql_is_called_so(plain_databases: Databases) -> None:
    url = plain_databases.create_empty()
    done = await migrate(url)
    plain_databases.drop(url)
    assert (done.edition.timescale, done.edition.licence) == (None, None)
    assert str(done.edition).endswith("(no TimescaleDB)")
    assert [migration.version for migration in done.applied] == EVERY


@pytest.mark.timescale
async def test_what_grows_for_ever_is_a_hypertable_where_there_are_any(
    services: Services, database_url: str
) -> None:
    async with connect(database_url, name="test", autocommit=True) as connection:
        edition = await find_edition(connection)
        assert (edition.timescale is not None) == services.database_kind.startswith("TimescaleDB")
        if edition.timescale is None:
            return
        found = await rows(connection, "SELECT hypertable_name FROM timescaledb_information.hypertables")
    grown = {"bay_event", "ended_stay", "gate_event", "site_count", "forecast_made"}
    assert {name for (name,) in found} == grown


async def test_two_processes_at_once_make_one_schema(empty_database_url: str, process: StartProcess) -> None:
    env = {"PARKING_DATABASE_URL": empty_database_url}
    started = [await process("migrate", env=env) for _ in range(2)]
    assert [await one.wait(60) for one in started] == [0, 0], [one.output for one in started]
    applied = [one.output.count("Applied") for one in started]
    assert sorted(applied) == [0, len(EVERY)]
    for one in started:
        assert f"The schema is at version {EVERY[-1]}." in one.output
        assert "Found " in one.output
    async with connect(empty_database_url, name="test", autocommit=True) as connection:
        assert sorted(await applied_versions(connection)) == EVERY


async def test_a_newer_schema_is_left_alone_with_a_reason(database_url: str, process: StartProcess) -> None:
    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute("INSERT INTO schema_version (version, name) VALUES (999, 'the_future')")
    with pytest.raises(SchemaError, match="999"):
        await migrate(database_url)
    refused = await process("migrate", env={"PARKING_DATABASE_URL": database_url})
    assert await refused.wait(30) == 1
    assert "schema version 999" in refused.output
    assert "newer version of the software" in refused.output
    assert "Traceback" not in refused.output


async def test_a_database_without_schema_is_told_what_to_do(empty_database_url: str) -> None:
    async with connect(empty_database_url, name="test", autocommit=True) as connection:
        with pytest.raises(SchemaError) as caught:
            await check_schema(connection)
    assert caught.value.hint == "Run `parking migrate`."


async def test_a_migration_that_fails_is_undone_and_told(plain_databases: Databases) -> None:
    url = plain_databases.create_empty()
    async with connect(url, name="test", autocommit=True) as connection:
        await connection.execute("CREATE TABLE bay_event (mine integer)")
        with pytest.raises(SchemaError, match=r"Migration 2 .*bay_event"):
            await migrate(url)
        assert list(await applied_versions(connection)) == [1]
        assert await rows(connection, "SELECT to_regclass('bay_state')") == [(None,)]
        await connection.execute("DROP TABLE bay_event")
    assert [migration.version for migration in (await migrate(url)).applied] == EVERY[1:]
    plain_databases.drop(url)


async def test_a_user_who_may_create_nothing_is_told_so(
    plain_databases: Databases, process: StartProcess
) -> None:
    url = plain_databases.create_empty()
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name)))
        try:
            host = url.rsplit("@", 1)[1]
            refused = await process("migrate", env={"PARKING_DATABASE_URL": f"postgresql://{name}:x@{host}"})
            assert await refused.wait(30) == 1
            assert "permission denied" in refused.output
            assert "Traceback" not in refused.output
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    plain_databases.drop(url)


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached") as caught:
        await migrate("postgresql://nobody@127.0.0.1:9/nothing")
    assert "PARKING_DATABASE_URL" in (caught.value.hint or "")


async def test_devices_of_an_older_version_have_always_watched_their_bays(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations()
    monkeypatch.setattr("parking.db.migrate.migrations", lambda: known[:4])
    await migrate(empty_database_url)
    async with connect(empty_database_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO site (site_id, name, kind, counting, timezone)"
            " VALUES ('a', 'A', 'on_street', 'bays', 'UTC');"
            "INSERT INTO bay (bay_id, site_id, category) VALUES ('a1', 'a', 'standard');"
            "INSERT INTO device VALUES ('d1', 'a1', 'parking-v1', 900), ('d2', NULL, 'parking-v1', 900)"
        )
        monkeypatch.undo()
        await migrate(empty_database_url)
        assert await rows(connection, "SELECT device_id, bay_id, until_at FROM device_assignment") == [
            ("d1", "a1", None)
        ]
        directory = (await load_known(connection)).directory
        assert (directory.devices["d1"].bay, directory.devices["d1"].since) == ("a1", None)
