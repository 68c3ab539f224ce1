"""What the ingestor does by the clock: confirm that numbers are current, open and close sites, forget plates,
hear of changes.

Theory of operation. The keeper has a database connection of its own, so that a long batch does not delay it.
With it it holds the right to the session at the broker (`hold`), which the database gives to one process at a
time and takes back when the connection ends; a second ingestor with the same client id stands by. Between its
rounds it listens for what other processes change: the registry, and numbers of sites that this ingestor
publishes.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from ingest.clock import Clock
from ingest.publisher import Publisher
from parking.db.connect import Connection, connect, find_edition
from parking.db.failures import Failure, classify
from parking.db.gates import SAME_COPY
from parking.db.ingestors import (
    Condition,
    Holder,
    Session,
    confirm,
    hold,
    holder,
    leave,
    note_session,
    unseat,
)
from parking.db.listen import listen, notices
from parking.db.migrate import check_schema
from parking.db.opening import OpeningTimes
from parking.db.sites import published
from parking.db.watchdog import answering_within
from parking.db.write import forget_reads, forget_tokens
from parking.errors import PlateKeyError
from parking.lanes import Lanes
from parking.plates import PlateKeys
from parking.settings import Settings

log = structlog.get_logger()

CONFIRM_S = 2.0
SILENT_S = 10.0
"""A database that has not answered a round for this long is given up."""
DEAD_S = 30.0
"""Whoever uses a session and has not reported for this long has lost it."""
FORGET_S = 300.0
"""Plate tokens outlive the pairing window by this, or by a tenth of a shorter window (seconds)."""
RETRY_S = 1.0
TOGETHER_S = 0.1
"""Changes of others that come within this time are looked up together."""
REGISTRY, SITES = "parking_registry", "parking_sites"


class Keeper:
    """Sets `allowed` while this process may use the session, and calls `unseat` when it may no longer."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        publisher: Publisher,
        session: Session,
        *,
        allowed: asyncio.Event,
        unseat: Callable[[], None],
        condition: Callable[[], Condition],
        registry_changed: Callable[[], None],
        own_pids: Callable[[], Collection[int | None]],
        keys: PlateKeys | None,
        lanes: Lanes,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._publisher = publisher
        self._session = session
        self._allowed = allowed
        self._unseat = unseat
        self._condition = condition
        self._registry_changed = registry_changed
        self._own_pids = own_pids
        self._keys = keys
        self._lanes = lanes
        self._started_at = clock.now()
        self._noted = False
        self._seat_pid: int | None = None
        self._forgotten = -FORGET_S
        self._opening = OpeningTimes()

    async def run(self) -> None:
        """Keep house for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                async with connect(
                    self._settings.require_database_url(), name="parking keeper", autocommit=True
                ) as connection:
                    await self._keep(connection)
            except Exception as error:
                _tolerate(error)
                log.warning("the database is away", error=str(error).strip(), will="retry")
            await asyncio.sleep(random.uniform(RETRY_S / 2, RETRY_S))

    async def _keep(self, connection: Connection) -> None:
        with answering_within(connection, SILENT_S):
            log.info("connected to the database", edition=str(await find_edition(connection)))
            await check_schema(connection)
        await self._take_seat(connection)
        with answering_within(connection, SILENT_S):
            await listen(connection, REGISTRY, SITES)
            await self._opening.load(connection)
            self._registry_changed()
            self._publisher.offer(await published(connection))
        try:
            while True:
                with answering_within(connection, SILENT_S):
                    await self._round(connection)
                next_round = time.monotonic() + CONFIRM_S
                while (left := next_round - time.monotonic()) > 0:
                    await self._hear(connection, left)
        finally:
            await asyncio.shield(self._leave(connection))

    async def _take_seat(self, connection: Connection) -> None:
        """Wait until no other process uses our session at the broker."""
        told = False
        while (other := await self._seated(connection)) is not None:
            if self._allowed.is_set():
                self._allowed.clear()
                self._unseat()
            if not told:
                log.warning(
                    "another ingestor uses our session at the broker: standing by until it ends",
                    session=self._session.name,
                    host=other.host,
                    since=other.since.isoformat(),
                    hint="Give each ingestor a PARKING_MQTT_CLIENT_ID or PARKING_INGEST_SHARD of its own.",
                )
                told = True
            await asyncio.sleep(RETRY_S)
        self._seat_pid = connection.info.backend_pid
        self._allowed.set()

    async def _seated(self, connection: Connection) -> Holder | None:
        """Sit down, or say who sits there. Whoever is dead has to go: we on our last connection, for one."""
        with answering_within(connection, SILENT_S):
            while not await hold(connection, self._session.name):
                other = await holder(connection, self._session.name)
                if other is None:  # it has just gone
                    continue
                if other.pid != self._seat_pid and other.reported_s < DEAD_S:
                    return other
                await unseat(connection, other)
                await asyncio.sleep(RETRY_S / 10)
        return None

    async def _round(self, connection: Connection) -> None:
        await self._clock.look(connection)
        self._lanes.forget(self._clock.now())
        condition = self._condition()
        if condition.broker and not self._noted:
            await note_session(connection, self._session)
            self._noted = True
        await confirm(
            connection, ingestor=self._session.name, started_at=self._started_at, condition=condition
        )
        self._publisher.offer(await self._opening.turn(connection, now=self._clock.now()))
        if time.monotonic() - self._forgotten >= min(FORGET_S, self._settings.pairing_window_s / 10):
            await self._forget(connection)
            self._forgotten = time.monotonic()

    async def _hear(self, connection: Connection, within_s: float) -> None:
        """Wait for what others change, and act on it."""
        heard = await notices(connection, within_s=within_s, then_s=TOGETHER_S, ignore=self._own_pids())
        if not heard:
            return
        channels = {channel for channel, _ in heard}
        if REGISTRY in channels:
            await self._opening.load(connection)
            self._registry_changed()
        named = {site for channel, payload in heard if channel == SITES for site in payload.split(",")}
        everything = REGISTRY in channels or "" in named
        self._publisher.offer(await published(connection, None if everything else sorted(named)))

    async def _forget(self, connection: Connection) -> None:
        """Remove plate tokens past the pairing window, the keys that made them, and reads nobody needs."""
        now = self._clock.now()
        window = timedelta(seconds=self._settings.pairing_window_s)
        await forget_tokens(connection, now=now, window=window)
        late = timedelta(seconds=self._settings.late_limit_s)
        await forget_reads(connection, before=now - late - 2 * SAME_COPY)
        if self._keys is not None:
            try:
                self._keys.destroy_old(now, window)
            except PlateKeyError as error:
                log.error("old plate keys are not destroyed", error=error.message, hint=error.hint)

    async def _leave(self, connection: Connection) -> None:
        try:
            with answering_within(connection, RETRY_S):
                await leave(connection, ingestor=self._session.name)
        except Exception as error:
            log.info("could not sign off", error=type(error).__name__)


def _tolerate(error: Exception) -> None:
    """Raise it again unless the database, and not our own code, is at fault."""
    if classify(error) is Failure.DATA:
        raise error
