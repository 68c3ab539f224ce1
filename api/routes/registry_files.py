"""Whole registries over HTTP: /v1/registry/export."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.answers import GUARDED, documented, refusals
from api.bodies import encode
from api.edge import IMPORT_PATH
from api.import_worker import import_apart
from api.problems import Refused
from api.routes.registry import Keeper
from parking.db.pool import Pool
from parking.db.registry_files import Options
from parking.db.registry_read import export

DryRun = Annotated[bool, Query(description="only say what would change")]
Replace = Annotated[
    bool,
    Query(description="of GeoJSON and CSV: at sites of which it has bays, retire all others"),
]
Skip = Annotated[list[str] | None, Query(max_length=100, description="a column that is not for us")]
_FORMS = {"application/json": "registry", "application/geo+json": "geojson", "text/csv": "csv"}
_BODY = {"schema": {"type": "string", "format": "binary"}}

_FILE = {"description": "A registry file", "content": {"application/json": {"schema": {"type": "object"}}}}
_IN_MEMORY = 1_000_000
_CHUNK = 65_536
_WITHIN_S = 60.0


def registry_files_router(database: Pool, *, database_url: str) -> APIRouter:
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

    importing = asyncio.Lock()

    @router.post(
        IMPORT_PATH,
        responses=documented("Report", 409, 413, 415, 422, *GUARDED),
        openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(_FORMS, _BODY)}},
        summary="Import a file",
    )
    async def take(
        request: Request,
        caller: Keeper,
        dry_run: DryRun = False,
        replace: Replace = False,
        skip: Skip = None,
    ) -> Response:
        """A registry file, or bays and sites as GeoJSON or CSV: the whole file or nothing.

        `errors` names every line that cannot be used. With `dry_run` it is only said what would change.
        """
        options = Options(
            form=_form(request),
            name="a file sent over HTTP",
            actor=caller.name,
            dry_run=dry_run,
            replace=replace,
            skip=tuple(skip or ()),
            sites=None if caller.sites is None else tuple(sorted(caller.sites)),
        )
        if importing.locked():
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Another file is being imported; try again then.")
        async with importing:
            with tempfile.TemporaryFile() as file:
                async for chunk in request.stream():
                    file.write(chunk)
                file.seek(0)
                report = await import_apart(file, options, database_url=database_url)
        headers = {"Cache-Control": "no-store"}
        return Response(encode(report), media_type="application/json", headers=headers)

    return router


def _form(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (form := _FORMS.get(media)) is None:
        known = ", ".join(_FORMS)
        found = media[:60] or "no Content-Type"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send one of {known} (found {found!r}).")
    return form


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
