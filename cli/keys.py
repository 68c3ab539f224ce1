"""`parking keys`: who may do what over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.account import actor
from cli.spans import span
from parking.access_keys import (
    AccessKey,
    Presented,
    Scope,
    checked_name,
    checked_scopes,
    checked_sites,
)
from parking.settings import load_settings

keys_app = typer.Typer(
    help="Keys of the API: for managers, operators, cameras, and programs that administer.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Which = Annotated[str, typer.Argument(metavar="KEY", help="the id or the name of the key")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]


@keys_app.callback()
def keys() -> None:
    """Keys of the API: for managers, operators, cameras, and programs that administer."""


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Option(help="whose it is: a person's or a program's name")],
    scope: Annotated[list[str], typer.Option(help=f"what it may do, repeatable: {', '.join(Scope)}")],
    expires: Annotated[
        str | None, typer.Option(help="it ends after so long: 90d, 12h, 1y", show_default="never")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="it is good for this site alone; repeatable", show_default="all")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is printed once, here, and nowhere else: only a hash of its secret is stored.

    Example: parking keys create --name "Parking office" --scope reports:read --scope maintenance:read
    """
    key, presented = asyncio.run(
        _create(
            name=checked_name(name),
            scopes=checked_scopes(scope),
            sites=checked_sites(site or ()),
            expires_s=None if expires is None else span("expires", expires),
        )
    )
    _tell_secret(key, presented, as_json=as_json)


@keys_app.command("list")
def list_them(
    ended: Annotated[bool, typer.Option("--all", help="also those that are expired or revoked")] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys: whose they are, what they may do, until when, and when they were last used."""
    now, keys = asyncio.run(_list())
    keys = [key for key in keys if ended or key.state(now) == "valid"]
    if as_json:
        typer.echo(json.dumps([{**as_plain(key), "state": key.state(now)} for key in keys], indent=1))
        return
    for key in keys:
        used = f"last used {_words(key.last_used_at)}" if key.last_used_at else "never used"
        ends = "" if key.state(now) == "valid" else f"{key.state(now).upper()}  "
        until = f"expires {_words(key.expires_at)}" if key.expires_at else "never expires"
        typer.echo(f"{key.id}  {ends}{key.name}  made {_words(key.created_at)}, {until}, {used}")
        where = "" if key.sites is None else f" at {', '.join(key.sites)}"
        typer.echo(f"            {', '.join(sorted(key.scopes))}{where}")
    typer.echo(f"{'keys' if ended else 'valid keys'}: {len(keys)}", err=True)


@keys_app.command("show")
def show(which: Which, as_json: AsJson = False) -> None:
    """Show all that is known of one key; its secret is not: nobody has it but its holder."""
    now, key = asyncio.run(_find(which))
    plain = {**as_plain(key), "state": key.state(now)}
    if as_json:
        typer.echo(json.dumps(plain, indent=1))
        return
    for field, value in plain.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        typer.echo(f"{field:13} {shown or _NOTHING.get(field, '-')}")


@keys_app.command("rotate")
def rotate(
    which: Which,
    overlap: Annotated[
        str, typer.Option(help="the old secret works for so long: 24h, 7d; 0s ends it now")
    ] = "24h",
    expires: Annotated[
        str | None, typer.Option(help="it ends so long from now: 1y", show_default="as before")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, printed once. Both work while they overlap; a third would end the first."""
    expires_s = None if expires is None else span("expires", expires)
    overlap_s = span("overlap", overlap, least_s=0)
    key, presented = asyncio.run(_rotate(which, overlap_s=overlap_s, expires_s=expires_s))
    _tell_secret(key, presented, as_json=as_json)


@keys_app.command("revoke")
def revoke(which: Which, as_json: AsJson = False) -> None:
    """End a key for good. A running API refuses it within five seconds."""
    key = asyncio.run(_revoke(which))
    if as_json:
        typer.echo(json.dumps(as_plain(key), indent=1))
    else:
        typer.echo(f"{key.name} ({key.id}) is revoked since {_words(key.revoked_at)}.")


async def _list() -> tuple[datetime, list[AccessKey]]:
    from parking.db.access_keys import list_keys

    async with _database() as connection:
        return await list_keys(connection)


async def _find(which: str) -> tuple[datetime, AccessKey]:
    from parking.db.access_keys import find_key

    async with _database() as connection:
        return await find_key(connection, which)


async def _rotate(which: str, **wanted: Any) -> tuple[AccessKey, Presented]:
    from parking.db.access_keys import rotate_key

    async with _database() as connection:
        return await rotate_key(connection, which, actor=actor(), **wanted)


async def _revoke(which: str) -> AccessKey:
    from parking.db.access_keys import revoke_key

    async with _database() as connection:
        return await revoke_key(connection, which, actor=actor())


async def _create(**wanted: Any) -> tuple[AccessKey, Presented]:
    from parking.db.access_keys import create_key

    async with _database() as connection:
        return await create_key(connection, actor=actor(), **wanted)


@asynccontextmanager
async def _database() -> AsyncIterator[Any]:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema

    async with connect(
        load_settings().require_database_url(), name="parking keys", autocommit=True
    ) as connection:
        await check_schema(connection)
        yield connection


def as_plain(key: AccessKey) -> dict[str, Any]:
    """A key as JSON tells it."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sites": None if key.sites is None else list(key.sites),
        "created_at": _time(key.created_at),
        "created_by": key.created_by,
        "rotated_at": _time(key.rotated_at),
        "former_until": _time(key.former_until),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
    }


def _tell_secret(key: AccessKey, presented: Presented, *, as_json: bool) -> None:
    """The key on standard output, alone, so that it can be piped; what there is to say on the other."""
    if as_json:
        typer.echo(json.dumps({**as_plain(key), "key": presented.text}, indent=1))
        return
    typer.echo(presented.text)
    ends = f"until {_words(key.expires_at)}" if key.expires_at else "until it is revoked"
    where = "" if key.sites is None else f" at {', '.join(key.sites)}"
    typer.echo(f"{key.name} may {', '.join(sorted(key.scopes))}{where}, {ends}.", err=True)
    if key.former_until is not None:
        typer.echo(f"The secret before works until {_words(key.former_until)}.", err=True)
    typer.echo(f"Keep the key now: it is not shown again. Its id is {key.id}.", err=True)


_NOTHING = {"sites": "all", "expires_at": "never", "last_used_at": "never"}


def _words(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
