"""The audit log in a real database: one chain, append-only."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from parking.audit import GENESIS, Chain, Entry
from parking.db.audit import record
from parking.db.connect import Connection, connect


async def write(connection: Connection, subject: str, **values: Any) -> None:
    async with connection.transaction():
        await record(
            connection,
            actor="test",
            action="thing.change",
            subject=subject,
            before=values.get("before"),
            after=values.get("after"),
        )


async def entries(connection: Connection) -> list[Entry]:
    rows = await (
        await connection.execute(
            "SELECT audit_id, at, actor, action, subject, before, after, previous, hash FROM audit_log"
            " ORDER BY audit_id"
        )
    ).fetchall()
    names = ("audit_id", "at", "actor", "action", "subject", "before", "after", "previous", "hash")
    return [Entry(**dict(zip(names, row, strict=True))) for row in rows]


async def test_rows_written_at_the_same_time_make_one_chain(each_database_url: str) -> None:
    async def worker(number: int) -> None:
        async with connect(each_database_url, name="test", autocommit=True) as connection:
            for turn in range(10):
                await write(connection, f"thing/{number}-{turn}", after={"turn": turn})

    async with asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(worker(number))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        written = await entries(connection)
        chain = Chain()
        assert chain.walk(written) is None
        assert (chain.last_id, written[0].previous) == (40, GENESIS)
        times = [entry.at for entry in written]
        assert times == sorted(times)
        cursor = await connection.execute("SELECT audit_id, hash FROM audit_head")
        assert await cursor.fetchone() == (40, written[-1].hash)


@pytest.mark.parametrize(
    "value",
    [
        {"z": 1, "a": [True, None, "ü\0\\u0000€😀"], "m": {"b": 2, "a": 1}},
        {"n": [0.1, 1e22, 1e-9, -0.0, 12345678901234567890, 1.0, 1e300]},
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        "text alone",
        [],
        False,
    ],
    ids=repr,
)
async def test_whatever_was_recorded_is_read_back_with_the_same_hash(
    each_database_url: str, value: object
) -> None:
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        await write(connection, "thing/1", before=value, after=None)
        assert Chain().walk(await entries(connection)) is None


async def test_what_is_undone_leaves_no_row(database_url: str) -> None:
    async with connect(database_url, name="test", autocommit=True) as connection:
        async with connection.transaction(force_rollback=True):
            await write(connection, "thing/1", after=1)
        await write(connection, "thing/2", after=2)
        (only,) = await entries(connection)
        assert (only.audit_id, only.subject, only.after) == (1, "thing/2", 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log WHERE audit_id = 2",
        "TRUNCATE audit_log",
        "INSERT INTO audit_log SELECT 9, at, actor, action, subject, before, after, previous, sha256('x')"
        " FROM audit_log WHERE audit_id = 2",
        "INSERT INTO audit_log SELECT 3, at, actor, action, subject, before, after, previous, sha256('x')"
        " FROM audit_log WHERE audit_id = 2",
        "UPDATE audit_head SET audit_id = 3",
        "UPDATE audit_head SET audit_id = 1",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (only_row, audit_id, hash) SELECT true, 7, hash FROM audit_head",
        "TRUNCATE audit_head",
    ],
)
async def test_the_database_itself_refuses_to_change_the_log(each_database_url: str, statement: Any) -> None:
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        await write(connection, "thing/1", after=1)
        await write(connection, "thing/2", after=2)
        before = await entries(connection)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"append-only|follow|moves only"):
            await connection.execute(statement)
        assert await entries(connection) == before
