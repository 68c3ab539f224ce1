"""After a change of the number of shares: stores what still waits in the sessions of the former ones.

Theory of operation. Each share has a session at the broker. When the work is shared anew, the new ingestors
make new sessions, and messages that came before those, or were not acknowledged, wait in the old ones. Once
every new share has its session, whoever of them comes first takes an old session whose ingestor has ended,
unsubscribes it, stores what waits in it of its share (a copy changes nothing), and ends it.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from ingest.clock import Clock
from ingest.mqtt_connection import Purpose
from ingest.mqtt_source import MqttSource
from ingest.share import Share
from ingest.writer import Publish, Writer
from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.ingestors import Session, forget_session, former_sessions, hold, leave, let_go
from parking.db.watchdog import answering_within
from parking.settings import Settings

log = structlog.get_logger()

EVERY_S = 5.0
EMPTY_S = 3.0
"""A session that has brought nothing for this long, though it could, is empty."""
SILENT_S = 10.0


class FormerSessions:
    """Looks for such sessions as long as its task lives."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        mine: Session,
        writer: Writer,
        publish: Publish,
        *,
        connected: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._mine = mine
        self._writer = writer
        self._publish = publish
        self._connected = connected

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            await asyncio.sleep(random.uniform(EVERY_S / 2, EVERY_S))
            if not self._connected():
                continue
            try:
                async with connect(
                    self._settings.require_database_url(), name="parking sessions", autocommit=True
                ) as connection:
                    await self._look(connection)
            except Exception as error:
                if classify(error) is Failure.DATA:
                    raise
                log.warning("former sessions cannot be looked for", error=str(error).strip(), will="retry")

    async def _look(self, connection: Connection) -> None:
        with answering_within(connection, SILENT_S):
            found = await former_sessions(connection, self._mine)
        for session in found:
            # Held by its own ingestor while that lives.
            if await hold(connection, session.name):
                try:
                    await self._empty(session)
                    await forget_session(connection, session.name)
                    # If its ingestor died, nobody else would take back its last word.
                    await leave(connection, ingestor=session.name)
                finally:
                    await let_go(connection, session.name)

    async def _empty(self, session: Session) -> None:
        """Store what waits in this session, then end it."""
        source = MqttSource(self._settings, self._clock, session=session.name, purpose=Purpose.EMPTY)
        share, stored = Share(session.share, session.shares), 0
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(source.run(), name=f"empty {session.name}")
            while True:
                try:
                    async with asyncio.timeout(EMPTY_S):
                        messages = await source.take(most=self._settings.batch_size, wait_s=0.02)
                except TimeoutError:
                    if source.connected:
                        break
                    continue
                ours = [message for message in messages if share.owns(message.topic)]
                if ours:
                    await self._writer.write(ours, self._publish)
                source.acknowledge(messages)
                stored += len(ours)
            running.cancel()
        await self._end(session)
        log.info("a former session is empty and ended", session=session.name, messages=stored)

    async def _end(self, session: Session) -> None:
        """Tell the broker to forget the session."""
        source = MqttSource(self._settings, self._clock, session=session.name, purpose=Purpose.END)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(source.run(), name=f"end {session.name}")
            while not source.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            running.cancel()
