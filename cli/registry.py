"""`parking registry`: what the council owns, from a file into the database."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from parking.errors import NotFound, RegistryError
from parking.registry import Registry, json_schema, load_registry
from parking.settings import load_settings

registry_app = typer.Typer(
    help="Sites, bays, sensors, gates and signs.", no_args_is_help=True, rich_markup_mode=None
)

File = Annotated[Path, typer.Argument(help="registry file (JSON)", exists=True, dir_okay=False)]


@registry_app.command("import")
def import_file(file: File) -> None:
    """Load a registry file: the whole file or nothing. Safe to repeat.

    For each site in the file the database is made to agree with it: bays that the file no longer lists are
    retired, with their history. Sites that are not in the file stay as they are.
    """
    from parking.db.registry import Imported

    registry = load_registry(file)
    done: Imported = asyncio.run(_import(registry, file))
    for word, counts in (("created", done.created), ("changed", done.changed), ("retired", done.retired)):
        if counts:
            typer.echo(f"{word}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    typer.echo(f"The registry holds all of {file}: {_summary(registry)}.")


@registry_app.command("export")
def export_file(
    output: Annotated[
        Path | None, typer.Option(help="file to write; standard output without it", dir_okay=False)
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="only this site; may be repeated")] = None,
) -> None:
    """Write a registry file that imports to what the database holds now.

    A file that is there is replaced once the whole export is written.
    """
    if output is None:
        asyncio.run(_export(site, lambda part: typer.echo(part, nl=False)))
        return
    beside = output.with_name(f".{output.name}.part")
    try:
        with beside.open("wb") as file:
            asyncio.run(_export(site, file.write))
        beside.replace(output)
    except OSError as error:
        raise RegistryError(f"{output} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


@registry_app.command("check")
def check_file(file: File) -> None:
    """Check a registry file without loading it."""
    typer.echo(f"{file} is a good registry: {_summary(load_registry(file))}.")


@registry_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the registry file."""
    typer.echo(json.dumps(json_schema(), indent=2))


async def _import(registry: Registry, file: Path) -> Any:
    from cli.account import actor
    from parking.db.audit import record
    from parking.db.connect import connect
    from parking.db.migrate import check_schema
    from parking.db.registry import import_registry

    url = load_settings().require_database_url()
    async with connect(url, name="parking registry", autocommit=True) as connection:
        await check_schema(connection)
        async with connection.transaction():
            done = await import_registry(connection, registry)
            if done.created or done.changed or done.retired:
                changed = {
                    "file": file.name,
                    "sites": [site.id for site in registry.sites],
                    "created": dict(done.created),
                    "changed": dict(done.changed),
                    "retired": dict(done.retired),
                }
                await record(
                    connection,
                    actor=actor(),
                    action="registry.import",
                    subject="registry",
                    before=None,
                    after=changed,
                )
    return done


async def _export(sites: list[str] | None, write: Callable[[bytes], object]) -> None:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema
    from parking.db.registry_read import export, read_page

    url = load_settings().require_database_url()
    async with connect(url, name="parking registry", autocommit=True) as connection:
        await check_schema(connection)
        if sites:
            known = {document["id"] for document in await read_page(connection, "sites", sites=sites)}
            if missing := [site for site in sites if site not in known]:
                raise NotFound(f"There is no site with the id {missing[0]!r}.")
        async with connection.transaction():
            async for part in export(connection, sites=sites):
                write(part)


def _summary(registry: Registry) -> str:
    bays = sum(len(site.bays) for site in registry.sites)
    gates = sum(len(site.gates) for site in registry.sites)
    signs = sum(1 for _ in registry.signs())
    return f"{len(registry.sites)} sites, {bays} bays, {gates} gates, {signs} signs"
