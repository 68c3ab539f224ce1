"""`parking export`: history as a file; the same as `GET /v1/exports/...`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.report import Bay, Begin, Category, End, Site, Zone
from parking.db.exports import COLUMNS, Kind
from parking.db.report_request import parse_question
from parking.db.report_scope import Question
from parking.exporting.formats import WRITERS, Format
from parking.settings import load_settings

Output = Annotated[Path | None, typer.Option("--output", "-o", help="the file; without it, standard output")]


def export(
    kind: Annotated[Kind, typer.Argument(help="stays, usage (sums by quarter hour) or passages (at gates)")],
    begin: Begin,
    end: End,
    site: Site = [],  # noqa: B006
    zone: Zone = [],  # noqa: B006
    category: Category = [],  # noqa: B006
    bay: Bay = [],  # noqa: B006
    form: Annotated[Format, typer.Option("--format", help="csv, jsonl, xlsx or parquet")] = Format.CSV,
    output: Output = None,
) -> None:
    """Write history to a file, however long: memory stays flat. Times in the file are in UTC."""
    asked = parse_question(
        from_text=begin,
        until_text=end,
        bucket="all",
        sites=site,
        zones=zone,
        categories=category,
        bays=bay,
    )
    count = asyncio.run(_write(kind, asked, form, output))
    typer.echo(f"{count} rows{f' in {output}' if output else ''}", err=True)


async def _write(kind: Kind, asked: Question, form: Format, output: Path | None) -> int:
    from parking.db.connect import connect
    from parking.db.exports import export_rows
    from parking.db.migrate import check_schema

    url, count = load_settings().require_database_url(), 0
    writer = WRITERS[form](COLUMNS[kind])
    try:
        async with connect(url, name="parking export", autocommit=True) as connection:
            await check_schema(connection)
            with output.open("wb") if output else sys.stdout.buffer as file:
                file.write(writer.head())
                async for rows in export_rows(connection, kind, asked):
                    file.write(writer.add(rows))
                    count += len(rows)
                for piece in writer.end():
                    file.write(piece)
    finally:
        writer.close()
    return count
