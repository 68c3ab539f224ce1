"""What the API says, as types that are both the documentation and what is encoded."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.live import LiveSite
from parking.db.live import BayFacts, BayNow, Location
from parking.details import Tariff
from parking.model import Counting, Occupancy, SiteStatus
from parking.signs import Why

Count = Annotated[int, Meta(ge=0)]
Time = Annotated[datetime, Meta(tz=True)]
encode = msgspec.json.Encoder().encode


class Point(msgspec.Struct, frozen=True):
    """A place in degrees (WGS 84)."""

    lon: float
    lat: float


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site and its published number. vacant + occupied + unknown = capacity, always."""

    id: str
    name: str
    kind: Annotated[str, Meta(description="on_street or off_street")]
    counting: Annotated[Counting, Meta(description="by a sensor in each bay, or by cameras at the gates")]
    timezone: str
    location: Point | None
    capacity: Count
    vacant: Annotated[Count, Meta(description="spaces known to be free")]
    occupied: Count
    unknown: Annotated[Count, Meta(description="spaces whose sensor is silent: free or taken, nobody knows")]
    free_min: Annotated[Count, Meta(description="at least so many are free")]
    free_max: Annotated[Count, Meta(description="at most so many are free")]
    as_of: Annotated[datetime, Meta(tz=True, description="when this number was last known to be true")]
    stale: Annotated[bool, Meta(description="too old to be shown as true")]
    revision: Annotated[int, Meta(ge=0, description="the same revision always means the same number")]
    status: SiteStatus


class Sites(msgspec.Struct, frozen=True):
    """All sites. `as_of` is the least recent of theirs."""

    sites: list[Site]
    as_of: Time | None


class Bay(msgspec.Struct, frozen=True, kw_only=True):
    """One bay. `since` is when its state began, null while that is not known."""

    id: str
    category: str
    state: Occupancy
    since: Time | None
    location: Point | None
    fault: Annotated[
        Literal[True] | UnsetType, Meta(description="present when the sensor reports a fault")
    ] = UNSET
    withheld: Annotated[
        Literal[True] | UnsetType,
        Meta(
            description="present when the state is not told, since it could tell of a person; `state` is then"
            " `unknown`, and the bay is counted in the site's numbers as what it is"
        ),
    ] = UNSET


class Bays(msgspec.Struct, frozen=True, kw_only=True):
    """The bays of one site at one revision; empty for a site that is counted at its gates."""

    site: str
    revision: int
    as_of: Time
    stale: bool
    bays: list[Bay]


class NearBay(msgspec.Struct, frozen=True, kw_only=True):
    """A bay known to be free near the place asked for."""

    id: str
    category: str
    location: Point
    distance_m: int


class Price(msgspec.Struct, frozen=True):
    """What parking costs, as far as it is known; `text` is what the board says."""

    free: bool | None
    per_hour: float | None
    currency: str
    text: str | None


Chance = Annotated[float, Meta(ge=0, le=1)]


class NearSite(Site, frozen=True, kw_only=True):
    """A site near the place asked for. The counts are the site's; `matching_*` count what was asked for."""

    distance_m: Annotated[
        int, Meta(description="in a straight line, to the nearest matching free bay if one is known")
    ]
    walking_m: Annotated[int, Meta(description="estimated: streets are 1.3 times as long as a straight line")]
    walking_minutes: Annotated[int, Meta(description="estimated from the distance at an easy pace")]
    chance: Annotated[
        Chance | None,
        Meta(
            description="that a space is free on arrival, at least, in steps of 0.05: unknown spaces count as"
            " taken; null where nobody knows (no news, or no space reports); 0 where it is closed then"
        ),
    ]
    chance_high: Annotated[
        Chance | None, Meta(description="the chance if every unknown space were free; null as `chance`")
    ]
    reason: Annotated[str, Meta(description="what the chance rests on, for people")]
    open: Annotated[bool | None, Meta(description="open on arrival; null where its hours are not known")]
    opening_hours: Annotated[str | None, Meta(description="as OpenStreetMap writes them")]
    max_stay_min: Annotated[int | None, Meta(description="the longest stay in a space that would do")]
    max_height_m: float | None
    price: Price | None
    address: str | None
    not_known: Annotated[
        list[str],
        Meta(
            description="what was asked for and is not known here, by the parameters' names: ask on the spot"
        ),
    ]
    matching_vacant: Annotated[Count, Meta(description="known to be free, of the categories asked for")]
    matching_unknown: Annotated[Count, Meta(description="not known, of the categories asked for")]
    bays: Annotated[list[NearBay], Meta(description="the nearest matching bays known to be free")]


class Nearby(msgspec.Struct, frozen=True):
    """Sites near a place, best first; `chance` and `open` hold for `arrival`, when the driver is there."""

    results: list[NearSite]
    arrival: Time


class Sign(msgspec.Struct, frozen=True):
    """What a sign shows: a number, FULL, CLOSED or nothing. Blank the sign after `valid_until`."""

    sign: str
    text: Annotated[str, Meta(description="empty is blank; lines are separated by line feeds")]
    valid_until: Time
    poll_after_s: int
    revision: Annotated[int, Meta(ge=0, description="the sum of the revisions of its sites")]
    reason: str
    why: Annotated[Why, Meta(description="the reason, for machines")]
    multi: Annotated[str, Meta(description="the text in MULTI, for NTCIP 1203 controllers; empty is blank")]


class Signs(msgspec.Struct, frozen=True):
    """All signs."""

    signs: list[Sign]


class Check(msgspec.Struct, frozen=True):
    """One condition for being ready."""

    ok: bool
    detail: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether all is well, and what is not, in words."""

    ready: bool
    reasons: list[str]
    checks: dict[str, Check]


def site_body(site: LiveSite, *, as_of: datetime, stale: bool) -> Site:
    """The site as the API tells it."""
    return Site(**site_fields(site, as_of=as_of, stale=stale))


def site_fields(site: LiveSite, *, as_of: datetime, stale: bool) -> dict[str, Any]:
    """The fields of a `Site`."""
    facts, snapshot = site.facts, site.snapshot
    return {
        "id": facts.id,
        "name": facts.name,
        "kind": facts.kind,
        "counting": facts.counting,
        "timezone": facts.timezone,
        "location": point(facts.location),
        "capacity": snapshot.capacity,
        "vacant": snapshot.vacant,
        "occupied": snapshot.occupied,
        "unknown": snapshot.unknown,
        "free_min": snapshot.free_min,
        "free_max": snapshot.free_max,
        "as_of": as_of,
        "stale": stale,
        "revision": snapshot.revision,
        "status": snapshot.status,
    }


def bay_body(facts: BayFacts, now: BayNow, withheld: frozenset[str] = frozenset()) -> Bay:
    """The bay as the API tells it; of those in the categories `withheld` only where they are."""
    if facts.category in withheld:
        return Bay(
            id=facts.id,
            category=facts.category,
            state=Occupancy.UNKNOWN,
            since=None,
            location=point(facts.location),
            withheld=True,
        )
    return Bay(
        id=facts.id,
        category=facts.category,
        state=now.state,
        since=now.since,
        location=point(facts.location),
        fault=True if now.fault else UNSET,
    )


def price(tariff: Tariff | None) -> Price | None:
    """The tariff as the API tells it."""
    return None if tariff is None else Price(tariff.free, tariff.per_hour, tariff.currency, tariff.text)


def point(location: Location | None) -> Point | None:
    """The place as the API tells it."""
    return None if location is None else Point(*location)
