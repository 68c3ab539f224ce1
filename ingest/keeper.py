"""What the ingestor does by the clock: confirm that numbers are current, silence bays, forget plates."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from ingest.publisher import Publisher
from parking.db.connect import Connection, connect, find_edition
from parking.db.failures import Failure, classify
from parking.db.listen import listening
from parking.db.migrate import check_schema
from parking.db.sites import published
from parking.db.write import confirm, forget_tokens, leave
from parking.errors import PlateKeyError
from parking.plates import PlateKeys
from parking.settings import Settings

log = structlog.get_logger()

CONFIRM_S = 2.0
FORGET_S = 300.0
"""Plate tokens outlive the pairing window by this, or by a tenth of a shorter window (seconds)."""
RETRY_S = 1.0


class Keeper:
    """Holds one database connection of its own, so that a long batch does not delay it."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        *,
        current: Callable[[], bool],
        silence: Callable[[], Awaitable[None]],
        keys: PlateKeys | None,
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._current = current
        self._silence = silence
        self._keys = keys
        self._started_at = datetime.now(UTC)
        self._forgotten = -FORGET_S

    async def run(self) -> None:
        """Keep house for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                async with connect(
                    self._settings.require_database_url(), name="parking keeper"
                ) as connection:
                    log.info("connected to the database", edition=str(await find_edition(connection)))
                    await check_schema(connection)
                    self._publisher.offer(await published(connection))
                    await connection.commit()
                    try:
                        while True:
                            await self._round(connection)
                            await asyncio.sleep(CONFIRM_S)
                    finally:
                        await asyncio.shield(self._leave(connection))
            except Exception as error:
                _tolerate(error)
                log.warning("the database is away", error=str(error).strip(), will="retry")
            await asyncio.sleep(random.uniform(RETRY_S / 2, RETRY_S))

    async def _round(self, connection: Connection) -> None:
        current = self._current()
        if current:
            await self._silence()
        await confirm(
            connection,
            ingestor=self._settings.mqtt_client_id,
            started_at=self._started_at,
            connected=current,
        )
        if time.monotonic() - self._forgotten >= min(FORGET_S, self._settings.pairing_window_s / 10):
            await self._forget(connection)
            self._forgotten = time.monotonic()

    async def _forget(self, connection: Connection) -> None:
        """Remove plate tokens past the pairing window, and the keys that made them."""
        now = datetime.now(UTC)
        window = timedelta(seconds=self._settings.pairing_window_s)
        await forget_tokens(connection, before=now - window)
        if self._keys is not None:
            try:
                self._keys.destroy_old(now, window)
            except PlateKeyError as error:
                log.error("old plate keys are not destroyed", error=error.message, hint=error.hint)

    async def _leave(self, connection: Connection) -> None:
        try:
            await leave(connection, ingestor=self._settings.mqtt_client_id)
        except Exception as error:
            log.info("could not sign off", error=type(error).__name__)


async def follow_registry(database_url: str, changed: Callable[[], None]) -> None:
    """Call `changed` whenever the registry may have changed, for as long as the task lives."""
    while True:
        try:
            async with listening(database_url, "parking_registry", name="parking registry") as changes:
                changed()
                async for _ in changes:
                    changed()
        except Exception as error:
            _tolerate(error)
            log.warning("the registry cannot be followed", error=str(error).strip(), will="retry")
        await asyncio.sleep(random.uniform(RETRY_S / 2, RETRY_S))


def _tolerate(error: Exception) -> None:
    """Raise it again unless the database, and not our own code, is at fault."""
    if classify(error) is Failure.DATA:
        raise error
