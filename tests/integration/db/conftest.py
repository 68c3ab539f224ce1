"""A connection to a fresh database, and how to ask it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from parking.db.connect import Connection, connect


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    """One connection to a fresh migrated database, each statement its own transaction."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection


async def rows(connection: Connection, query: Any, *arguments: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    cursor = await connection.execute(query, arguments)
    return await cursor.fetchall()
