"""Creates and upgrades the schema: numbered files, forward only, one transaction each."""

from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg

from parking.db.connect import Connection, Edition, connect, find_edition, statement
from parking.errors import SchemaError


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    sql: LiteralString


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` found and did."""

    edition: Edition
    applied: tuple[Migration, ...]
    version: int


def migrations() -> tuple[Migration, ...]:
    """All migrations that this version of the software knows, in order."""
    found = []
    for file in files(__package__).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


async def migrate(database_url: str) -> Migrated:
    """Bring the schema up to date. Safe to repeat and to run twice at once.

    Raises DatabaseUnavailable, or SchemaError when the database is newer than this software or a
    migration fails (that one is then undone, the earlier ones stay).
    """
    async with connect(database_url, name="parking migrate", autocommit=True) as connection:
        await connection.execute("SET lock_timeout = 0")
        await connection.execute(statement("schema", "lock"))
        await _create_timescale(connection)
        await connection.execute(statement("schema", "create_versions"))
        done = await applied_versions(connection)
        pending = [migration for migration in migrations() if migration.version not in done]
        for migration in pending:
            await _apply(connection, migration)
        edition = await find_edition(connection)
        return Migrated(edition, tuple(pending), migrations()[-1].version)


async def applied_versions(connection: Connection) -> dict[int, str]:
    """The migrations in this database by version. Raises SchemaError if it is newer than this software."""
    cursor = await connection.execute(statement("schema", "has_versions"))
    if (await cursor.fetchone()) != (True,):
        return {}
    cursor = await connection.execute(statement("schema", "versions"))
    done = {version: name for version, name in await cursor.fetchall()}
    newest = migrations()[-1].version
    if done and max(done) > newest:
        raise SchemaError(
            f"The database has schema version {max(done)}; this software knows up to {newest}.",
            hint="Install the newer version of the software, or restore a backup made before the upgrade.",
        )
    return done


async def check_schema(connection: Connection) -> None:
    """Raise SchemaError unless the schema is exactly the one that this version needs."""
    done = await applied_versions(connection)
    missing = [m.version for m in migrations() if m.version not in done]
    if missing:
        raise SchemaError(
            f"The database lacks schema version {', '.join(map(str, missing))}.",
            hint="Run `parking migrate`.",
        )


async def _create_timescale(connection: Connection) -> None:
    cursor = await connection.execute(statement("schema", "timescale_ready"))
    if (await cursor.fetchone()) != (True,):
        return
    try:
        await connection.execute(statement("schema", "create_timescale"))
    except psycopg.errors.InsufficientPrivilege as error:
        raise SchemaError(
            "TimescaleDB is installed on this server, but this user may not create it in this database.",
            hint="Let a superuser run once: CREATE EXTENSION timescaledb",
        ) from error


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                statement("schema", "record_version"), (migration.version, migration.name)
            )
    except psycopg.Error as error:
        raise SchemaError(
            f"Migration {migration.version} ({migration.name}) failed: {str(error).strip()}"
        ) from error
