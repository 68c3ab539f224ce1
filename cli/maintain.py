"""`parking maintain`: remove what is old, or say what would go."""

import asyncio
import json
from typing import Annotated

import typer

from parking.db.retention import Cleared
from parking.errors import ConflictError
from parking.retention import FOR_EVER, KEPT
from parking.settings import Settings, load_settings


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and remove nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Remove from the database what is older than PARKING_KEEP_DAYS says, table by table.

    Needs PARKING_DATABASE_URL. A running ingestor does the same once a day; it may be done at any time, and
    interrupted. Reports go on: they rest on roll-ups, which are kept. Open stays, the last event of a quiet
    bay, corrections and the audit log are never removed.
    """
    settings = load_settings()
    done = asyncio.run(_clear(settings, dry_run=dry_run))
    if as_json:
        typer.echo(
            json.dumps({"dry_run": dry_run, "tables": [_body(one, settings) for one in done]}, indent=2)
        )
    else:
        for one in done:
            typer.echo(_line(one, settings, dry_run=dry_run))


async def _clear(settings: Settings, *, dry_run: bool) -> list[Cleared]:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema
    from parking.db.retention import clear_now

    url = settings.require_database_url()
    async with connect(url, name="parking maintain", autocommit=True) as connection:
        await check_schema(connection)
        done = await clear_now(connection, settings.kept_days, dry_run=dry_run)
    if done is None:
        raise ConflictError(
            "another process is removing what is old right now",
            hint="Wait until it has finished: an ingestor does so once a day.",
        )
    return done


def _body(one: Cleared, settings: Settings) -> dict[str, object]:
    return {
        "table": one.table,
        "keep_days": settings.kept_days[one.table] or None,
        "until": None if one.until is None else one.until.isoformat(),
        "rows": one.rows,
        "chunks": one.chunks,
    }


def _line(one: Cleared, settings: Settings, *, dry_run: bool) -> str:
    what = next(kept.what for kept in KEPT if kept.table == one.table)
    days = settings.kept_days[one.table]
    kept = "kept for ever" if days == FOR_EVER else f"kept for {days} days"
    name = f"{one.table:<18}{kept:<20}"
    if one.until is None:
        return f"{name}{what}"
    would = "would go" if dry_run else "gone"
    if not one.rows and not one.chunks:
        return f"{name}nothing {'to remove' if dry_run else 'removed'}"
    much = f"{one.chunks} chunks" if one.chunks else f"{one.rows} rows"
    return f"{name}{much} {would}: all before {one.until:%Y-%m-%d %H:%M} UTC"
