"""Tells webhooks of changes, for as long as the API runs; of several API processes one does it.

What is published is compared with what each webhook was last told. The difference and the messages that tell
it are written in one transaction, so a change is neither missed nor told twice when this process dies.
Messages are posted from the database until they have arrived: a receiver may see one twice, under one id.
"""

import asyncio
import contextlib
from typing import Final

import structlog

from api.live import LiveView
from api.webhooks.news import untold
from api.webhooks.post import Poster
from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.migrate import check_schema
from parking.db.pool import Pool
from parking.db.watchdog import answering_within
from parking.db.webhooks import (
    Due,
    forget_messages,
    load_due,
    load_told,
    load_watched,
    mark_delivered,
    mark_failed,
    tell,
    try_to_lead,
)

_log = structlog.get_logger()

LOOK_S: Final = 1.0
"""How often what is published is compared with what was told."""
_REST_S = 5.0
_ANSWER_S = 10.0
_FORGET_S = 3600.0
MOST_AT_ONCE: Final = 20
"""Receivers that are asked at a time; each gets one message after the other."""


class Sender:
    """One of these runs in each API process; it works while it holds the lock in the database."""

    def __init__(self, database_url: str, view: LiveView, writes: Pool, poster: Poster) -> None:
        self._database_url = database_url
        self._view = view
        self._writes = writes
        self._poster = poster
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Send, or wait to take over, for ever; a database that is away is waited for."""
        async with self._poster:
            await self._run()

    async def _run(self) -> None:
        while True:
            try:
                async with connect(
                    self._database_url, name="parking webhooks", autocommit=True
                ) as connection:
                    await check_schema(connection)
                    if await try_to_lead(connection):
                        await self._lead(connection)
            except* Exception as group:
                error = _first(group)
                if classify(error) is Failure.DATA:
                    _log.exception("Webhooks were not sent; they will be")
                else:
                    # The live feed tells of a database that is away.
                    _log.debug("Webhooks wait for the database", reason=str(error).strip())
            await asyncio.sleep(_REST_S)

    async def _lead(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(connection), name="changes for webhooks")
            tasks.create_task(self._deliver(tasks), name="messages to webhooks")

    async def _watch(self, connection: Connection) -> None:
        """Note what is to be told. The lock goes with this connection, so it is asked all the time."""
        loop, forgotten_at = asyncio.get_running_loop(), -_FORGET_S
        while True:
            with answering_within(connection, _ANSWER_S):
                webhooks = await load_watched(connection)
                if webhooks and self._view.loaded:
                    news = list(untold(self._view, webhooks, await load_told(connection)))
                    if news:
                        await tell(connection, news)
                if loop.time() - forgotten_at > _FORGET_S:
                    await forget_messages(connection)
                    forgotten_at = loop.time()
            await asyncio.sleep(LOOK_S)

    async def _deliver(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            async with self._writes.transaction() as connection:
                due = await load_due(connection, busy=self._busy, limit=10 * MOST_AT_ONCE)
            for message in due:
                if message.webhook_id not in self._busy and len(self._busy) < MOST_AT_ONCE:
                    self._busy.add(message.webhook_id)
                    mine = [one for one in due if one.webhook_id == message.webhook_id]
                    tasks.create_task(self._post_all(mine), name=f"webhook {message.webhook_id}")
            await asyncio.sleep(LOOK_S if not due else LOOK_S / 10)

    async def _post_all(self, messages: list[Due]) -> None:
        """One after the other, until one does not arrive: a receiver that is away is not asked for each."""
        try:
            for due in messages:
                outcome = await self._poster.post(due)
                # Whoever is cut off in between posts it again, which receivers are told to expect.
                async with self._writes.transaction() as connection:
                    if outcome.arrived:
                        await mark_delivered(connection, due, outcome.words)
                        continue
                    await mark_failed(
                        connection, due, outcome.words, wait_s=outcome.wait_s, pause=outcome.pause
                    )
                _log.warning(
                    "a webhook failed", webhook=due.webhook_id, tries=due.tries + 1, why=outcome.words
                )
                break
        finally:
            with contextlib.suppress(KeyError):
                self._busy.remove(messages[0].webhook_id)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first error in a group, however deep."""
    found: Exception | BaseExceptionGroup[Exception] = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
