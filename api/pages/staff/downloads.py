"""Reports as files to keep."""

from starlette.responses import Response

from parking.reporting.table import AnyReport, as_csv, table_of


def attachment(name: str, report: AnyReport) -> Response:
    """A report as a CSV file of that name."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(table_of(report)), media_type="text/csv", headers=headers)
