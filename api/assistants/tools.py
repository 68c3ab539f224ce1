"""What assistants can ask: to find parking near a place or on arrival, and the number of one site."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from api.arrival import RULE, arrival_at, common_timezone
from api.assistants.words import Found, Place, SiteNow, parking, site_now
from api.fit import Needs
from api.live import LiveView
from api.nearby import Nearby, Query
from api.place_names import PlaceNames
from api.places import Wanted

INSTRUCTIONS = """\
Live parking of one council, counted by sensors and cameras. An unknown space is never free; a stale number
must be told as such; a chance is no promise: a space cannot be kept for anybody."""

ADVICE = "A space cannot be kept for you. Signs on the street and in the car park come first."

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

PlaceName = Annotated[
    str | None, Field(max_length=200, description="a place, street or car park by name; or give lat and lon")
]
Lat = Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees north (WGS 84)")]
Lon = Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees east (WGS84)")]
Arrival = Annotated[str | None, Field(max_length=40, description=f"when the driver is there: {RULE}")]
Categories = Annotated[
    list[str] | None,
    Field(max_length=20, description="only such spaces: disabled, electric, loading, motorcycle, parent"),
]
Stay = Annotated[int | None, Field(ge=1, le=10_080, description="how long, in minutes")]
Height = Annotated[
    float | None, Field(gt=0, le=10, allow_inf_nan=False, description="of the vehicle, in metres")
]
MaxPrice = Annotated[float | None, Field(ge=0, le=10_000, allow_inf_nan=False, description="GBP an hour")]
Radius = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False, description="metres")]
Limit = Annotated[int, Field(ge=1, le=20)]
SiteId = Annotated[str, Field(max_length=200, description="the id of a site, as `find_parking` tells it")]


def add_tools(server: MCPServer, view: LiveView, nearby: Nearby, names: PlaceNames) -> None:
    """Let assistants ask this live view. All runs on the event loop, as the view needs."""

    @server.tool(title="Find parking", annotations=_READS)
    async def find_parking(
        place: PlaceName = None,
        lat: Lat = None,
        lon: Lon = None,
        arrival: Arrival = None,
        categories: Categories = None,
        stay_min: Stay = None,
        height_m: Height = None,
        max_price: MaxPrice = None,
        radius_m: Radius = 1000,
        limit: Limit = 5,
    ) -> Found:
        """Where to park near a place, now or on arrival within 24 hours: likeliest first, with the reason."""
        _require_loaded(view)
        meant, others = _meant(names, place, lat, lon)
        now = view.clock.now()
        try:
            arrives = now if arrival is None else arrival_at(arrival, now, common_timezone(view))
        except ValueError as error:
            raise ToolError(f"arrival {arrival!r} cannot be used: {error}") from None
        found = nearby.find(
            Query(
                wanted=Wanted(
                    lat=meant.lat,
                    lon=meant.lon,
                    radius_m=radius_m,
                    categories=frozenset(categories or ()),
                    stay_min=stay_min,
                ),
                needs=Needs(arrives, height_m=height_m, max_price=max_price),
                limit=limit,
                include_full=True,
            )
        )
        return Found(
            near=meant,
            also_meant=others,
            arrival=arrives,
            results=[parking(one) for one in found],
            advice=ADVICE,
        )

    @server.tool(title="One parking site now", annotations=_READS)
    async def parking_site(site: SiteId) -> SiteNow:
        """The published number of one site, its hours, height, longest stay and price."""
        _require_loaded(view)
        found = view.sites.get(site)
        if found is None:
            raise ToolError(f"There is no site {site!r:.80}; `find_parking` tells the ids.")
        now = view.clock.now()
        return site_now(found, as_of=view.as_of(found), stale=view.is_stale(found, now))

    @server.tool(title="Find a place by name", annotations=_READS)
    async def find_place(name: Annotated[str, Field(min_length=1, max_length=200)]) -> list[Place]:
        """The places and sites that a name may mean, the likeliest first; none if it is not known here."""
        _require_loaded(view)
        return [Place(name=one.name, lat=one.lat, lon=one.lon) for one in names.find(name)]


def _require_loaded(view: LiveView) -> None:
    if not view.loaded:
        raise ToolError("Nothing is known yet: the service has just started. Ask again in a few seconds.")


def _meant(
    names: PlaceNames, place: str | None, lat: float | None, lon: float | None
) -> tuple[Place, list[Place]]:
    if lat is not None and lon is not None:
        return Place(name=place or "the given point", lat=lat, lon=lon), []
    if lat is not None or lon is not None:
        raise ToolError("lat and lon go together: give both, or a place by name.")
    if not place:
        raise ToolError("Give a place by name, or lat and lon.")
    found = [Place(name=one.name, lat=one.lat, lon=one.lon) for one in names.find(place)]
    if not found:
        raise ToolError(f"No place called {place!r:.80} is known here; give lat and lon, or another name.")
    return found[0], found[1:]
