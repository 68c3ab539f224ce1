"""`parking webhooks`: who is told of which changes, and whether it arrives."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from api.bodies import encode
from api.webhooks.bodies import message_body, webhook_body
from api.webhooks.news import ping_body
from cli.account import actor
from cli.spans import span
from parking.access_keys import checked_name, checked_sites
from parking.db.connect import Connection, connect
from parking.db.migrate import check_schema
from parking.db.webhooks import (
    create_webhook,
    find_message,
    find_webhook,
    list_messages,
    list_webhooks,
    pause_webhook,
    ping_webhook,
    remove_webhook,
    resume_webhook,
    rotate_webhook,
)
from parking.errors import ParkingError
from parking.settings import load_settings
from parking.webhooks import (
    EVERY_S,
    MEANING,
    Event,
    Message,
    Webhook,
    checked_events,
    checked_every,
    checked_url,
    secret_text,
)

webhooks_app = typer.Typer(
    help="Webhooks: other departments are told of changes at an address of theirs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Which = Annotated[str, typer.Argument(metavar="WEBHOOK", help="its id or its name")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]

_PING_S = 20.0
_Changed = TypeVar("_Changed")


class NotDelivered(ParkingError):
    """The webhook did not take the message."""


@webhooks_app.callback()
def webhooks() -> None:
    """Webhooks: other departments are told of changes at an address of theirs."""


@webhooks_app.command("create")
def create(
    name: Annotated[str, typer.Option(help="who is told: a department or a program")],
    url: Annotated[str, typer.Option(help="https://host/path that takes a POST")],
    event: Annotated[
        list[str],
        typer.Option(help="repeatable: " + "; ".join(f"{one} ({MEANING[one]})" for one in Event)),
    ],
    site: Annotated[
        list[str] | None, typer.Option(help="only changes of this site; repeatable", show_default="all")
    ] = None,
    every: Annotated[int, typer.Option(help="least seconds between two numbers of one site")] = EVERY_S,
    as_json: AsJson = False,
) -> None:
    """Tell somebody of changes from now on. The secret for the signatures is printed once, here.

    Example: parking webhooks create --name highways --url https://highways.example.gov.uk/parking
    --event site.status --event site.full
    """
    wanted = {
        "name": checked_name(name),
        "url": checked_url(url),
        "events": checked_events(event),
        "sites": checked_sites(site or ()),
        "every_s": checked_every(every),
    }
    _tell_secret(*asyncio.run(_change(create_webhook, **wanted)), as_json=as_json)


@webhooks_app.command("list")
def list_them(as_json: AsJson = False) -> None:
    """List the webhooks: who is told of what, and whether it arrives."""
    found = asyncio.run(_list())
    if as_json:
        typer.echo(json.dumps([as_plain(one) for one in found], indent=1))
        return
    for one in found:
        arrived = f"last arrived {_words(one.delivered_at)}" if one.delivered_at else "none has arrived"
        typer.echo(f"{one.id}  {one.state.upper() if one.state != 'well' else 'well'}  {one.name}  {one.url}")
        where = "" if one.sites is None else f" of {', '.join(one.sites)}"
        typer.echo(f"            {', '.join(sorted(one.events))}{where}; {arrived}, {one.waiting} waiting")
        if one.paused_why:
            typer.echo(f"            paused {_words(one.paused_at)}: {one.paused_why}")
        elif one.failing_since:
            typer.echo(f"            failing since {_words(one.failing_since)}")
    typer.echo(f"webhooks: {len(found)}", err=True)


@webhooks_app.command("messages")
def messages(
    which: Which,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="most messages")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what was sent to a webhook and what waits, the newest first. Ended ones stay for seven days."""
    found = asyncio.run(_messages(which, limit))
    if as_json:
        typer.echo(json.dumps([_plain_message(one) for one in found], indent=1))
        return
    for one in found:
        then = "ended" if one.ended_at else f"next try {_words(one.next_try_at)}"
        typer.echo(f"{_words(one.made_at)}  {one.event:18} {one.site or '-':24} tries {one.tries}, {then}")
        if one.outcome:
            typer.echo(f"{'':22}{one.outcome}")
    typer.echo(f"messages: {len(found)}", err=True)


@webhooks_app.command("ping")
def ping(which: Which) -> None:
    """Send a webhook a message that tells of no change, and say what becomes of it. An API must run."""
    outcome = asyncio.run(_ping(which))
    typer.echo(f"It {outcome}.")


@webhooks_app.command("rotate")
def rotate(
    which: Which,
    overlap: Annotated[
        str, typer.Option(help="messages are signed with the former secret too for so long: 24h, 7d")
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Give a webhook a new secret, printed once."""
    overlap_s = span("overlap", overlap, least_s=0)
    made = asyncio.run(_change(rotate_webhook, which, overlap_s=overlap_s))
    _tell_secret(*made, as_json=as_json)


@webhooks_app.command("pause")
def pause(which: Which, why: Annotated[str, typer.Option(help="for the list")] = "by hand") -> None:
    """Send nothing until it is resumed; then what has changed meanwhile is told once."""
    one = asyncio.run(_change(pause_webhook, which, why=why))
    typer.echo(f"{one.name} ({one.id}) is paused since {_words(one.paused_at)}.")


@webhooks_app.command("resume")
def resume(which: Which) -> None:
    """Send again, what waits at once."""
    one = asyncio.run(_change(resume_webhook, which))
    typer.echo(f"{one.name} ({one.id}) is told of changes again; {one.waiting} waiting.")


@webhooks_app.command("remove")
def remove(which: Which) -> None:
    """Tell nothing more, also not what waits."""
    one = asyncio.run(_change(remove_webhook, which))
    typer.echo(f"{one.name} ({one.id}) is removed.")


async def _change(
    change: Callable[..., Awaitable[_Changed]], *arguments: object, **wanted: object
) -> _Changed:
    async with _database() as connection:
        return await change(connection, *arguments, actor=actor(), **wanted)


async def _list() -> list[Webhook]:
    async with _database() as connection:
        return await list_webhooks(connection)


async def _messages(which: str, limit: int) -> list[Message]:
    async with _database() as connection:
        found = await find_webhook(connection, which)
        return await list_messages(connection, found.id, limit=limit)


async def _ping(which: str) -> str:
    async with _database() as connection:
        message_id = await ping_webhook(connection, which, body=ping_body(datetime.now(UTC)))
        deadline = time.monotonic() + _PING_S
        while time.monotonic() < deadline:
            message = await find_message(connection, message_id)
            if message is not None and message.outcome is not None:
                if message.tries and message.ended_at and message.outcome.startswith("answered 2"):
                    return message.outcome
                raise NotDelivered(
                    f"The webhook did not take the message: {message.outcome}",
                    hint="It is tried again; `parking webhooks messages` shows what becomes of it.",
                )
            await asyncio.sleep(0.2)
    raise NotDelivered(
        f"The message was not sent within {_PING_S:g} s",
        hint="An API sends it: check that one runs with this database (`parking doctor`).",
    )


@asynccontextmanager
async def _database() -> AsyncIterator[Connection]:
    url = load_settings().require_database_url()
    async with connect(url, name="parking webhooks command", autocommit=True) as connection:
        await check_schema(connection)
        yield connection


def as_plain(webhook: Webhook) -> dict[str, Any]:
    """A webhook as JSON tells it."""
    plain: dict[str, Any] = json.loads(encode(webhook_body(webhook)))
    return plain


def _plain_message(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(encode(message_body(message)))
    return plain


def _tell_secret(webhook: Webhook, secret: bytes, *, as_json: bool) -> None:
    """The secret on standard output, alone, so that it can be piped; what there is to say on the other."""
    if as_json:
        typer.echo(json.dumps({**as_plain(webhook), "secret": secret_text(secret)}, indent=1))
        return
    typer.echo(secret_text(secret))
    typer.echo(f"{webhook.name} ({webhook.id}) is told of {', '.join(sorted(webhook.events))}.", err=True)
    if webhook.former_until is not None:
        typer.echo(f"The former secret signs as well until {_words(webhook.former_until)}.", err=True)
    typer.echo("Give the secret to the receiver now: it is not shown again.", err=True)


def _words(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
