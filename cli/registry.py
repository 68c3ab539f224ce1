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
def import_command(
    file: Annotated[
        Path, typer.Argument(help="registry file (.json), or bays and sites (.geojson, .csv)", dir_okay=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="GeoJSON, CSV: retire the bays that are not in the file")
    ] = False,
    skip: Annotated[
        list[str] | None, typer.Option(help="GeoJSON, CSV: a column that is not for us; may be repeated")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Load a file: the whole file or nothing. Safe to repeat.

    Of a registry file each site becomes as the file has it: bays that it no longer lists are retired, with
    their history. Rows of GeoJSON and CSV change what they name, and with --replace retire other bays of
    their sites. Sites that are not in the file stay as they are.
    """
    import msgspec

    try:
        data = file.read_bytes()
    except OSError as error:
        raise RegistryError(f"{file} cannot be read: {error.strerror}") from error
    form = {".csv": "csv", ".geojson": "geojson"}.get(file.suffix.lower(), "registry")
    report = asyncio.run(_import(data, file.name, form, dry_run=dry_run, replace=replace, skip=skip or []))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
        return
    for one in report.changes if dry_run else ():
        word = "add" if one.before is None else "remove" if one.after is None else "change"
        typer.echo(f"{word} {one.kind.removesuffix('s')} {one.id}{_difference(one)}")
    if report.left_out:
        typer.echo(f"... and {report.left_out} more")
    words = (("created", report.added), ("changed", report.changed), ("retired", report.removed))
    for word, counts in words:
        if counts:
            typer.echo(f"{word}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    said = "Nothing was changed: this was a dry run" if dry_run else f"The registry holds all of {file}"
    typer.echo(f"{said} ({report.sites} sites).")


def _difference(one: Any) -> str:
    """The members that are another afterwards."""
    if one.before is None or one.after is None:
        return ""
    names = sorted(key for key in {*one.before, *one.after} if one.before.get(key) != one.after.get(key))
    return ": " + ", ".join(
        f"{name} {json.dumps(one.before.get(name))} -> {json.dumps(one.after.get(name))}" for name in names
    )


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


async def _import(data: bytes, name: str, form: str, *, dry_run: bool, replace: bool, skip: list[str]) -> Any:
    from cli.account import actor
    from parking.db.connect import connect
    from parking.db.migrate import check_schema
    from parking.db.registry_files import Options, import_file

    options = Options(form=form, name=name, actor=actor(), dry_run=dry_run, replace=replace, skip=tuple(skip))
    url = load_settings().require_database_url()
    async with connect(url, name="parking registry", autocommit=True) as connection:
        await check_schema(connection)
        async with connection.transaction():
            return await import_file(connection, data, options)


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
