"""NGSI-LD entities of the Smart Data Models (FIWARE): On- and OffStreetParking, ParkingGroup, ParkingSpot.

They are in the simplified form (`options=keyValues`), which is what the models' schemas describe. A site or a
bay without a location cannot be told of: the models need it.
"""

from typing import Any

import msgspec

from api.opendata.city import City, Group, PublishedSite, Shown
from api.opendata.geojson import one_by_one, point
from parking.db.live import BayFacts, BayNow
from parking.model import Occupancy, SiteStatus

_encode = msgspec.json.Encoder().encode
CONTEXT = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Parking/master/context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
)
_FOR_STREET = {
    "disabled": "forDisabled",
    "electric": "forElectricalCharging",
    "resident": "forResidents",
    "loading": "forLoadUnload",
}
_FOR_PARK = {name: word for name, word in _FOR_STREET.items() if name != "loading"}
_ONLY = {
    "disabled": "onlyDisabled",
    "electric": "onlyElectricalCharging",
    "resident": "onlyResidents",
    "loading": "loadUnloadZone",
}
_SPOT = {Occupancy.VACANT: "free", Occupancy.OCCUPIED: "occupied", Occupancy.UNKNOWN: "unknown"}

Entity = dict[str, Any]


def streets(city: City) -> bytes:
    """OnStreetParking: every street with a location."""
    placed = (site for site in city.sites if site.on_street and site.facts.location)
    return _encode(one_by_one(_street(city, site) for site in placed))


def parks(city: City) -> bytes:
    """OffStreetParking: every car park with a location."""
    placed = (site for site in city.sites if not site.on_street and site.facts.location)
    return _encode(one_by_one(_park(city, site) for site in placed))


def groups(city: City) -> bytes:
    """ParkingGroup: the spaces of each category at each site."""
    return _encode(one_by_one(_group(city, site, group) for site in city.sites for group in site.groups))


def spots(city: City) -> bytes:
    """ParkingSpot: every bay with a location that may be told of one by one."""
    placed = (told for told in city.bays() if told[1].location)
    return _encode(one_by_one(_spot(city, site, facts, now) for site, facts, now in placed))


def urn(kind: str, *names: str) -> str:
    """The id of an entity."""
    return ":".join(("urn:ngsi-ld", kind, *names))


def _entity(city: City, kind: str, *names: str) -> Entity:
    return {
        "id": urn(kind, *names),
        "type": kind,
        "@context": CONTEXT,
        "dataProvider": city.publisher.name,
        "source": city.publisher.link("/open-data/"),
        "license": city.publisher.licence_url,
    }


def _kind(site: PublishedSite) -> str:
    return "OnStreetParking" if site.on_street else "OffStreetParking"


def _site(city: City, site: PublishedSite) -> Entity:
    facts, details = site.facts, site.facts.details
    entity = _entity(city, _kind(site), site.id) | {
        "name": facts.name,
        "location": point(facts.location),
        "dateModified": site.as_of,
        "observationDateTime": site.as_of,
        "occupancyDetectionType": ["balancing" if site.counted_at_gates else "singleSpaceDetection"],
        "refParkingGroup": [urn("ParkingGroup", site.id, group.category) for group in site.groups],
        "revision": site.snapshot.revision,
    }
    if details.address:
        entity["address"] = {"streetAddress": details.address}
    if details.max_stay_min:
        entity["maximumParkingDuration"] = f"PT{details.max_stay_min}M"
    return entity | _number(site)


def _number(site: PublishedSite) -> Entity:
    """The number, if it may be shown: the models have no word for a number that is not known."""
    if site.shown is not Shown.LIVE:
        return {}
    return {
        "availableSpotNumber": site.snapshot.vacant,
        "occupiedSpotNumber": site.snapshot.occupied,
        "outOfServiceSlotNumber": site.snapshot.unknown,
        "occupancyModified": site.snapshot.as_of,
    }


def _street(city: City, site: PublishedSite) -> Entity:
    entity = _site(city, site)
    entity["totalSpotNumber"] = site.snapshot.capacity
    entity["category"] = ["public", *_fee(site), *_for(site, _FOR_STREET)]
    return entity


def _park(city: City, site: PublishedSite) -> Entity:
    entity, details = _site(city, site), site.facts.details
    # A relationship to one group only, by the schema; the groups tell to which site they belong.
    del entity["refParkingGroup"]
    if site.snapshot.capacity:
        entity["totalSpotNumber"] = site.snapshot.capacity
    if status := _park_status(site):
        entity["status"] = status
    if details.max_height_m is not None:
        entity["maximumAllowedHeight"] = details.max_height_m
    if details.opening_hours:
        entity["openingHours"] = details.opening_hours
    if details.tariff is not None and details.tariff.per_hour is not None:
        entity["priceRatePerMinute"] = round(details.tariff.per_hour / 60, 6)
        entity["priceCurrency"] = details.tariff.currency
    entity["category"] = ["public", *_fee(site), *_for(site, _FOR_PARK)]
    return entity


def _park_status(site: PublishedSite) -> list[str]:
    """There is no "unknown": then nothing is said of what is not known."""
    if site.stale:
        return []
    if site.snapshot.status is SiteStatus.CLOSED:
        return ["closed" if site.closure is None else "closedAbnormal"]
    if site.shown is not Shown.LIVE or not site.snapshot.capacity:
        return ["open"]
    if site.snapshot.vacant:
        return ["open", "spacesAvailable"]
    return ["open"] if site.snapshot.free_max else ["open", "full"]


def _fee(site: PublishedSite) -> list[str]:
    tariff = site.facts.details.tariff
    if tariff is None or (tariff.free is None and tariff.per_hour is None):
        return []
    return ["free" if tariff.free or tariff.per_hour == 0 else "feeCharged"]


def _for(site: PublishedSite, words: dict[str, str]) -> list[str]:
    return [words[group.category] for group in site.groups if group.category in words]


def _group(city: City, site: PublishedSite, group: Group) -> Entity:
    entity = _entity(city, "ParkingGroup", site.id, group.category) | {
        "name": f"{site.facts.name}: {group.category}",
        "refParkingSite": urn(_kind(site), site.id),
        "category": ["onStreet" if site.on_street else "offStreet", *_only(group)],
        "occupancyDetectionType": ["balancing" if site.counted_at_gates else "singleSpaceDetection"],
        "dateModified": site.as_of,
    }
    if site.facts.location:
        entity["location"] = point(site.facts.location)
    if group.capacity:
        entity["totalSpotNumber"] = group.capacity
    if group.vacant is not None and site.shown is Shown.LIVE and group.unknown != group.capacity:
        entity["availableSpotNumber"] = group.vacant
    return entity


def _only(group: Group) -> list[str]:
    return [_ONLY[group.category]] if group.category in _ONLY else []


def _spot(city: City, site: PublishedSite, facts: BayFacts, now: BayNow) -> Entity:
    entity = _entity(city, "ParkingSpot", facts.id) | {
        "name": facts.id,
        "location": point(facts.location),
        "status": _spot_status(site, now),
        "category": ["onStreet" if site.on_street else "offStreet"],
        "refParkingSite": urn(_kind(site), site.id),
        "refParkingGroup": urn("ParkingGroup", site.id, facts.category),
        "dateModified": site.as_of,
    }
    if now.since is not None and not site.stale:
        entity["timeInstant"] = now.since
    return entity


def _spot_status(site: PublishedSite, now: BayNow) -> str:
    if site.stale:
        return "unknown"
    return "closed" if site.snapshot.status is SiteStatus.CLOSED else _SPOT[now.state]
