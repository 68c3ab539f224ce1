"""Keys of the API over HTTP: /v1/keys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.keys import (
    KeysBody,
    KeyWish,
    RotationWish,
    key_body,
    new_key_body,
    require_within,
)
from parking.access_keys import Scope, checked_name, checked_sites
from parking.db.access_keys import create_key, find_key, list_keys, revoke_key, rotate_key
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool

Keeper = Annotated[Caller, Depends(needs(Scope.KEYS_WRITE))]
Id = Annotated[str, Path(max_length=100, description="the id of the key")]
_HEADERS = {"Cache-Control": "no-store"}


def keys_router(writes: Pool, ring: KeyRing) -> APIRouter:
    """Routes that make, list, rotate and revoke keys."""
    router = APIRouter(tags=["Administration"])

    @router.get("/v1/keys", responses=documented("KeysBody", *GUARDED), summary="All keys")
    async def keys(caller: Keeper) -> Response:
        """Whose they are, what they may do, until when, and when they were last used."""
        async with writes.transaction() as connection:
            now, found = await list_keys(connection)
        return _json(KeysBody([key_body(key, now) for key in found]))

    @router.get("/v1/keys/{key_id}", responses=documented("KeyBody", 404, 422, *GUARDED), summary="One key")
    async def key(key_id: Id, caller: Keeper) -> Response:
        """All that is known of one key; its secret is not."""
        async with writes.transaction() as connection:
            now, found = await find_key(connection, key_id)
        return _json(key_body(found, now))

    @router.post(
        "/v1/keys",
        status_code=201,
        responses=documented("NewKeyBody", 409, 422, *GUARDED, status=201),
        summary="Make a key",
    )
    async def create(wish: KeyWish, caller: Keeper) -> Response:
        """A new key. Its secret is in this answer and nowhere else. It works at once."""
        scopes, sites = frozenset(wish.scopes), checked_sites(wish.sites or ())
        require_within(caller, scopes, sites)
        async with writes.transaction() as connection:
            made, presented = await create_key(
                connection,
                actor=caller.name,
                name=checked_name(wish.name),
                scopes=scopes,
                sites=sites,
                expires_s=wish.expires_s,
            )
        return _json(new_key_body(made, presented, made.created_at), status=201)

    @router.post(
        "/v1/keys/{key_id}/rotate",
        responses=documented("NewKeyBody", 404, 409, 422, *GUARDED),
        summary="Give a key a new secret",
    )
    async def rotate(key_id: Id, caller: Keeper, wish: RotationWish | None = None) -> Response:
        """Both secrets work while they overlap. The new one is in this answer and nowhere else."""
        wish = wish or RotationWish()
        async with writes.transaction() as connection:
            now, before = await find_key(connection, key_id)
            require_within(caller, before.scopes, before.sites)
            rotated, presented = await rotate_key(
                connection,
                before.id,
                actor=caller.name,
                overlap_s=wish.overlap_s,
                expires_s=wish.expires_s,
            )
        ring.forget()
        return _json(new_key_body(rotated, presented, now))

    @router.delete(
        "/v1/keys/{key_id}", responses=documented("KeyBody", 404, 422, *GUARDED), summary="Revoke a key"
    )
    async def revoke(key_id: Id, caller: Keeper) -> Response:
        """End a key for good. Other processes of the API refuse it within five seconds, this one at once."""
        async with writes.transaction() as connection:
            now, _ = await find_key(connection, key_id)
            revoked = await revoke_key(connection, key_id, actor=caller.name)
        ring.forget()
        return _json(key_body(revoked, now))

    return router


def _json(body: object, *, status: int = 200) -> Response:
    return Response(encode(body), status_code=status, media_type="application/json", headers=_HEADERS)
