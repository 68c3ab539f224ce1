"""Webhooks over HTTP: /v1/webhooks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import httpcore
from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.problems import Forbidden
from api.webhooks.bodies import (
    MessagesBody,
    PauseWish,
    PingBody,
    SecretWish,
    WebhooksBody,
    WebhookWish,
    message_body,
    new_webhook_body,
    webhook_body,
)
from api.webhooks.guard import is_named, may_go_to, resolve
from api.webhooks.news import ping_body
from parking.access_keys import Scope, checked_name, checked_sites
from parking.db.pool import Pool
from parking.db.webhooks import (
    create_webhook,
    find_webhook,
    list_messages,
    list_webhooks,
    pause_webhook,
    ping_webhook,
    remove_webhook,
    resume_webhook,
    rotate_webhook,
)
from parking.errors import AccessError
from parking.settings import Network
from parking.webhooks import checked_url

Id = Annotated[str, Path(max_length=100, description="the id or the name of the webhook")]
Limit = Annotated[int, Query(ge=1, le=1000, description="most messages")]


async def _unbound(caller: Annotated[Caller, Depends(needs(Scope.WEBHOOKS_WRITE))]) -> Caller:
    if caller.sites is not None:
        raise Forbidden("A key that is bound to sites cannot say what is sent where.")
    return caller


Keeper = Annotated[Caller, Depends(_unbound)]


def webhooks_router(writes: Pool, allowed: Sequence[Network]) -> APIRouter:
    """Routes that say which changes are sent where. `allowed`: networks of our own that they may go to."""
    router = APIRouter(tags=["Administration"])

    @router.get("/v1/webhooks", responses=documented("WebhooksBody", *GUARDED), summary="All webhooks")
    async def webhooks(caller: Keeper) -> Response:
        """Who is told of which changes, and whether it arrives."""
        async with writes.transaction() as connection:
            found = await list_webhooks(connection)
        return _json(WebhooksBody([webhook_body(one) for one in found]))

    @router.get(
        "/v1/webhooks/{webhook}",
        responses=documented("WebhookBody", 404, 422, *GUARDED),
        summary="One webhook",
    )
    async def one(webhook: Id, caller: Keeper) -> Response:
        """All that is known of one webhook; its secret is not told."""
        async with writes.transaction() as connection:
            return _json(webhook_body(await find_webhook(connection, webhook)))

    @router.post(
        "/v1/webhooks",
        status_code=201,
        responses=documented("NewWebhookBody", 409, 422, *GUARDED, status=201),
        summary="Make a webhook",
    )
    async def create(wish: WebhookWish, caller: Keeper) -> Response:
        """Tell somebody of changes from now on. The secret for the signatures is in this answer alone."""
        await require_reachable(checked_url(wish.url), allowed)
        async with writes.transaction() as connection:
            made, secret = await create_webhook(
                connection,
                actor=caller.name,
                name=checked_name(wish.name),
                url=wish.url,
                events=frozenset(wish.events),
                sites=checked_sites(wish.sites or ()),
                every_s=wish.every_s,
            )
        return _json(new_webhook_body(made, secret), status=201)

    @router.delete(
        "/v1/webhooks/{webhook}",
        responses=documented("WebhookBody", 404, 422, *GUARDED),
        summary="Remove a webhook",
    )
    async def remove(webhook: Id, caller: Keeper) -> Response:
        """Tell nothing more, also not what waits."""
        async with writes.transaction() as connection:
            return _json(webhook_body(await remove_webhook(connection, webhook, actor=caller.name)))

    _add_changes(router, writes)
    return router


def _add_changes(router: APIRouter, writes: Pool) -> None:
    @router.post(
        "/v1/webhooks/{webhook}/rotate",
        responses=documented("NewWebhookBody", 404, 422, *GUARDED),
        summary="Give a webhook a new secret",
    )
    async def rotate(webhook: Id, caller: Keeper, wish: SecretWish | None = None) -> Response:
        """Messages are signed with both secrets while they overlap."""
        overlap_s = (wish or SecretWish()).overlap_hours * 3600
        async with writes.transaction() as connection:
            made = await rotate_webhook(connection, webhook, actor=caller.name, overlap_s=overlap_s)
        return _json(new_webhook_body(*made))

    @router.post(
        "/v1/webhooks/{webhook}/pause",
        responses=documented("WebhookBody", 404, 422, *GUARDED),
        summary="Pause a webhook",
    )
    async def pause(webhook: Id, caller: Keeper, wish: PauseWish | None = None) -> Response:
        """Send nothing until it is resumed; then what has changed meanwhile is told once."""
        why = (wish or PauseWish()).why
        async with writes.transaction() as connection:
            return _json(webhook_body(await pause_webhook(connection, webhook, actor=caller.name, why=why)))

    @router.post(
        "/v1/webhooks/{webhook}/resume",
        responses=documented("WebhookBody", 404, 422, *GUARDED),
        summary="Resume a webhook",
    )
    async def resume(webhook: Id, caller: Keeper) -> Response:
        """Send again, what waits at once."""
        async with writes.transaction() as connection:
            return _json(webhook_body(await resume_webhook(connection, webhook, actor=caller.name)))

    @router.post(
        "/v1/webhooks/{webhook}/ping",
        status_code=202,
        responses=documented("PingBody", 404, 422, *GUARDED, status=202),
        summary="Try a webhook",
    )
    async def ping(webhook: Id, caller: Keeper) -> Response:
        """Send a message of the type `ping`, also to a paused webhook; see its messages for the outcome."""
        async with writes.transaction() as connection:
            body = ping_body(datetime.now(UTC))
            return _json(PingBody(await ping_webhook(connection, webhook, body=body)), status=202)

    @router.get(
        "/v1/webhooks/{webhook}/messages",
        responses=documented("MessagesBody", 404, 422, *GUARDED),
        summary="Messages of a webhook",
    )
    async def messages(webhook: Id, caller: Keeper, limit: Limit = 100) -> Response:
        """What was sent and what waits, the newest first."""
        async with writes.transaction() as connection:
            found = await find_webhook(connection, webhook)
            sent = await list_messages(connection, found.id, limit=limit)
        return _json(MessagesBody([message_body(message) for message in sent]))


async def require_reachable(url: str, allowed: Sequence[Network]) -> None:
    """Raise AccessError for an address that no message may go to, or whose host cannot be found."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_named(host, allowed):
        raise AccessError(f"url: must begin with https:// (found {url!r:.120})")
    try:
        addresses = await resolve(host, parts.port or 443)
    except httpcore.ConnectError as error:
        raise AccessError(f"url: {error}") from None
    for address in addresses:
        if not may_go_to(address, allowed):
            raise AccessError(
                f"url: {host!r:.120} is at {address}, which is not a public address",
                hint="Networks of your own are allowed by PARKING_WEBHOOK_NETWORKS.",
            )


def _json(body: object, *, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(encode(body), status_code=status, media_type="application/json", headers=headers)
