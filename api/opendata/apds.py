"""APDS 4.0 (the Alliance for Parking Data Standards): the places with their supply and demand.

Who reads it takes demand from supply to find what is free. Spaces that are not known are therefore not in
the supply: they would look free. `characteristics.spacesTotal` has them all. Spaces are not told of one by
one: nothing satisfies the schema's `Reference`, which a space needs (two members are required, one allowed).
"""

from typing import Any

import msgspec

from api.opendata.city import City, PublishedSite, Shown

_encode = msgspec.json.Encoder().encode
CAMPUS = "authority/"
Json = dict[str, Any]


def places(city: City) -> bytes:
    """The answer of `GET /places`, all on one page."""
    data = [_campus(city), *(_place(city, site) for site in city.sites)]
    meta = {
        "referenceInstant": int(city.as_of.timestamp()),
        "offset": 0,
        "pageSize": len(data),
        "total": len(data),
    }
    return _encode({"meta": meta, "data": data})


def _campus(city: City) -> Json:
    return {
        "id": CAMPUS,
        "version": 1,
        "type": "campus",
        "name": _text(city.publisher.name),
        "layer": 0,
        "hierarchyElementRecord": {"creationTime": city.as_of},
    }


def _place(city: City, site: PublishedSite) -> Json:
    facts, version = site.facts, max(site.snapshot.revision, 1)
    place: Json = {
        "id": site.id,
        "version": version,
        "type": "place",
        "name": _text(facts.name),
        "layer": 1,
        "parentId": {"id": CAMPUS, "version": 1, "className": "Campus"},
        "hierarchyElementRecord": {"creationTime": facts.registered_at or city.as_of},
        "hierarchyElementReference": {"elementId": _reference(site, version), **_occupancy(site)},
        "timeZone": facts.timezone,
        "characteristics": _characteristics(site),
    }
    if facts.location is not None:
        point = {"type": "Point", "coordinates": list(facts.location)}
        place["indicativePlacePointLocation"] = [point]
    if site.shown is Shown.CLOSED:
        reason = "Closed" if site.closure is None else f"Closed: {site.closure.reason}"
        place["aliases"] = [_text(f"{facts.name} ({reason})")]
    return place


def _reference(site: PublishedSite, version: int) -> Json:
    return {"id": site.id, "version": version, "className": "Place"}


def _occupancy(site: PublishedSite) -> Json:
    """Supply and demand, where the number may be shown."""
    if site.shown is not Shown.LIVE:
        return {}
    now = site.snapshot
    known = now.vacant + now.occupied
    demand: Json = {
        "count": now.occupied,
        "occupancyCalculation": "counted",
        "recordDateTime": site.as_of,
    }
    if known:
        demand["percentage"] = round(100 * now.occupied / known, 1)
    return {
        "supply": [{"supplyViewType": "spaceView", "supplyQuantity": known}],
        "demandTable": [{"timestamp": site.as_of, "demandType": [demand]}],
    }


def _characteristics(site: PublishedSite) -> Json:
    told: Json = {"openToPublic": True, "spacesTotal": site.snapshot.capacity}
    if site.on_street:
        told["structureType"] = "onStreet"
    if any(group.category == "disabled" for group in site.groups):
        told["disabledAccess"] = True
    return told


def _text(text: str) -> list[Json]:
    return [{"language": "en", "string": text}]
