"""The database as reports read it: a connection each, few at a time, and none for longer than it may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parking.db.connect import Connection, connect
from parking.db.failures import explain
from parking.db.watchdog import answering_within

AT_ONCE = 2
"""Reports that one API process makes at the same time; others wait their turn."""
ANSWER_S = 60.0


class Reports:
    """Gives connections to those who make reports."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._turns = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def reading(self, *, within_s: float = ANSWER_S) -> AsyncIterator[Connection]:
        """A connection of one's own. Raises DatabaseUnavailable."""
        async with self._turns:
            try:
                async with connect(self._database_url, name="parking reports", autocommit=True) as connection:
                    with answering_within(connection, within_s):
                        yield connection
            except Exception as error:
                explained = explain(error)
                if explained is None:
                    raise
                raise explained from error
