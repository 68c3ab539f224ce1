"""History as files: /v1/exports/stays, usage, passages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from api.answers import GUARDED, refusals
from api.reports import Reports
from api.routes.reports import Asked
from parking.db.exports import COLUMNS, Kind, export_rows
from parking.db.report_scope import Question
from parking.exporting.formats import MEDIA_TYPES, WRITERS, Format, Writer

LONGEST_S = 4 * 3600.0
"""Somebody may read slowly; then the connection is needed for others."""


def exports_router(exports: Reports) -> APIRouter:
    """The routes of the exports: streamed, so that they may be of any size."""
    router = APIRouter(tags=["Exports"])

    def add(kind: Kind, summary: str, text: str) -> None:
        async def export(
            asked: Asked, format: Annotated[Format, Query(description="of the file")] = Format.CSV
        ) -> Response:
            return await _answer(exports, kind, asked, format)

        export.__doc__ = text
        export.__name__ = f"export_{kind}"
        router.get(f"/v1/exports/{kind}", responses=_documented(), summary=summary)(export)

    add(Kind.STAYS, "Stays one by one", "Stays that began in the period, by bay and time, those of now too.")
    add(Kind.USAGE, "Sums by quarter hour", "What has ended, by site, category and quarter of an hour.")
    add(
        Kind.PASSAGES,
        "Vehicles at gates",
        "Passages by site and time; no plate and no token is in it.",
    )
    return router


async def _answer(exports: Reports, kind: Kind, asked: Question, form: Format) -> Response:
    """The first rows are read before the answer begins, so that what is wrong can still be said."""
    stack = AsyncExitStack()
    try:
        connection = await stack.enter_async_context(exports.reading(within_s=LONGEST_S))
        writer = WRITERS[form](COLUMNS[kind])
        stack.push_async_callback(asyncio.to_thread, writer.close)
        lots = export_rows(connection, kind, asked)
        stack.push_async_callback(lots.aclose)
        first: list[tuple[Any, ...]] = await anext(lots, [])
        if form is Format.XLSX:
            # Nothing of it is sent before its last row, and that there are too many must still be said.
            while first:
                await asyncio.to_thread(writer.add, first)
                first = await anext(lots, [])
    except BaseException:
        await stack.aclose()
        raise
    name = f"{kind}-{asked.period.from_at:%Y%m%d}-{asked.period.until_at:%Y%m%d}.{form}"
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    body = _pieces(stack, writer, first, lots)
    return StreamingResponse(body, media_type=MEDIA_TYPES[form], headers=headers)


async def _pieces(
    stack: AsyncExitStack, writer: Writer, first: list[Any], lots: AsyncIterator[list[Any]]
) -> AsyncIterator[bytes]:
    async with stack:
        yield writer.head()
        yield await asyncio.to_thread(writer.add, first)
        async for rows in lots:
            yield await asyncio.to_thread(writer.add, rows)
        pieces = writer.end()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


def _documented() -> dict[int | str, dict[str, Any]]:
    files = {
        media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
        for media in MEDIA_TYPES.values()
    }
    return {200: {"description": "A file", "content": files}} | refusals(404, 422, *GUARDED)
