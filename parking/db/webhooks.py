"""Webhooks in the database: who is told, and the messages. Changes by people are in the audit log."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from parking.db.access_keys import require_sites
from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.errors import Conflict, NotFound
from parking.webhooks import PING, Event, Message, Webhook, new_id, new_message_id, new_secret

_EVENTS = frozenset(Event)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is to be told to one webhook."""

    id: str
    events: frozenset[Event]
    sites: frozenset[str] | None
    every_s: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a webhook was last told of a site."""

    value: str
    at: datetime


Key = tuple[str, str, Event]
"""A webhook, a site, and what of it."""


@dataclass(frozen=True, slots=True)
class News:
    """A change that is to be told; `body` None: only to be known, as the first value of anything is."""

    key: Key
    value: str
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A message that is to be sent now, and what it is signed with."""

    message_id: str
    webhook_id: str
    body: str
    tries: int
    url: str
    secrets: tuple[bytes, ...]


async def create_webhook(
    connection: Connection,
    *,
    actor: str,
    name: str,
    url: str,
    events: frozenset[Event],
    sites: tuple[str, ...] | None,
    every_s: int,
) -> tuple[Webhook, bytes]:
    """Make a webhook; its secret is told here and when it is rotated. Raises AccessError, Conflict."""
    webhook_id, secret = new_id(), new_secret()
    columns = {
        "webhook_id": webhook_id,
        "name": name,
        "url": url,
        "events": sorted(events),
        "sites": None if sites is None else list(sites),
        "every_s": every_s,
        "secret": secret,
        "created_by": actor,
    }
    try:
        async with connection.transaction():
            await require_sites(connection, sites or ())
            await connection.execute(statement("webhooks", "create"), columns)
            made = await find_webhook(connection, webhook_id)
            await _record(connection, actor, "webhook.create", None, made)
    except psycopg.errors.UniqueViolation:
        raise Conflict(f"name: there is a webhook with the name {name!r} already") from None
    return made, secret


async def rotate_webhook(
    connection: Connection, which: str, *, actor: str, overlap_s: float
) -> tuple[Webhook, bytes]:
    """Give a webhook a new secret; messages are signed with the old one too for `overlap_s`."""
    secret = new_secret()
    async with connection.transaction():
        before = await find_webhook(connection, which)
        await connection.execute(
            statement("webhooks", "rotate"),
            {"webhook_id": before.id, "secret": secret, "overlap_s": overlap_s},
        )
        after = await find_webhook(connection, before.id)
        await _record(connection, actor, "webhook.rotate", before, after)
    return after, secret


async def pause_webhook(connection: Connection, which: str, *, actor: str, why: str) -> Webhook:
    """Send nothing more until it is resumed; it is then told what is true then."""
    async with connection.transaction():
        before = await find_webhook(connection, which)
        await connection.execute(statement("webhooks", "pause"), {"webhook_id": before.id, "why": why})
        after = await find_webhook(connection, before.id)
        await _record(connection, actor, "webhook.pause", before, after)
    return after


async def resume_webhook(connection: Connection, which: str, *, actor: str) -> Webhook:
    """Send again, and at once what waits."""
    async with connection.transaction():
        before = await find_webhook(connection, which)
        await connection.execute(statement("webhooks", "resume"), {"webhook_id": before.id})
        await connection.execute(statement("webhooks", "retry_now"), {"webhook_id": before.id})
        after = await find_webhook(connection, before.id)
        await _record(connection, actor, "webhook.resume", before, after)
    return after


async def remove_webhook(connection: Connection, which: str, *, actor: str) -> Webhook:
    """Remove a webhook with its messages."""
    async with connection.transaction():
        before = await find_webhook(connection, which)
        await connection.execute(statement("webhooks", "remove"), {"webhook_id": before.id})
        await _record(connection, actor, "webhook.remove", before, None)
    return before


async def ping_webhook(connection: Connection, which: str, *, body: str) -> str:
    """Send a webhook, even a paused one, a message that tells of no change; its id."""
    async with connection.transaction():
        webhook = await find_webhook(connection, which)
        message_id = new_message_id()
        columns = {
            "messages": message_id,
            "webhooks": webhook.id,
            "sites": "",
            "events": PING,
            "bodies": body,
        }
        await connection.execute(
            statement("webhooks", "send"), {name: [value] for name, value in columns.items()}
        )
    return message_id


async def list_webhooks(connection: Connection) -> list[Webhook]:
    """All webhooks by name."""
    return [
        _webhook(row) for row in await (await connection.execute(statement("webhooks", "list"))).fetchall()
    ]


async def find_webhook(connection: Connection, which: str) -> Webhook:
    """One webhook by its id or name, held until the transaction ends. Raises NotFound."""
    cursor = await connection.execute(statement("webhooks", "one"), {"which": which.replace("\0", "")})
    if (row := await cursor.fetchone()) is None:
        raise NotFound(f"There is no webhook with the id or name {which!r:.120}")
    return _webhook(row)


async def list_messages(connection: Connection, webhook_id: str, *, limit: int) -> list[Message]:
    """The newest messages of a webhook."""
    asked = {"webhook_id": webhook_id, "limit": limit}
    cursor = await connection.execute(statement("webhooks", "messages"), asked)
    return [_message(row) for row in await cursor.fetchall()]


async def find_message(connection: Connection, message_id: str) -> Message | None:
    """One message; None if a newer one took its place."""
    cursor = await connection.execute(statement("webhooks", "message"), {"message_id": message_id})
    row = await cursor.fetchone()
    return None if row is None else _message(row)


async def try_to_lead(connection: Connection) -> bool:
    """Whether this connection's process is the one that sends, for as long as the connection lives."""
    row = await (await connection.execute(statement("webhooks", "lead"))).fetchone()
    return row is not None and bool(row[0])


async def load_watched(connection: Connection) -> list[Watched]:
    """The webhooks that are told of changes."""
    rows = await (await connection.execute(statement("webhooks", "watched"))).fetchall()
    return [
        Watched(
            webhook_id,
            # An event that only a newer version knows is none of ours.
            frozenset(Event(event) for event in events if event in _EVENTS),
            None if sites is None else frozenset(sites),
            every_s,
        )
        for webhook_id, events, sites, every_s in rows
    ]


async def load_told(connection: Connection) -> dict[Key, Told]:
    """What those were last told."""
    rows = await (await connection.execute(statement("webhooks", "told"))).fetchall()
    return {
        (webhook_id, site, Event(event)): Told(value, at)
        for webhook_id, site, event, value, at in rows
        if event in _EVENTS
    }


async def tell(connection: Connection, news: Collection[News]) -> None:
    """Write down what is told from now on, and the messages that tell it, together or not at all."""
    told = [(webhook, site, event.value, one.value) for one in news for webhook, site, event in (one.key,)]
    messages = [
        (new_message_id(), webhook, site, event.value, one.body)
        for one in news
        if one.body is not None
        for webhook, site, event in (one.key,)
    ]
    async with connection.transaction():
        columns = _columns(("webhooks", "sites", "events", "values"), told)
        await connection.execute(statement("webhooks", "tell"), columns)
        if messages:
            columns = _columns(("messages", "webhooks", "sites", "events", "bodies"), messages)
            await connection.execute(statement("webhooks", "send"), columns)


async def load_due(connection: Connection, *, busy: Iterable[str], limit: int) -> list[Due]:
    """What is to be sent now, the longest due first, except to those that are busy."""
    cursor = await connection.execute(statement("webhooks", "due"), {"busy": list(busy), "limit": limit})
    return [
        Due(
            message_id=message_id,
            webhook_id=webhook_id,
            body=body,
            tries=tries,
            url=url,
            secrets=tuple(bytes(one) for one in (secret, former) if one is not None),
        )
        for message_id, webhook_id, body, tries, url, secret, former in await cursor.fetchall()
    ]


async def mark_delivered(connection: Connection, due: Due, outcome: str) -> None:
    """A message has arrived."""
    async with connection.transaction():
        asked = {"message_id": due.message_id, "outcome": outcome}
        await connection.execute(statement("webhooks", "delivered"), asked)
        await connection.execute(statement("webhooks", "well"), {"webhook_id": due.webhook_id})


async def mark_failed(
    connection: Connection, due: Due, outcome: str, *, wait_s: float | None, pause: str | None
) -> None:
    """A message has not arrived: it is tried again after `wait_s`, or given up and the webhook paused."""
    async with connection.transaction():
        asked = {"message_id": due.message_id, "outcome": outcome, "wait_s": wait_s}
        await connection.execute(statement("webhooks", "failed"), asked)
        await connection.execute(statement("webhooks", "unwell"), {"webhook_id": due.webhook_id})
        if wait_s is not None:
            waits = {"webhook_id": due.webhook_id, "wait_s": wait_s}
            await connection.execute(statement("webhooks", "postpone"), waits)
    if pause is not None:
        await pause_webhook(connection, due.webhook_id, actor="webhooks", why=pause)


async def forget_messages(connection: Connection) -> None:
    """Remove messages that ended more than seven days ago."""
    await connection.execute(statement("webhooks", "forget"))


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


async def _record(
    connection: Connection, actor: str, action: str, before: Webhook | None, after: Webhook | None
) -> None:
    about = after or before
    assert about is not None
    await record(
        connection,
        actor=actor,
        action=action,
        subject=f"webhook/{about.id}",
        before=before and _plain(before),
        after=after and _plain(after),
    )


def _plain(webhook: Webhook) -> dict[str, Any]:
    return {**asdict(webhook), "events": sorted(webhook.events)}


def _webhook(row: tuple[Any, ...]) -> Webhook:
    names = [
        "id",
        "name",
        "url",
        "events",
        "sites",
        "every_s",
        "created_at",
        "created_by",
        "former_until",
        "paused_at",
        "paused_why",
        "failing_since",
        "delivered_at",
        "waiting",
    ]
    values = dict(zip(names, row, strict=True))
    values["events"] = frozenset(Event(event) for event in values["events"] if event in _EVENTS)
    values["sites"] = None if values["sites"] is None else tuple(values["sites"])
    return Webhook(**values)


def _message(row: tuple[Any, ...]) -> Message:
    names = ("id", "site", "event", "made_at", "next_try_at", "tries", "ended_at", "outcome")
    return Message(**dict(zip(names, row, strict=True)))
