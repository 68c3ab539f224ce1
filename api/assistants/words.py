"""What an assistant is told: shapes with their meaning, which the protocol hands on as schemas."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from api.bodies import NearSite, Price
from api.bodies import price as price_of
from api.live import LiveSite


class Place(BaseModel):
    """Somewhere that was meant, in degrees (WGS 84)."""

    name: str
    lat: float
    lon: float


class Parking(BaseModel):
    """One place to park."""

    site: Annotated[str, Field(description="its id, for `parking_site`")]
    name: str
    kind: Annotated[str, Field(description="on_street or off_street")]
    free: Annotated[int, Field(description="spaces of what was asked for that are known to be free now")]
    not_known: Annotated[
        int, Field(description="spaces whose state nobody knows: never say that they are free")
    ]
    capacity: int
    chance: Annotated[
        float | None,
        Field(description="that a space is free on arrival, 0 to 1, at least; null: not known, so say so"),
    ]
    reason: Annotated[str, Field(description="what that rests on, in words that a driver understands")]
    stale: Annotated[bool, Field(description="the number is too old to be relied on: say so")]
    as_of: datetime
    walking_minutes: int
    open: Annotated[bool | None, Field(description="open on arrival; null: its hours are not known")]
    opening_hours: str | None
    max_stay_min: int | None
    max_height_m: float | None
    price: Annotated[str | None, Field(description="as far as it is known")]
    address: str | None
    ask_on_the_spot: Annotated[list[str], Field(description="what was asked for and is not known here")]


class Found(BaseModel):
    """Where to park near a place, best first."""

    near: Place
    also_meant: Annotated[
        list[Place], Field(description="other places of that name: ask which one, if it matters")
    ]
    arrival: datetime
    results: list[Parking]
    advice: Annotated[str, Field(description="what to add to any answer")]


class SiteNow(BaseModel):
    """One site as every driver, sign and document is told it: the same revision is the same number."""

    site: str
    name: str
    status: Annotated[str, Field(description="open or closed")]
    capacity: int
    vacant: int
    occupied: int
    unknown: Annotated[int, Field(description="spaces whose state nobody knows")]
    stale: Annotated[bool, Field(description="too old to be relied on: say so")]
    as_of: datetime
    revision: int
    timezone: str
    address: str | None
    opening_hours: Annotated[str | None, Field(description="as OpenStreetMap writes them")]
    max_height_m: float | None
    max_stay_min: int | None
    price: str | None


def parking(near: NearSite) -> Parking:
    """What is told of a site that was found."""
    return Parking(
        site=near.id,
        name=near.name,
        kind=near.kind,
        free=near.matching_vacant,
        not_known=near.matching_unknown,
        capacity=near.capacity,
        chance=near.chance,
        reason=near.reason,
        stale=near.stale,
        as_of=near.as_of,
        walking_minutes=near.walking_minutes,
        open=near.open,
        opening_hours=near.opening_hours,
        max_stay_min=near.max_stay_min,
        max_height_m=near.max_height_m,
        price=price_text(near.price),
        address=near.address,
        ask_on_the_spot=near.not_known,
    )


def site_now(site: LiveSite, *, as_of: datetime, stale: bool) -> SiteNow:
    """What is told of one site."""
    facts, now, details = site.facts, site.snapshot, site.facts.details
    return SiteNow(
        site=facts.id,
        name=facts.name,
        status=now.status.value,
        capacity=now.capacity,
        vacant=now.vacant,
        occupied=now.occupied,
        unknown=now.unknown,
        stale=stale,
        as_of=as_of,
        revision=now.revision,
        timezone=facts.timezone,
        address=details.address,
        opening_hours=details.opening_hours,
        max_height_m=details.max_height_m,
        max_stay_min=details.max_stay_min,
        price=price_text(price_of(details.tariff)),
    )


def price_text(price: Price | None) -> str | None:
    """What parking costs, in words; None where that is not known."""
    if price is None:
        return None
    if price.text:
        return price.text
    if price.free:
        return "free"
    return None if price.per_hour is None else f"{price.per_hour:.2f} {price.currency} an hour"
