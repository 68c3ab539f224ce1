"""GeoJSON (RFC 7946): sites and single bays as points with what is published of them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from api.opendata.city import City, Group, PublishedSite
from parking.db.live import BayFacts, BayNow, Location

_encode = msgspec.json.Encoder().encode


def sites(city: City) -> bytes:
    """Each site as a feature; its geometry is null where no location is known (RFC 7946, 3.2)."""
    return _collection(city, (_site(city, site) for site in city.sites))


def bays(city: City) -> bytes:
    """Each bay that may be told of one by one."""
    return _collection(city, (_bay(site, facts, now) for site, facts, now in city.bays()))


def one_by_one(values: Iterable[Any]) -> list[msgspec.Raw]:
    """Each value encoded by itself, so that there is no large structure for the garbage collector."""
    return [msgspec.Raw(_encode(value)) for value in values]


def point(location: Location | None) -> dict[str, Any] | None:
    """A Point, None where no location is known."""
    return None if location is None else {"type": "Point", "coordinates": list(location)}


def site_properties(site: PublishedSite) -> dict[str, Any]:
    """All that is published of a site, in the words of /v1/sites."""
    facts, snapshot, details = site.facts, site.snapshot, site.facts.details
    return {
        "id": facts.id,
        "name": facts.name,
        "kind": facts.kind,
        "counting": facts.counting,
        "timezone": facts.timezone,
        "status": snapshot.status,
        "capacity": snapshot.capacity,
        "vacant": snapshot.vacant,
        "occupied": snapshot.occupied,
        "unknown": snapshot.unknown,
        "free_min": snapshot.free_min,
        "free_max": snapshot.free_max,
        "revision": snapshot.revision,
        "as_of": site.as_of,
        "stale": site.stale,
        "zone": details.zone,
        "address": details.address,
        "operator": details.operator,
        "opening_hours": details.opening_hours,
        "max_height_m": details.max_height_m,
        "max_stay_min": details.max_stay_min,
        "price": None if details.tariff is None else details.tariff.text,
        "url": details.url,
    }


def _collection(city: City, features: Iterable[dict[str, Any]]) -> bytes:
    publisher = city.publisher
    return _encode(
        {
            "type": "FeatureCollection",
            "licence": publisher.licence_url,
            "attribution": publisher.name,
            "as_of": city.as_of,
            "features": one_by_one(features),
        }
    )


def _site(city: City, site: PublishedSite) -> dict[str, Any]:
    properties = site_properties(site)
    properties["spaces"] = {group.category: _group(group) for group in site.groups}
    return {
        "type": "Feature",
        "id": site.id,
        "geometry": point(site.facts.location),
        "properties": properties,
    }


def _group(group: Group) -> dict[str, int]:
    counts = {
        "capacity": group.capacity,
        "vacant": group.vacant,
        "occupied": group.occupied,
        "unknown": group.unknown,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _bay(site: PublishedSite, facts: BayFacts, now: BayNow) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": facts.id,
        "geometry": point(facts.location),
        "properties": {
            "id": facts.id,
            "site": site.id,
            "category": facts.category,
            "max_stay_min": facts.max_stay_min,
            "state": now.state,
            "since": now.since,
            "fault": now.fault,
            "status": site.snapshot.status,
            "revision": site.snapshot.revision,
            "as_of": site.as_of,
            "stale": site.stale,
        },
    }
