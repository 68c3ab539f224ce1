"""`parking keys`: who may do what over HTTP."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from cli.account import actor
from parking.access_keys import (
    AccessKey,
    Presented,
    Scope,
    checked_name,
    checked_scopes,
    checked_sites,
)
from parking.errors import AccessError
from parking.settings import load_settings

keys_app = typer.Typer(
    help="Keys of the API: for managers, operators, cameras, and programs that administer.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_MOST_S: Final = 20 * _UNITS["y"]


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


def span(field: str, text: str) -> float:
    """Seconds of `90d`, `12h`, `30m`. Raises AccessError."""
    match = re.fullmatch(r"(\d{1,9})([smhdwy])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _MOST_S:
        raise AccessError(
            f"{field}: must look like 30m, 12h, 90d, 4w or 1y, at most 20y (found {text!r:.40})"
        )
    return seconds


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
    ends = f"until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "until it is revoked"
    where = "" if key.sites is None else f" at {', '.join(key.sites)}"
    typer.echo(f"{key.name} may {', '.join(sorted(key.scopes))}{where}, {ends}.", err=True)
    typer.echo("Keep the key now: it is not shown again. Its id is " + key.id + ".", err=True)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
