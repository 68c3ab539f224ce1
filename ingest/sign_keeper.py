"""Decides what all signs show, writes it down and publishes it; one ingestor at a time.

Theory of operation. The thresholds of a sign and its least time between changes need a memory that every
reader shares. So one process decides: whoever holds an advisory lock of the database. A decision is in the
database, with a row of the audit, before anybody is told of it. When that ingestor dies its lock goes with
its connection, and another one goes on from what is written.
"""

import asyncio
import random
import time
from datetime import timedelta
from functools import partial

import structlog

from ingest.clock import Clock
from ingest.sign_desk import SignDesk
from ingest.sign_publisher import Shown, SignPublisher, topic_of
from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.listen import listen, notices
from parking.db.live import load_confirmation
from parking.db.migrate import check_schema
from parking.db.opening import site_times
from parking.db.signs import forget_messages, hold, load_sign_facts, load_sign_states, store_decisions
from parking.db.sites import published
from parking.db.watchdog import answering_within
from parking.sign_rules import SignRules

log = structlog.get_logger()

ROUND_S = 1.0
"""Signs are looked at this often at least: schedules, overrides and staleness come with time alone."""
TOGETHER_S = 0.05
"""Changes that come within this time are decided together."""
SPACING_S = 0.25
"""Rounds are no closer: while a backlog is worked off numbers change all the time."""
RETRY_S = 1.0
SILENT_S = 10.0
FORGET_S = 3600.0
KEPT = timedelta(days=366)
REGISTRY, SITES, SIGNS = "parking_registry", "parking_sites", "parking_signs"


class SignKeeper:
    """Keeps all signs for as long as no other ingestor does."""

    def __init__(
        self,
        database_url: str,
        publisher: SignPublisher,
        clock: Clock,
        *,
        defaults: SignRules,
        stale_after_s: float,
    ) -> None:
        self._database_url = database_url
        self._publisher = publisher
        self._clock = clock
        self._desk = SignDesk(defaults, stale_after_s=stale_after_s)
        self._forgotten = -FORGET_S
        self._topics: dict[str, str] = {}
        self._concerned: set[str] = set()
        self._all_at = self._round_at = -ROUND_S

    async def run(self) -> None:
        """Keep the signs for as long as the task lives; a database that is away is waited for."""
        while True:
            try:
                async with connect(self._database_url, name="parking signs", autocommit=True) as connection:
                    await self._keep(connection)
            except Exception as error:
                # No sign is worth that numbers are not taken in, whoever is at fault.
                say = log.exception if classify(error) is Failure.DATA else log.warning
                say("signs are not being decided", error=str(error).strip(), will="retry")
            finally:
                self._publisher.offer({})
            await asyncio.sleep(random.uniform(RETRY_S / 2, RETRY_S))

    async def _keep(self, connection: Connection) -> None:
        with answering_within(connection, SILENT_S):
            await check_schema(connection)
        while True:
            with answering_within(connection, SILENT_S):
                if await hold(connection):
                    break
            await asyncio.sleep(random.uniform(RETRY_S, 2 * RETRY_S))
        with answering_within(connection, SILENT_S):
            await listen(connection, REGISTRY, SITES, SIGNS)
            await self._load(connection)
        log.info("deciding for the signs", signs=len(self._desk.facts))
        while True:
            with answering_within(connection, SILENT_S):
                await self._round(connection)
            await self._hear(connection)
            await asyncio.sleep(self._round_at + SPACING_S - time.monotonic())

    async def _load(self, connection: Connection) -> None:
        self._desk.load(
            await load_sign_facts(connection),
            await load_sign_states(connection),
            await site_times(connection),
        )
        self._desk.see(await published(connection))
        self._topics = {
            sign: topic_of(site, sign)
            for sign, facts in self._desk.facts.items()
            if (site := facts.listed_under) is not None
        }
        self._all_at = -ROUND_S

    async def _round(self, connection: Connection) -> None:
        confirmation = await load_confirmation(connection)
        self._desk.confirm(confirmation.confirmed_at)
        done = self._desk.decide(confirmation.database_time, only=self._due(time.monotonic()))
        await store_decisions(connection, done.stored, done.told, now=confirmation.database_time)
        self._desk.keep(done)
        self._publisher.offer(
            {
                sign: Shown(
                    topic,
                    self._desk.decisions[sign],
                    self._desk.rules[sign],
                    partial(self._desk.changes_at, sign),
                )
                for sign, topic in self._topics.items()
            }
        )
        if time.monotonic() - self._forgotten >= FORGET_S:
            await forget_messages(connection, before=confirmation.database_time - KEPT)
            self._forgotten = time.monotonic()

    def _due(self, now_s: float) -> set[str] | None:
        """The signs of which something was heard; every second all of them (None)."""
        concerned, self._concerned = self._concerned & self._desk.facts.keys(), set()
        self._round_at = now_s
        if now_s - self._all_at < ROUND_S:
            return concerned
        self._all_at = now_s
        return None

    async def _hear(self, connection: Connection) -> None:
        """Wait for what others change, at most until the next round is due."""
        own = (connection.info.backend_pid,)
        heard = await notices(connection, within_s=ROUND_S, then_s=TOGETHER_S, ignore=own)
        channels = {channel for channel, _ in heard}
        with answering_within(connection, SILENT_S):
            if REGISTRY in channels:
                await self._load(connection)
                return
            named = {channel: set[str]() for channel in (SITES, SIGNS)}
            for channel, payload in heard:
                named[channel].update(payload.split(","))
            if named[SIGNS]:
                states = await load_sign_states(connection, _some(named[SIGNS]))
                self._desk.know(states)
                self._concerned.update(state.sign for state in states)
            if named[SITES]:
                self._concerned |= self._desk.see(await published(connection, _some(named[SITES])))


def _some(names: set[str]) -> list[str] | None:
    """These, or all (None) where an empty name says so."""
    return None if "" in names else sorted(names)
