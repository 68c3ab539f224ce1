"""Running counts at gates over HTTP: /v1/sites/{id}/counts and /v1/sites/{id}/corrections."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.counts import CorrectionsBody, CountWish, counts_body, named
from parking.access_keys import Scope
from parking.db.counts import correct_by_hand, corrections, count_of
from parking.db.pool import Pool
from parking.errors import InputError

Counter = Annotated[Caller, Depends(needs(Scope.COUNTS_WRITE))]
Reader = Annotated[Caller, Depends(needs(Scope.REPORTS_READ))]
Id = Annotated[str, Path(max_length=100, description="the id of the site", pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=1000, description="most corrections")]
Superseded = Annotated[bool, Query(description="also what turned out not to be due")]
RequestId = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,100}$",
        description="any text of yours for this request: sent again, it changes nothing",
    ),
]


def counts_router(database: Pool) -> APIRouter:
    """Routes that tell counts and corrections, and take counts by hand."""
    router = APIRouter(tags=["Counts at gates"])

    @router.get(
        "/v1/sites/{site_id}/counts",
        responses=documented("CountsBody", 404, 422, 503),
        summary="The running count of a site, and its drift",
    )
    async def counts(site_id: Id) -> Response:
        """Of a site counted at its gates: the count, how far off it may be, the last correction."""
        async with database.transaction() as connection:
            count = await count_of(connection, site_id)
            last = await corrections(connection, site_id, limit=1)
        return _json(counts_body(count, last[0] if last else None))

    @router.get(
        "/v1/sites/{site_id}/corrections",
        responses=documented("CorrectionsBody", 404, 422, *GUARDED),
        summary="Every correction of a count",
    )
    async def listed(
        site_id: Id, caller: Reader, limit: Limit = 100, superseded: Superseded = False
    ) -> Response:
        """Each change of the count that no vehicle made, the latest first: when, by whom or by which rule."""
        caller.require_site(site_id)
        async with database.transaction() as connection:
            await count_of(connection, site_id)
            found = await corrections(connection, site_id, limit=limit, superseded=superseded)
        return _json(CorrectionsBody([named(made) for made in found]))

    @router.post(
        "/v1/sites/{site_id}/corrections",
        status_code=201,
        responses=documented("NamedCorrectionBody", 404, 422, *GUARDED, status=201)
        | {200: documented("NamedCorrectionBody")[200] | {"description": "It was recorded already."}},
        summary="Enter a count by hand",
    )
    async def correct(
        site_id: Id, wish: CountWish, caller: Counter, request_id: RequestId = None
    ) -> Response:
        """So many vehicles were inside at a time. From then on the count goes on from there, on record.

        Give `at` or an Idempotency-Key, or both, so that a request that is sent twice is one count.
        """
        caller.require_site(site_id)
        at = wish.at.replace(tzinfo=UTC) if wish.at is not None and wish.at.tzinfo is None else wish.at
        if request_id is None and at is None:
            raise InputError("at: give it, or an Idempotency-Key header, so that sending twice is one count")
        named_by = f"at {at.isoformat()}: {wish.vehicles}" if request_id is None and at else request_id
        async with database.transaction() as connection:
            made, new = await correct_by_hand(
                connection,
                site_id=site_id,
                vehicles=wish.vehicles,
                at=at,
                reason=wish.reason,
                made_by=caller.name,
                request_id=named_by,
            )
        return _json(named(made), status=201 if new else 200)

    return router


def _json(body: object, *, status: int = 200) -> Response:
    return Response(
        encode(body), status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
