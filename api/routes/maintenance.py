"""For those who look after the devices: /v1/reports/maintenance."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.bodies import encode
from api.maintenance import MaintenanceReader, maintenance_body
from api.routes.signs import prefers
from parking.access_keys import Scope
from parking.health.maintenance import as_csv

Reader = Annotated[Caller, Depends(needs(Scope.MAINTENANCE_READ))]
Accept = Annotated[str, Header(include_in_schema=False)]
Format = Annotated[Literal["json", "csv"] | None, Query(description="instead of the Accept header")]


def maintenance_router(reader: MaintenanceReader) -> APIRouter:
    """The route of the maintenance list. It is for managers and holds no personal data."""
    router = APIRouter(tags=["Reports"])
    responses = documented("MaintenanceBody", 422, *GUARDED)
    responses[200]["content"]["text/csv"] = {"schema": {"type": "string"}}

    @router.get("/v1/reports/maintenance", responses=responses, summary="What to mend, and where first")
    async def maintenance(caller: Reader, accept: Accept = "*/*", format: Format = None) -> Response:
        """Visits, one for each site with faults, the one that mends most bay-hours first.

        Then signs that have gone silent, and notes of drivers. Ask for text/csv, or format=csv, to get one
        line each. A key that is bound to sites sees only what concerns these.
        """
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        found = (await reader.read()).at(caller.sites)
        if format == "csv" or (format is None and prefers(accept, "text/csv")):
            return Response(as_csv(found), media_type="text/csv", headers=headers)
        return Response(encode(maintenance_body(found)), media_type="application/json", headers=headers)

    return router
