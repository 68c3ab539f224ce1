"""Closures of sites over HTTP: /v1/registry/closures."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from api.answers import GUARDED, documented
from api.bodies import encode
from api.clock import DatabaseClock
from api.closure_editor import ClosureEditor
from api.closures import ClosureWish, closure_body, closure_document, closures_body
from api.registry import MERGE_PATCH, Match, json_body, thing_answer
from api.routes.registry import Keeper, Limit, Site
from parking.db.opening import closures
from parking.db.pool import Pool

Number = Annotated[int, Path(alias="id", ge=1, le=2**62)]
From = Annotated[AwareDatetime | None, Query(alias="from", description="by default now: none that is over")]
Until = Annotated[AwareDatetime | None, Query(alias="until", description="only those that begin before")]
Cursor = Annotated[str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before")]


def closures_router(writes: Pool, clock: DatabaseClock) -> APIRouter:
    """Routes that close sites for a time, and open them again."""
    router = APIRouter(tags=["Registry"])
    editor = ClosureEditor(writes)

    @router.get(
        "/v1/registry/closures", responses=documented("ClosuresBody", 422, *GUARDED), summary="Closures"
    )
    async def listed(
        caller: Keeper,
        site: Site = None,
        from_at: From = None,
        until_at: Until = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """Those that hold now and those to come, or those that overlap the time asked for."""
        if site is not None:
            caller.require_site(site)
            site = site.replace("\0", "\ufffd")
        async with writes.transaction() as connection:
            found = await closures(
                connection, site_id=site, from_at=from_at or clock.now(), until_at=until_at
            )
        allowed = [one for one in found if caller.sites is None or one.site_id in caller.sites]
        return _json(closures_body(allowed, after=cursor, limit=limit))

    @router.get(
        "/v1/registry/closures/{id}",
        responses=documented("ClosureBody", 304, 404, 422, *GUARDED),
        summary="One closure",
    )
    async def one(request: Request, number: Number, caller: Keeper) -> Response:
        """All that is known of it, with the ETag that a change asks for."""
        return thing_answer(request, closure_document(await editor.read(number, caller)))

    @router.post(
        "/v1/registry/closures",
        status_code=201,
        responses=documented("ClosureBody", 404, 422, *GUARDED, status=201),
        summary="Close a site for a time",
    )
    async def close(request: Request, wish: ClosureWish, caller: Keeper) -> Response:
        """From now on or from then; signs, app and open data show it at once, or when it begins."""
        made = await editor.make(wish, caller)
        return thing_answer(request, closure_document(made), status=201)

    @router.patch(
        "/v1/registry/closures/{id}",
        responses=documented("ClosureBody", 404, 409, 412, 413, 415, 422, 428, *GUARDED),
        openapi_extra={
            "requestBody": {"required": True, "content": {MERGE_PATCH: {"schema": {"type": "object"}}}}
        },
        summary="Change a closure",
    )
    async def change(request: Request, number: Number, caller: Keeper) -> Response:
        """`from`, `until` or `reason`, by a JSON merge patch (RFC 7396) with `If-Match`.

        `until` null: until somebody ends it; `from` null: now. What has begun keeps its beginning.
        """
        patch = await json_body(request, MERGE_PATCH, "application/json")
        _, after = await editor.change(number, patch, caller, Match.of(request))
        return thing_answer(request, closure_document(after))

    @router.delete(
        "/v1/registry/closures/{id}",
        responses=documented("ClosureBody", 404, 409, 422, *GUARDED),
        summary="End a closure",
    )
    async def end(number: Number, caller: Keeper) -> Response:
        """It ends now, and stays on record; one that has not begun is taken back."""
        return _json(closure_body(await editor.end(number, caller)))

    return router


def _json(body: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(encode(body), media_type="application/json", headers=headers)
