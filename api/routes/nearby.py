"""Where to park near a place: /v1/nearby."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.answers import documented
from api.bodies import Nearby, encode
from api.live import LiveView
from api.nearby import Places, nearby
from api.nearby import Query as NearbyQuery
from api.prepared import LIVE

Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="degrees north (WGS 84)")]
Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="degrees east (WGS 84)")]
Radius = Annotated[
    float, Query(gt=0, le=10_000, allow_inf_nan=False, description="metres, in a straight line")
]
Limit = Annotated[int, Query(ge=1, le=100, description="most results")]
Category = Annotated[str, Query(min_length=1, max_length=50)]
Categories = Annotated[
    list[Category] | None,
    Query(max_length=20, description="only bays of this kind, such as disabled; may be repeated"),
]
IncludeFull = Annotated[bool, Query(description="also sites without a space known to be free")]


def nearby_router(view: LiveView) -> APIRouter:
    """The route that finds a space near a place."""
    router = APIRouter(tags=["Sites"])
    places = Places(view)

    @router.get("/v1/nearby", responses=documented("Nearby", 422, 503), summary="Nearest sites with a space")
    async def nearest(
        lat: Latitude,
        lon: Longitude,
        radius_m: Radius = 500,
        limit: Limit = 20,
        category: Categories = None,
        include_full: IncludeFull = False,
    ) -> Response:
        """Sites near a place with a space known to be free, nearest first, each with its nearest free bays.

        An unknown space is never counted as free. Where `stale` is true, the numbers may no longer hold.
        """
        nonlocal places
        view.require_loaded()
        if places.registry_version != view.registry_version:
            places = Places(view)
        query = NearbyQuery(
            lat=lat,
            lon=lon,
            radius_m=radius_m,
            limit=limit,
            categories=frozenset(category or ()),
            include_full=include_full,
        )
        body = encode(Nearby(nearby(view, places, query)))
        return Response(body, media_type="application/json", headers={"Cache-Control": LIVE})

    return router
