"""`parking maintenance`: which devices need a visit, where first, and why; and what drivers say is wrong."""

import asyncio
from typing import Annotated

import typer

from parking.health.maintenance import Fault, Maintenance, Visit, as_csv
from parking.settings import load_settings

SHOWN = 10
"""Faults of one site that are shown; JSON and the API have all."""


def maintenance(
    as_json: Annotated[bool, typer.Option("--json", help="print the whole list as JSON")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="print the whole list as CSV, a line a fault")] = False,
) -> None:
    """Say which devices need a visit: the site first where a visit mends most bay-hours.

    Needs PARKING_DATABASE_URL. A running ingestor looks at all devices every five minutes; this prints what
    it found, and notes of drivers. A bay-hour is an hour in which one bay is told wrongly or not at all.
    """
    found = asyncio.run(_load())
    if as_json:
        from api.bodies import encode
        from api.maintenance import maintenance_body

        typer.echo(encode(maintenance_body(found)).decode())
        return
    if csv:
        typer.echo(as_csv(found), nl=False)
        return
    for sign in found.signs:
        typer.echo(f"Sign {sign.name} ({sign.sign}) is silent: {sign.reason}")
    _show_visits(found)
    if found.notes:
        typer.echo("\nNotes of drivers:")
    for note in found.notes:
        where = f"{note.site_name} ({note.site})" + (f", {note.bay}" if note.bay else "")
        typer.echo(f"   {note.made_at:%Y-%m-%d %H:%M}  {where}: {note.words}")


def _show_visits(found: Maintenance) -> None:
    if found.as_of is None:
        typer.echo("No device has been looked at yet: an ingestor does so within minutes of its start.")
        return
    typer.echo(f"As of {found.as_of:%Y-%m-%d %H:%M} UTC: {len(found.visits)} sites to visit.")
    for number, visit in enumerate(found.visits, 1):
        _show_visit(number, visit)
    if found.at_desk:
        typer.echo("\nNo visit needed:")
        _show_faults(found.at_desk)


async def _load() -> Maintenance:
    from parking.db.connect import connect
    from parking.db.maintenance import load_maintenance
    from parking.db.migrate import check_schema

    url = load_settings().require_database_url()
    async with connect(url, name="parking maintenance", autocommit=True) as connection:
        await check_schema(connection)
        return await load_maintenance(connection)


def _show_visit(number: int, visit: Visit) -> None:
    bays = "1 bay" if visit.bays == 1 else f"{visit.bays} bays"
    typer.echo(f"\n{number}. {visit.name} ({visit.site}): {bays}, {visit.lost_h:g} bay-hours a week")
    _show_faults(visit.faults)


def _show_faults(faults: tuple[Fault, ...]) -> None:
    for fault in faults[:SHOWN]:
        typer.echo(f"   {fault.bay}  {fault.rule.value}  since {fault.since:%Y-%m-%d %H:%M}: {fault.reason}")
    if len(faults) > SHOWN:
        typer.echo(f"   and {len(faults) - SHOWN} more")
