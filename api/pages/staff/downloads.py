"""Reports as files to keep: CSV for machines, XLSX for people."""

import asyncio
from datetime import date, datetime
from typing import Any, Final

from starlette.responses import Response

from parking.db.exports import Column
from parking.exporting.formats import MEDIA_TYPES, Format, Xlsx
from parking.reporting.table import AnyReport, Table, as_csv, table_of

FORMATS: Final = (Format.CSV, Format.XLSX)


async def attachment(name: str, report: AnyReport, form: Format) -> Response:
    """A report as a file of that name and format."""
    table = table_of(report)
    body = as_csv(table).encode() if form is Format.CSV else await asyncio.to_thread(as_xlsx, table)
    disposition = f'attachment; filename="{name}.{form}"'
    headers = {"Cache-Control": "no-store", "Content-Disposition": disposition}
    return Response(body, media_type=MEDIA_TYPES[form], headers=headers)


def as_xlsx(table: Table) -> bytes:
    """A table as a workbook of one sheet. Raises InputError beyond the rows that a sheet has."""
    writer = Xlsx([Column(name, str) for name in table.columns])
    try:
        writer.add([tuple(map(_cell, row)) for row in table.rows])
        return b"".join(writer.end())
    finally:
        writer.close()


def _cell(value: Any) -> Any:
    """What a worksheet takes; anything else as text."""
    return value if value is None or isinstance(value, str | int | float | datetime | date) else str(value)
