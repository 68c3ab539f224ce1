"""Whole registries over HTTP: /v1/registry/export."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import IO

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from api.answers import GUARDED, refusals
from api.routes.registry import Keeper
from parking.db.pool import Pool
from parking.db.registry_read import export

_FILE = {"description": "A registry file", "content": {"application/json": {"schema": {"type": "object"}}}}
_IN_MEMORY = 1_000_000
_CHUNK = 65_536
_WITHIN_S = 60.0


def registry_files_router(database: Pool) -> APIRouter:
    """Routes that take and give whole files."""
    router = APIRouter(tags=["Registry"])

    @router.get(
        "/v1/registry/export",
        responses={200: _FILE, **refusals(*GUARDED)},
        response_class=Response,
        summary="The registry as a file",
    )
    async def whole(caller: Keeper) -> Response:
        """A registry file that imports to what is in use now; for a key bound to sites, of these."""
        # Into a file first: no slow reader holds a transaction open.
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            async with database.transaction(within_s=_WITHIN_S) as connection:
                async for part in export(connection, sites=caller.sites):
                    file.write(part)
            stack.pop_all()
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="registry.json"',
        }
        return StreamingResponse(_read(file), media_type="application/json", headers=headers)

    return router


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
