"""What of the Curb Data Specification answers a question: /open-data/cds/events/events; and what we lack."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.answers import answer, outcome
from api.opendata import cds
from api.opendata.document import JSON, ROOT
from api.opendata.history import History
from api.opendata.store import OpenData
from api.prepared import prepared

CACHE = "public, max-age=60"
EVENTS = f"{ROOT}cds/events/events"
_LACKING = ("curbs/areas", "curbs/spaces", "curbs/objects")

Hour = Annotated[
    str | None,
    Query(
        max_length=40, description="a whole hour of the last day in UTC, as 2026-03-01T07; else the last one"
    ),
]
Zone = Annotated[UUID | None, Query(description="only of this zone")]


def curb_data_router(data: OpenData, history: History) -> APIRouter:
    """Events of an hour; and 501 for the optional parts that need more than is known of a space."""
    router = APIRouter()
    responses = {status: outcome(status) for status in (304, 422, 503)}
    responses[200] = {"description": "Successful", "content": {JSON: {"schema": {"type": "object"}}}}

    @router.get(EVENTS, responses=responses, summary="CDS 1.1: Events")  # type: ignore[arg-type]
    async def events(request: Request, event_time: Hour = None, curb_zone_id: Zone = None) -> Response:
        """Vehicles that came (`park_start`) and left (`park_end`) in one hour, to the minute.

        An hour in which a zone had fewer than five events is left out, and so are bays whose use could tell
        of a person.
        """
        city, hour = data.city(), history.hour(event_time)
        movements = await history.movements(hour, data.withheld)
        zone_id = None if curb_zone_id is None else str(curb_zone_id)
        body = await data.aside(cds.hour_of_events, city, movements, hour, zone_id)
        return answer(request, prepared(body, media_type=JSON, cache=CACHE))

    async def lacking(request: Request) -> Response:
        raise HTTPException(
            HTTPStatus.NOT_IMPLEMENTED,
            "This optional part of CDS needs outlines, which the registry does not have.",
        )

    for path in _LACKING:
        router.add_api_route(f"{ROOT}cds/{path}", lacking, include_in_schema=False)
    return router
