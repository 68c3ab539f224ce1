"""Holds the keys of the API in memory for some seconds, and writes down when they were used."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog

from parking.access_keys import AccessKey, Lock, Presented
from parking.db.access_keys import load_locks, mark_used
from parking.db.pool import Pool
from parking.errors import DatabaseUnavailable

KEPT_S = 5.0
"""A revoked or rotated key is refused at the latest so long after; through this process at once."""
LEAST_S = 0.25
"""All keys are read at most this often, however many unknown ones are tried."""
USED_EVERY_S = 60.0
_RETRY_S = 5.0
_LAST_WORDS_S = 1.0

_log = structlog.get_logger()


class Now(Protocol):
    """A clock that goes by the database's."""

    def now(self) -> datetime:
        """The time, UTC."""
        ...


class KeyRing:
    """The keys that open something; an unknown id makes it read them anew, so a new one is found at once."""

    def __init__(self, database: Pool, clock: Now) -> None:
        self._database = database
        self._clock = clock
        self._locks: dict[str, Lock] = {}
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self.reads = 0
        self._reading = asyncio.Lock()
        self._noted: dict[str, float] = {}
        self._used: set[str] = set()
        self._any_used = asyncio.Event()

    async def find(self, presented: Presented, *, search: bool = True) -> AccessKey | None:
        """The key, if this is one and it is good now; without `search` an unknown one is not looked for.

        Raises DatabaseUnavailable where nobody can know.
        """
        asked_at = time.monotonic()
        if asked_at - self._read_at > KEPT_S:
            await self._read(asked_at, since=asked_at - KEPT_S)
        elif search and presented.id not in self._locks:
            await self._read(asked_at, since=asked_at)
        lock = self._locks.get(presented.id)
        if lock is None or not lock.opens(presented.secret, self._clock.now()):
            return None
        self._note(lock.key.id)
        return lock.key

    @property
    def unwritten(self) -> bool:
        """Whether a use waits to be written down."""
        return bool(self._used)

    def forget(self) -> None:
        """Keys were changed through this process: read them before any is accepted again."""
        self._read_at = float("-inf")

    async def run(self) -> None:
        """Write down which keys were used, for ever; also at the end, if the database takes it at once."""
        try:
            while True:
                await self._any_used.wait()
                self._any_used.clear()
                try:
                    await self._write()
                except DatabaseUnavailable:
                    await asyncio.sleep(_RETRY_S)
                    self._any_used.set()
        finally:
            if self._used:
                with suppress(DatabaseUnavailable, TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await self._write()

    async def _read(self, asked_at: float, *, since: float) -> None:
        """Read all keys, unless another caller has done so after `since`, or has failed after `asked_at`."""
        async with self._reading:
            if self._read_at > since:
                return
            if self._failed_at > asked_at:
                # Else each of those who wait would wait for a failure of their own, one after the other.
                raise DatabaseUnavailable
            if (early := self._read_at + LEAST_S - time.monotonic()) > 0:
                await asyncio.sleep(early)
            began = time.monotonic()
            try:
                async with self._database.transaction() as connection:
                    self._locks = await load_locks(connection)
            except DatabaseUnavailable:
                self._failed_at = time.monotonic()
                raise
            self._read_at = began
            self.reads += 1
            self._noted = {id: at for id, at in self._noted.items() if id in self._locks}

    def _note(self, key_id: str) -> None:
        now = time.monotonic()
        if now - self._noted.get(key_id, float("-inf")) >= USED_EVERY_S:
            self._noted[key_id] = now
            self._used.add(key_id)
            self._any_used.set()

    async def _write(self) -> None:
        used, self._used = self._used, set()
        try:
            async with self._database.transaction() as connection:
                await mark_used(connection, used)
        except BaseException:
            self._used |= used
            raise
