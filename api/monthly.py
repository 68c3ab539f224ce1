"""The report of a month as an answer: a page that holds all in itself, a PDF, or JSON."""

import asyncio
from typing import Final

from starlette.responses import Response

from api.bodies import encode
from parking.reporting.monthly import Monthly

PAGE_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page has its style and its plots in itself, and runs nothing."""


async def monthly_answer(found: Monthly, form: str) -> Response:
    """The report as `html`, `pdf` or `json`."""
    headers = {"Cache-Control": "no-store"}
    # What draws is loaded by whoever needs it first: it takes memory.
    if form == "json":
        return Response(encode(found), media_type="application/json", headers=headers)
    if form == "pdf":
        from parking.exporting.monthly_pdf import monthly_pdf

        headers["Content-Disposition"] = f'inline; filename="parking-{found.month}.pdf"'
        body = await asyncio.to_thread(monthly_pdf, found)
        return Response(body, media_type="application/pdf", headers=headers)
    from parking.exporting.monthly_page import monthly_page

    page = await asyncio.to_thread(monthly_page, found)
    headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(page, media_type="text/html", headers=headers)
