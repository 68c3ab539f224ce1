"""For those who look after the signs: overrides, and what each sign was told."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.routes.signs import Id
from api.sign_desk import OverrideWish, history_body, override_body
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.sign_overrides import end_override, history, set_override, sign_of

Operator = Annotated[Caller, Depends(needs(Scope.SIGNS_WRITE))]
Reader = Annotated[Caller, Depends(needs(Scope.REPORTS_READ))]
Limit = Annotated[int, Query(ge=1, le=1000, description="most changes")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="only changes before this `id`, for paging")]
_HEADERS = {"Cache-Control": "no-store"}


def sign_desk_router(writes: Pool) -> APIRouter:
    """Routes that operators and managers use, with a key."""
    router = APIRouter(tags=["Signs"])

    @router.put(
        "/v1/signs/{sign_id}/override",
        responses=documented("OverrideBody", 404, 422, *GUARDED),
        summary="Make a sign show a text until a time",
    )
    async def override(sign_id: Id, wish: OverrideWish, caller: Operator) -> Response:
        """It shows one of its own words, or nothing, whatever the numbers are. Replaces what was set."""
        async with writes.transaction() as connection:
            _, sites = await sign_of(connection, sign_id)
            for site in sites:
                caller.require_site(site)
            made = await set_override(
                connection,
                sign_id,
                text=wish.shown,
                until=wish.until if wish.until is not None else timedelta(seconds=wish.for_s or 0),
                reason=wish.reason,
                actor=caller.name,
            )
        return _json(override_body(sign_id, made))

    @router.delete(
        "/v1/signs/{sign_id}/override",
        responses=documented("OverrideBody", 404, 422, *GUARDED),
        summary="Let a sign decide for itself again",
    )
    async def resume(sign_id: Id, caller: Operator) -> Response:
        """Ends what was set on it, and tells what that was."""
        async with writes.transaction() as connection:
            _, sites = await sign_of(connection, sign_id)
            for site in sites:
                caller.require_site(site)
            ended = await end_override(connection, sign_id, actor=caller.name)
        return _json(override_body(sign_id, ended))

    @router.get(
        "/v1/signs/{sign_id}/history",
        responses=documented("HistoryBody", 404, 422, *GUARDED),
        summary="What a sign was told, when and why",
    )
    async def told(sign_id: Id, caller: Reader, limit: Limit = 100, before: Before = None) -> Response:
        """Each change, the newest first; when the sign last asked; what an operator has set on it."""
        async with writes.transaction() as connection:
            found = await history(connection, sign_id, limit=limit, below=before)
        return _json(history_body(sign_id, found, limit=limit))

    return router


def _json(body: object) -> Response:
    return Response(encode(body), media_type="application/json", headers=_HEADERS)
