"""`parking sign`: what signs were told, and what an operator sets on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cli.account import actor
from cli.spans import span
from parking.errors import InputError
from parking.settings import load_settings
from parking.sign_rules import Mode, Override

sign_app = typer.Typer(
    help="What signs were told, and what an operator sets on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Sign = Annotated[str, typer.Argument(help="id of the sign")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]


@sign_app.command("history")
def show_history(
    sign: Sign,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="most changes, the newest")] = 50,
    as_json: AsJson = False,
) -> None:
    """Say what a sign was told, when and why, the newest first. Times are in UTC.

    Needs PARKING_DATABASE_URL. The running ingestor writes a line for each change. Of a sign that asks over
    HTTP it also says when it last did.
    """
    from parking.db.sign_overrides import History, history

    async def read() -> History:
        async with _database() as connection, connection.transaction():
            return await history(connection, sign, limit=limit)

    found = asyncio.run(read())
    if as_json:
        from api.bodies import encode
        from api.sign_desk import history_body

        typer.echo(encode(history_body(sign, found, limit=limit)).decode())
        return
    if found.override is not None:
        _say("set by an operator", found.override)
    if found.polled_at is None:
        typer.echo("It has never asked over HTTP.")
    else:
        typer.echo(
            f"It last asked at {_time(found.polled_at)} and was told {_quoted(found.polled_text or '')}."
        )
    for one in found.messages:
        typer.echo(f"{_time(one.told_at)}  {_quoted(one.text)}  {one.why}: {one.reason}")
    if not found.messages:
        typer.echo("Nothing was decided for it yet: a running ingestor does so.")


@sign_app.command("override")
def override(
    sign: Sign,
    reason: Annotated[str, typer.Option(help="for the public and for the record")],
    show: Annotated[Mode | None, typer.Option(help="blank, full, closed or test")] = None,
    text: Annotated[str | None, typer.Option(help="or one of the words that the sign has")] = None,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="SPAN", help="for so long: 30m, 12h, 2d; a number alone is minutes"),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="or until, in UTC"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a sign show a word, or nothing, until a time, whatever the numbers are.

    Replaces what was set before. It is on record (`parking audit list --subject sign/`).
    """
    from parking.db.sign_overrides import LONGEST, SHORTEST, set_override

    if (show is None) is (text is None):
        raise InputError("give --show or --text, and not both")
    if (lasts is None) is (until is None):
        raise InputError("give --for or --until, and not both")
    if show is Mode.AUTO:
        raise InputError(
            "show: auto is what a sign does by itself", hint=f"Try `parking sign resume {sign}`."
        )
    shown: str | Mode = show if show is not None else text or ""
    ends: timedelta | datetime
    if lasts is None:
        ends = _utc(until)
    else:
        least_s, most_s = SHORTEST.total_seconds(), LONGEST.total_seconds()
        ends = timedelta(seconds=span("for", lasts, bare="m", least_s=least_s, most_s=most_s))

    async def write() -> Override:
        async with _database() as connection, connection.transaction():
            return await set_override(connection, sign, text=shown, until=ends, reason=reason, actor=actor())

    _answer(sign, asyncio.run(write()), as_json=as_json, said="set")


@sign_app.command("resume")
def resume(sign: Sign, as_json: AsJson = False) -> None:
    """Let a sign decide for itself again before its override ends."""
    from parking.db.sign_overrides import end_override

    async def write() -> Override:
        async with _database() as connection, connection.transaction():
            return await end_override(connection, sign, actor=actor())

    _answer(sign, asyncio.run(write()), as_json=as_json, said="ended")


@asynccontextmanager
async def _database() -> AsyncIterator[Any]:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema

    url = load_settings().require_database_url()
    async with connect(url, name="parking sign", autocommit=True) as connection:
        await check_schema(connection)
        yield connection


def _answer(sign: str, override: Override, *, as_json: bool, said: str) -> None:
    if as_json:
        from api.bodies import encode
        from api.sign_desk import override_body

        typer.echo(encode(override_body(sign, override)).decode())
    else:
        _say(said, override)


def _say(said: str, override: Override) -> None:
    typer.echo(
        f"{said}: {_quoted(override.text)} until {_time(override.until)}, by {override.made_by}:"
        f" {override.reason}"
    )


def _utc(at: datetime | None) -> datetime:
    assert at is not None, "one of the two was given"
    return at.replace(tzinfo=UTC)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _quoted(text: str) -> str:
    return " / ".join(text.splitlines()) or "(blank)"
