"""Changes of the registry over HTTP: PUT, PATCH and DELETE of one thing."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access import Caller
from api.answers import GUARDED, documented, refusals
from api.registry import MERGE_PATCH, json_body, may_see_site, require_match, schema_name, thing_answer
from api.routes.registry import Id, Keeper
from parking.db.pool import Pool
from parking.db.registry_edit import Change, edit_thing
from parking.errors import Fault, NotFound
from parking.registry_documents import Document
from parking.registry_things import KINDS, Kind, merged, refused

_OUTCOMES = (404, 409, 412, 413, 415, 422, 428, *GUARDED)


def registry_changes_router(writes: Pool) -> APIRouter:
    """Routes that make, change and remove things of the registry."""
    router = APIRouter(tags=["Registry"])
    for kind in KINDS.values():
        _add_changes(router, kind, _Changes(writes, kind))
    return router


class _Changes:
    """Changes of things of one kind, each with its condition, its check and its row in the audit log."""

    def __init__(self, writes: Pool, kind: Kind) -> None:
        self._writes = writes
        self._kind = kind

    async def put(self, request: Request, id: str, caller: Caller) -> Response:
        """Make it so, whatever it was."""
        document = await json_body(request, "application/json")

        def change(before: Document | None, site: Document | None) -> Document:
            require_match(request, self._told(before))
            return self._checked(id, document, site)

        return await self._done(request, id, change, caller)

    async def patch(self, request: Request, id: str, caller: Caller) -> Response:
        """Change what the patch names."""
        patch = await json_body(request, MERGE_PATCH, "application/json")

        def change(before: Document | None, site: Document | None) -> Document:
            if before is None:
                raise self._missing(id)
            require_match(request, self._told(before))
            if not isinstance(patch, dict):
                raise refused(self._kind.one, Fault("body", None, "a merge patch is a JSON object"))
            return self._checked(id, merged(self._told(before), patch), site)

        return await self._done(request, id, change, caller)

    async def delete(self, request: Request, id: str, caller: Caller) -> Response:
        """Take it out of use."""

        def change(before: Document | None, site: Document | None) -> None:
            if before is None:
                raise self._missing(id)
            require_match(request, self._told(before))

        await self._edit(id, change, caller)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _done(self, request: Request, id: str, change: Change, caller: Caller) -> Response:
        was_there, after = await self._edit(id, change, caller)
        return thing_answer(request, self._kind.told(after or {}), status=200 if was_there else 201)

    async def _edit(self, id: str, change: Change, caller: Caller) -> tuple[bool, Document | None]:
        async with self._writes.transaction() as connection:
            done = await edit_thing(
                connection,
                self._kind,
                id,
                change=change,
                actor=caller.name,
                may=lambda site: may_see_site(caller, site),
            )
        return done.before is not None, done.after

    def _checked(self, id: str, document: Any, site: Document | None) -> Document:
        kind = self._kind
        if isinstance(document, dict):
            document = {kind.id: id, **document}
        settled = kind.checked(document, of=site)
        if settled[kind.id] != id:
            raise refused(kind.one, Fault(kind.id, settled[kind.id], f"must be that of the address, {id}"))
        return settled

    def _told(self, document: Document | None) -> Document | None:
        return None if document is None else self._kind.told(document)

    def _missing(self, id: str) -> NotFound:
        return NotFound(f"There is no {self._kind.one} with the id {id!r:.100}.")


def _add_changes(router: APIRouter, kind: Kind, changes: _Changes) -> None:
    async def put(request: Request, id: Id, caller: Keeper) -> Response:
        return await changes.put(request, id, caller)

    async def patch(request: Request, id: Id, caller: Keeper) -> Response:
        return await changes.patch(request, id, caller)

    async def delete(request: Request, id: Id, caller: Keeper) -> Response:
        return await changes.delete(request, id, caller)

    name, path = schema_name(kind), f"/v1/registry/{kind.name}/{{id}}"
    whole = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    router.add_api_route(
        path,
        put,
        methods=["PUT"],
        responses={**documented(name, *_OUTCOMES), 201: {**documented(name)[200], "description": "Made"}},
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": whole}}},
        summary=f"Make or replace a {kind.one}",
        description="A new one needs no condition (or `If-None-Match: *`), one that is there `If-Match`.",
        operation_id=f"put_registry_{kind.one}",
    )
    part = {"schema": {"type": "object"}}
    router.add_api_route(
        path,
        patch,
        methods=["PATCH"],
        responses=documented(name, *_OUTCOMES),
        openapi_extra={"requestBody": {"required": True, "content": {MERGE_PATCH: part}}},
        summary=f"Change a {kind.one}",
        description="A JSON merge patch (RFC 7396) with `If-Match`: members that it names, null for none.",
        operation_id=f"patch_registry_{kind.one}",
    )
    router.add_api_route(
        path,
        delete,
        methods=["DELETE"],
        status_code=204,
        response_class=Response,
        responses={204: {"description": "Removed"}, **refusals(*_OUTCOMES)},
        summary=f"Remove a {kind.one}",
        description="Out of use from now on, with `If-Match`; what happened there stays on record.",
        operation_id=f"delete_registry_{kind.one}",
    )
