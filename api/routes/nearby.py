"""Where to park near a place: /v1/nearby."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from api.answers import documented
from api.arrival import arrival_at, common_timezone
from api.bodies import Nearby as NearbyBody
from api.bodies import encode
from api.fit import Needs
from api.live import LiveView
from api.nearby import Nearby, Sort
from api.nearby import Query as NearbyQuery
from api.places import Wanted
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
    Query(
        max_length=20,
        description="only spaces of this kind: disabled, electric, loading, motorcycle, parent, standard or"
        " another that the registry has; may be repeated",
    ),
]
IncludeFull = Annotated[
    bool, Query(description="also sites without a space known to be free, and closed ones unless `open=true`")
]
Arrival = Annotated[
    str | None,
    Query(
        max_length=40,
        description="when you are there: minutes from now, a time of day where the sites are, or a time as"
        " RFC 3339; within 24 hours",
        examples=["25", "18:00"],
    ),
]
Stay = Annotated[
    int | None, Query(ge=1, le=10_080, description="minutes: leave out spaces with a shorter longest stay")
]
Height = Annotated[
    float | None,
    Query(
        gt=0,
        le=10,
        allow_inf_nan=False,
        description="metres: leave out sites that the vehicle is too high for",
    ),
]
MaxPrice = Annotated[
    float | None,
    Query(ge=0, le=10_000, allow_inf_nan=False, description="leave out what is known to cost more an hour"),
]
Currency = Annotated[str, Query(pattern="^[A-Z]{3}$", description="of `max_price` (ISO 4217)")]
Open = Annotated[
    bool | None,
    Query(description="true: only what is open on arrival; false: closed sites too, with the reason"),
]
Kind = Annotated[
    Literal["on_street", "off_street"] | None, Query(description="only streets, or only car parks")
]
OnlyKnown = Annotated[
    bool, Query(description="leave out sites of which something that you ask for is not known (`not_known`)")
]
SortBy = Annotated[Sort, Query(description="best chance first (then nearest), or nearest first")]


def nearby_router(view: LiveView, nearby: Nearby) -> APIRouter:
    """The route that finds a space near a place."""
    router = APIRouter(tags=["Sites"])

    @router.get("/v1/nearby", responses=documented("Nearby", 422, 503), summary="Nearest sites with a space")
    async def nearest(
        lat: Latitude,
        lon: Longitude,
        radius_m: Radius = 500,
        limit: Limit = 20,
        category: Categories = None,
        include_full: IncludeFull = False,
        arrival: Arrival = None,
        stay_min: Stay = None,
        height_m: Height = None,
        max_price: MaxPrice = None,
        currency: Currency = "GBP",
        open: Open = None,
        kind: Kind = None,
        only_known: OnlyKnown = False,
        sort: SortBy = "chance",
    ) -> Response:
        """Sites near a place, on and off the street, with a space known to be free, and which.

        They come by the chance that a space is still free when you get there, in steps of 0.05, and by
        distance among equals; `reason` says why. An unknown space is never counted as free, and a site whose
        number is `stale` has no chance and comes after those that have. What you ask for and nobody knows of
        a site (`not_known`) does not leave it out, unless you say `only_known=true`.
        """
        view.require_loaded()
        now = view.clock.now()
        arrives = now if arrival is None else _arrival(view, arrival, now)
        query = NearbyQuery(
            wanted=Wanted(
                lat=lat, lon=lon, radius_m=radius_m, categories=frozenset(category or ()), stay_min=stay_min
            ),
            needs=Needs(arrives, height_m=height_m, max_price=max_price, currency=currency, kind=kind),
            limit=limit,
            open=open,
            include_full=include_full,
            only_known=only_known,
            sort=sort,
        )
        body = encode(NearbyBody(nearby.find(query), arrives))
        return Response(body, media_type="application/json", headers={"Cache-Control": LIVE})

    return router


def _arrival(view: LiveView, text: str, now: datetime) -> datetime:
    try:
        return arrival_at(text, now, common_timezone(view))
    except ValueError as error:
        wrong = {"type": "value_error", "loc": ("query", "arrival"), "msg": str(error), "input": text}
        raise RequestValidationError([wrong]) from None
