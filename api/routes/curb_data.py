"""What of the Curb Data Specification answers a question: events and aggregates; and what we lack."""

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.answers import answer, refusals
from api.opendata import cds
from api.opendata.aggregates import Aggregates, aggregates, asked_for
from api.opendata.document import JSON, ROOT, Listed
from api.opendata.documents import AGGREGATES, EVENTS
from api.opendata.history import History
from api.opendata.store import OpenData
from api.prepared import prepared
from parking.errors import InputError

CACHE = "public, max-age=60"
_LACKING = {
    **dict.fromkeys(
        ("curbs/areas", "curbs/spaces", "curbs/objects"),
        "This optional part of CDS needs outlines, which the registry does not have.",
    ),
    "metrics/sessions": "This optional part of CDS tells of single vehicles, which open data does not.",
}
_LATEST_MS = 4_102_444_800_000

Hour = Annotated[
    str | None,
    Query(
        max_length=40, description="a whole hour of the last day in UTC, as 2026-03-01T07; else the last one"
    ),
]
Zone = Annotated[UUID | None, Query(description="only of this zone")]
Begin = Annotated[
    int | None, Query(ge=0, le=_LATEST_MS, description="hours from then, in the last 31 days; ms since 1970")
]
End = Annotated[int | None, Query(ge=0, le=_LATEST_MS, description="before then, 25 hours later at most")]
PlaceType = Annotated[
    Literal["area", "zone", "space", "object"] | None,
    Query(description="with `curb_place_id`; only zones are told of"),
]
PlaceId = Annotated[UUID | None, Query(description="only of this place; with `curb_place_type`")]
Metric = Annotated[
    Literal["total_sessions", "total_events", "turnover", "average_dwell_time", "occupancy_percent"] | None,
    Query(description="only this one"),
]


def curb_data_router(data: OpenData, history: History, hours: Aggregates) -> APIRouter:
    """Events of an hour, figures of a day; and 501 for the optional parts that we do not have."""
    router = APIRouter()

    @router.get(EVENTS.path, responses=_responses(EVENTS, "object"), summary="CDS 1.1: Events")
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

    @router.get(AGGREGATES.path, responses=_responses(AGGREGATES, "string"), summary="CDS 1.1: Aggregates")
    async def metrics(
        request: Request,
        start_time: Begin = None,
        end_time: End = None,
        curb_place_type: PlaceType = None,
        curb_place_id: PlaceId = None,
        metric_type: Metric = None,
    ) -> Response:
        """How each zone was used, hour by hour of its local time: of the last 24 whole hours by default.

        An hour in which a zone had fewer than five events is left out, as is a dwell of fewer than five
        sessions, and bays whose use could tell of a person. -1: the sensors were offline most of the time.
        """
        if (curb_place_type is None) is not (curb_place_id is None):
            raise InputError("curb_place_type and curb_place_id go together")
        city = data.city()
        start, end = asked_for(start_time, end_time, hours.clock.now())
        only_zones = curb_place_type in (None, "zone")
        found = await hours.hours(city, start, end) if only_zones else []
        place = None if curb_place_id is None else str(curb_place_id)
        body = await data.aside(aggregates, city, found, place, metric_type)
        licence = ("Link", f'<{data.publisher.licence_url}>; rel="license"')
        media_type = AGGREGATES.media_type
        return answer(request, prepared(body, media_type=media_type, cache=CACHE, extra=(licence,)))

    async def lacking(request: Request) -> Response:
        why = _LACKING[request.url.path.removeprefix(f"{ROOT}cds/")]
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, why)

    for path in _LACKING:
        router.add_api_route(f"{ROOT}cds/{path}", lacking, include_in_schema=False)
    return router


def _responses(document: Listed, kind: str) -> dict[int | str, dict[str, Any]]:
    content = {document.media_type: {"schema": {"type": kind}}}
    return {200: {"description": "Successful", "content": content}} | refusals(304, 422, 503)
