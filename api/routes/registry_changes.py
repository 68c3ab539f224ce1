"""Changes of the registry over HTTP: PUT, PATCH and DELETE of one thing."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import GUARDED, documented, refusals
from api.registry import MERGE_PATCH, Match, json_body, schema_name, thing_answer
from api.registry_editor import Editor
from api.routes.registry import Id, Keeper
from parking.db.pool import Pool
from parking.db.registry_edit import Edited
from parking.registry_things import KINDS, Kind

_OUTCOMES = (404, 409, 412, 413, 415, 422, 428, *GUARDED)


def registry_changes_router(writes: Pool) -> APIRouter:
    """Routes that make, change and remove things of the registry."""
    router = APIRouter(tags=["Registry"])
    for kind in KINDS.values():
        _add_changes(router, kind, Editor(writes, kind))
    return router


def _add_changes(router: APIRouter, kind: Kind, editor: Editor) -> None:
    async def put(request: Request, id: Id, caller: Keeper) -> Response:
        document = await json_body(request, "application/json")
        return _answer(request, kind, await editor.put(id, document, caller, Match.of(request)))

    async def patch(request: Request, id: Id, caller: Keeper) -> Response:
        patch = await json_body(request, MERGE_PATCH, "application/json")
        return _answer(request, kind, await editor.patch(id, patch, caller, Match.of(request)))

    async def delete(request: Request, id: Id, caller: Keeper) -> Response:
        await editor.delete(id, caller, Match.of(request))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

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


def _answer(request: Request, kind: Kind, done: Edited) -> Response:
    return thing_answer(request, kind.told(done.after or {}), status=200 if done.before is not None else 201)
