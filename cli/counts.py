"""`parking counts` and `parking count`: the running count of a car park with cameras at its gates."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.account import actor
from parking.errors import InputError
from parking.settings import load_settings

Site = Annotated[str, typer.Argument(metavar="SITE", help="the id of the site")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]


def counts(
    site: Site,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="show so many corrections")] = 20,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="also corrections that turned out not to be due")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the running count of a site, how far off it may be, and what was corrected, when and by what."""
    count, made = asyncio.run(_read(site, last, superseded))
    if as_json:
        typer.echo(json.dumps({**_plain(count), "corrections": [_plain(each) for each in made]}, indent=1))
        return
    free = f"{count.free_min} to {count.free_max}" if count.free_min < count.free_max else count.free_min
    typer.echo(f"{count.site_id}: {count.inside} of {count.capacity} inside, {free} free")
    typer.echo(f"today: {count.entries} in, {count.exits} out")
    if count.sd is None or count.kept_to is None:
        typer.echo("drift: not estimated yet")
    else:
        share = 100 * (count.missed_share or 0)
        typer.echo(
            f"drift: the count is right to about {2 * count.sd:.0f} vehicles (19 times of 20); of 100 exits"
            f" {share:.1f} are not seen; estimated {_words(count.kept_to)}"
        )
    for each in made:
        before = "" if each.before is None else f"{each.before} -> "
        over = "  SUPERSEDED" if each.superseded_at else ""
        why = f": {each.reason}" if each.reason else ""
        by = f" by {each.made_by}" if each.made_by != "rule" else ""
        typer.echo(f"{_words(each.at)}  {before}{each.after}  {each.rule}{by}{why}{over}")


def count(
    site: Site,
    vehicles: Annotated[int, typer.Argument(metavar="N", min=0, help="vehicles counted inside")],
    at: Annotated[
        str | None, typer.Option(help="when: 2026-03-04T12:00Z, at most 7 days ago", show_default="now")
    ] = None,
    reason: Annotated[str, typer.Option(help="why it was taken, for the record")] = "",
    as_json: AsJson = False,
) -> None:
    """Enter how many vehicles somebody counted inside: the count goes on from there, on record.

    Example: parking count castle-mews 212 --at 2026-03-04T12:00Z --reason "Monday's round"
    """
    made, new = asyncio.run(_correct(site, vehicles, _moment(at), reason))
    if as_json:
        typer.echo(json.dumps(_plain(made), indent=1))
        return
    before = "it was not known before" if made.before is None else f"the count said {made.before}"
    again = "" if new else " It was recorded already."
    typer.echo(f"{site}: {made.after} inside at {_words(made.at)}; {before}.{again}")


async def _read(site: str, last: int, superseded: bool) -> tuple[Any, list[Any]]:
    from parking.db.counts import corrections, count_of

    async with _database() as connection:
        found = await count_of(connection, site)
        return found, await corrections(connection, site, limit=last, superseded=superseded)


async def _correct(site: str, vehicles: int, at: datetime | None, reason: str) -> tuple[Any, bool]:
    from parking.db.counts import correct_by_hand

    async with _database() as connection, connection.transaction():
        return await correct_by_hand(
            connection,
            site_id=site,
            vehicles=vehicles,
            at=at,
            reason=reason,
            made_by=actor(),
            request_id=None if at is None else f"at {at.isoformat()}: {vehicles}",
        )


@asynccontextmanager
async def _database() -> AsyncIterator[Any]:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema

    async with connect(
        load_settings().require_database_url(), name="parking counts", autocommit=True
    ) as connection:
        await check_schema(connection)
        yield connection


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"at: must look like 2026-03-04T12:00Z or 2026-03-04T12:00+01:00 (found {text!r:.40})"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _plain(value: Any) -> dict[str, Any]:
    """A frozen record as JSON tells it."""
    fields = {name: getattr(value, name) for name in value.__slots__}
    return {name: _time(item) if isinstance(item, datetime) else item for name, item in fields.items()}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
