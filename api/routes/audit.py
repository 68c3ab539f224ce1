"""The log of every change over HTTP: /v1/audit."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.audit import audit_body
from api.bodies import encode
from parking.access_keys import Scope
from parking.db.audit import Filter, page
from parking.db.pool import Pool

Auditor = Annotated[Caller, Depends(needs(Scope.AUDIT_READ))]
Begins = Annotated[str, Query(max_length=200, description="only rows in which this begins so")]
Since = Annotated[datetime | None, Query(description="only from then on (RFC 3339; without an offset: UTC)")]
Until = Annotated[datetime | None, Query(description="only before then")]
Cursor = Annotated[str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=500, description="most rows")]


def audit_router(database: Pool) -> APIRouter:
    """The route that pages through the audit log."""
    router = APIRouter(tags=["Administration"])

    @router.get("/v1/audit", responses=documented("AuditBody", 422, *GUARDED), summary="Who changed what")
    async def audit(
        caller: Auditor,
        actor: Begins = "",
        action: Begins = "",
        subject: Begins = "",
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """Every change that a person or a key made, the newest first; nothing is ever removed here.

        `parking audit verify` checks that the chain of hashes is whole.
        """
        wanted = Filter(actor=actor, action=action, subject=subject, since=_utc(since), until=_utc(until))
        below = None if cursor is None else int(cursor)
        async with database.transaction() as connection:
            entries = await page(connection, wanted, limit=limit + 1, below=below)
        body = encode(audit_body(entries, limit=limit))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    return router


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
