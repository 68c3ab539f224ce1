"""The Curb Data Specification 1.1: zones and policies of the Curbs API, and events of the Events API.

A zone is all spaces of one category at one site, since a zone has one regulation; a site counted at its gates
is one zone. Single spaces are not told of: CDS wants their outlines and lengths, which a registry of points
does not have.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

import msgspec

from api.opendata.city import City, Group, PublishedSite, Shown
from parking.db.live import Location
from parking.db.stays import Movement
from parking.details import Tariff
from parking.model import SiteStatus

VERSION = "1.1.0"
LEAST_EVENTS = 5
"""An hour in which a zone had fewer events is not told of: they could be those of one person."""
NAMES = UUID("6f1b2c0e-2f52-5d0b-9a55-0a5f5f3f7f01")
"""The namespace of all our UUIDs (RFC 9562, 5.5): the same thing has the same id in every process."""
_ANY = "any"
_PURPOSES = {"disabled": "disabled_parking_permit", "resident": "permit", "loading": "delivery"}
_CLASSES = {"electric": "electric", "motorcycle": "motorcycle"}
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]


@dataclass(frozen=True)
class Zone:
    """All spaces of one category at a site."""

    site: PublishedSite
    group: Group

    @cached_property
    def points(self) -> list[Location]:
        """The places of its bays, where these may be told of; else that of the site."""
        site, category = self.site, self.group.category
        own = [facts.location for facts, _ in site.bays() if facts.category == category and facts.location]
        if own:
            return own
        return [] if site.facts.location is None else [site.facts.location]

    @cached_property
    def line(self) -> list[list[float]]:
        """Where it is: a line through the bays, or the place of the site.

        Positions have an altitude of 0, since the schema takes a line of plain points for a polygon as well.
        """
        points = sorted(set(self.points), key=_along(self.points))
        if len(points) == 1:
            points *= 2
        return [[lon, lat, 0.0] for lon, lat in points]

    @cached_property
    def id(self) -> str:
        """Its id, another one once its place is another one, as the specification wants it."""
        return str(uuid5(NAMES, f"zone/{self.site.id}/{self.group.category}/{self.line}"))

    @property
    def source(self) -> str:
        """The id of what reports its events: all sensors together, since one tells of a single space."""
        return str(uuid5(NAMES, f"source/{self.site.id}/{self.group.category}"))


def city_zones(city: City) -> list[Zone]:
    """The zones of all sites of which it is known where they are."""
    return [zone for site in city.sites for zone in _zones(site) if zone.points]


def zones(city: City) -> bytes:
    """`/curbs/zones`."""
    return _answer(city, {"zones": [_zone(city, zone) for zone in city_zones(city)]})


def policies(city: City) -> bytes:
    """`/curbs/policies`: what may be done in the zones, each rule once."""
    told: dict[str, Json] = {}
    for zone in city_zones(city):
        policy = _policy(city, zone)
        before = told.setdefault(policy["curb_policy_id"], policy)
        before["published_date"] = min(before["published_date"], policy["published_date"])
    return _answer(city, {"policies": list(told.values())})


def status(city: City) -> bytes:
    """`/events/status`: whether the sensors of each zone report."""
    sensors = [_status(zone) for zone in city_zones(city) if not zone.site.counted_at_gates]
    return _answer(city, {"status": sensors})


def hour_of_events(
    city: City, movements: Sequence[Movement], hour: datetime, zone_id: str | None = None
) -> bytes:
    """`/events/events`: who came and went in the hour that began then, newest first."""
    until = hour + timedelta(hours=1)
    known = {(zone.site.id, zone.group.category): zone for zone in city_zones(city)}
    counts = Counter((one.site, one.category) for one in movements)
    told = []
    for (site, category), zone in known.items():
        if category in zone.site.withheld or counts[site, category] < LEAST_EVENTS:
            continue
        if zone_id is None or zone_id == zone.id:
            here = [one for one in movements if (one.site, one.category) == (site, category)]
            told += list(_events(zone, here, until))
    told.sort(key=lambda event: (-event["event_time"], event["event_id"]))
    return _answer(city, {"events": told})


def milliseconds(at: datetime) -> int:
    """A time as CDS has it: milliseconds since 1970 in UTC."""
    return int(at.timestamp() * 1000)


def _answer(city: City, data: Json) -> bytes:
    zones = Counter(site.facts.timezone for site in city.sites).most_common(1)
    return _encode(
        {
            "version": VERSION,
            "time_zone": zones[0][0] if zones else "Europe/London",
            "last_updated": milliseconds(city.as_of),
            "currency": "GBP",
            "author": city.publisher.name,
            "license_url": city.publisher.licence_url,
            "data": data,
        }
    )


def _zones(site: PublishedSite) -> Iterator[Zone]:
    if site.counted_at_gates:
        now = site.snapshot
        yield Zone(site, Group(_ANY, now.capacity, now.vacant, now.occupied, now.unknown))
    else:
        yield from (Zone(site, group) for group in site.groups)


def _along(points: list[Location]) -> Any:
    """The order along a street that runs more east and west, or more north and south."""
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    if max(lons) - min(lons) >= max(lats) - min(lats):
        return lambda point: point
    return lambda point: (point[1], point[0])


def _zone(city: City, zone: Zone) -> Json:
    site, group, details = zone.site, zone.group, zone.site.facts.details
    told: Json = {
        "curb_zone_id": zone.id,
        "geometry": {"type": "LineString", "coordinates": zone.line},
        "name": site.facts.name if group.category == _ANY else f"{site.facts.name}: {group.category}",
        "curb_policy_ids": [_policy(city, zone)["curb_policy_id"]],
        "published_date": _registered(city, site),
        "last_updated_date": milliseconds(site.snapshot.as_of),
        "start_date": _registered(city, site),
        "jurisdiction_type": "public",
        "num_spaces": group.capacity,
        "custom_attributes": {
            "site": site.id,
            "category": group.category,
            "kind": site.facts.kind,
            "revision": str(site.snapshot.revision),
            "known_spaces": str(group.capacity - (group.unknown or 0)),
        },
    }
    if details.operator:
        told["owner_name"] = details.operator
    if site.on_street:
        told["street_name"] = site.facts.name
    return told | _availability(zone)


def _availability(zone: Zone) -> Json:
    """Nothing where nobody knows; a closed zone has no spaces that are open for use."""
    site, group = zone.site, zone.group
    if site.stale:
        return {}
    if site.snapshot.status is SiteStatus.CLOSED:
        return {"available": False, "availability_time": milliseconds(site.as_of)}
    told: Json = {"available": True, "availability_time": milliseconds(site.as_of)}
    nobody_knows = group.unknown == group.capacity and group.capacity > 0
    if site.shown is Shown.LIVE and group.vacant is not None and not nobody_knows:
        told["available_spaces"] = group.vacant
    return told


def _policy(city: City, zone: Zone) -> Json:
    site, category = zone.site, zone.group.category
    details = site.facts.details
    rule: Json = {"activity": "parking"}
    if category in _PURPOSES:
        rule["purposes"] = [_PURPOSES[category]]
    if category in _CLASSES:
        rule["user_classes"] = [_CLASSES[category]]
    if details.max_stay_min:
        rule |= {"max_stay": details.max_stay_min, "max_stay_unit": "minute"}
    if (rate := _rate(details.tariff)) is not None:
        rule["rate"] = [rate]
    policy: Json = {
        "name": "Parking" if category in (_ANY, "standard") else f"Parking: {category}",
        "description": "; ".join(_words(site)),
        "priority": 1,
        "rules": [rule],
    }
    id = str(uuid5(NAMES, f"policy/{_encode(policy).decode()}"))
    return {"curb_policy_id": id, **policy, "published_date": _registered(city, site)}


def _words(site: PublishedSite) -> Iterator[str]:
    """What the rules cannot hold: hours in another syntax, and what the board says."""
    details = site.facts.details
    if details.opening_hours:
        yield f"Opening hours (OpenStreetMap syntax): {details.opening_hours}"
    if details.tariff is not None and details.tariff.text:
        yield details.tariff.text


def _rate(tariff: Tariff | None) -> Json | None:
    """In the smallest unit of the currency; only in the currency that the answer names."""
    if tariff is None or tariff.currency != "GBP":
        return None
    if tariff.free:
        return {"rate": 0, "rate_unit": "hour"}
    return None if tariff.per_hour is None else {"rate": round(tariff.per_hour * 100), "rate_unit": "hour"}


def _registered(city: City, site: PublishedSite) -> int:
    return milliseconds(site.facts.registered_at or city.as_of)


def _status(zone: Zone) -> Json:
    site, group = zone.site, zone.group
    return {
        "data_source_device_id": zone.source,
        "data_source_type": "other",
        "sensor_status_is_commissioned": True,
        "sensor_status_is_online": not site.stale and group.unknown != group.capacity,
    }


def _events(zone: Zone, movements: Sequence[Movement], until: datetime) -> Iterator[Json]:
    """Times are those of the minute. Ids tell of no bay: they number the events of a kind in a minute."""
    numbers: Counter[tuple[str, datetime]] = Counter()
    for movement in sorted(movements, key=lambda one: (one.at, one.arrival)):
        kind = "park_start" if movement.arrival else "park_end"
        minute = movement.at.replace(second=0, microsecond=0)
        numbers[kind, minute] += 1
        name = f"event/{zone.id}/{kind}/{minute.isoformat()}/{numbers[kind, minute]}"
        yield {
            "event_id": str(uuid5(NAMES, name)),
            "event_type": kind,
            "event_purpose": "parking",
            "event_time": milliseconds(minute),
            "event_publication_time": milliseconds(until),
            "curb_zone_id": zone.id,
            "data_source_type": "other",
            "data_source_device_id": zone.source,
        }
