"""What each open-data document says the number of each site is, read as a stranger would."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from lxml import etree

Vacant = dict[str, int]
"""The vacant spaces of each site that a document has a number of."""

_DATEX = {
    "prk": "http://datex2.eu/schema/3/parking",
    "fac": "http://datex2.eu/schema/3/facilities",
}
_SIRI = {"siri": "http://www.siri.org.uk/siri"}


def _rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def _geojson(body: bytes) -> Vacant:
    return {one["id"]: one["properties"]["vacant"] for one in json.loads(body)["features"]}


def _csv(body: bytes) -> Vacant:
    return {row["id"]: int(row["vacant"]) for row in _rows(body)}


def _counted(vacant: list[str], sites: list[str]) -> Vacant:
    """The vacant bays of each site that any bay was told of."""
    return {**dict.fromkeys(sites, 0), **Counter(vacant)}


def _bays_geojson(body: bytes) -> Vacant:
    bays = [one["properties"] for one in json.loads(body)["features"]]
    return _counted([bay["site"] for bay in bays if bay["state"] == "vacant"], [bay["site"] for bay in bays])


def _bays_csv(body: bytes) -> Vacant:
    rows = _rows(body)
    return _counted([row["site"] for row in rows if row["state"] == "vacant"], [row["site"] for row in rows])


def _datex_sites(body: bytes) -> Vacant:
    found = {}
    for status in etree.fromstring(body).findall("prk:parkingStatusInformation", _DATEX):
        vacant = status.findtext("prk:occupancy/prk:numberOfVacantSpaces", namespaces=_DATEX)
        if vacant is not None and "/" not in (id := _reference(status)):
            found[id] = int(vacant)
    return found


def _datex_spaces(body: bytes) -> Vacant:
    vacant, sites = [], []
    for status in etree.fromstring(body).findall("prk:parkingStatusInformation", _DATEX):
        site, _, space = _reference(status).partition("/")
        if space:
            sites.append(site)
            if status.findtext("prk:occupied", namespaces=_DATEX) == "false":
                vacant.append(site)
    return _counted(vacant, sites)


def _reference(status: etree._Element) -> str:
    reference = status.find("fac:reference", _DATEX)
    assert reference is not None
    return str(reference.attrib["id"])


def _ngsi(body: bytes) -> Vacant:
    return {one["id"].split(":")[3]: one["availableSpotNumber"] for one in _told(body)}


def _ngsi_groups(body: bytes) -> Vacant:
    found: Counter[str] = Counter()
    for one in _told(body):
        found[one["id"].split(":")[3]] += one["availableSpotNumber"]
    return dict(found)


def _told(body: bytes) -> list[dict[str, Any]]:
    return [one for one in json.loads(body) if "availableSpotNumber" in one]


def _ngsi_spots(body: bytes) -> Vacant:
    spots = [(one["refParkingSite"].split(":")[3], one["status"]) for one in json.loads(body)]
    return _counted([site for site, status in spots if status == "free"], [site for site, _ in spots])


def _siri(body: bytes) -> Vacant:
    found = {}
    for one in etree.fromstring(body).iterfind(".//siri:FacilityCondition", _SIRI):
        site = one.findtext("siri:FacilityRef", namespaces=_SIRI)
        count = one.findtext("siri:MonitoredCounting/siri:Count", namespaces=_SIRI)
        if site is not None and count is not None:
            found[site] = int(count)
    return found


def _parkapi(body: bytes) -> Vacant:
    return {lot["id"]: lot["free"] for lot in json.loads(body)["lots"] if lot["state"] == "open"}


def _cds_zones(body: bytes) -> Vacant:
    found: Counter[str] = Counter()
    for zone in json.loads(body)["data"]["zones"]:
        if "available_spaces" in zone:
            found[zone["custom_attributes"]["site"]] += zone["available_spaces"]
    return dict(found)


def _apds(body: bytes) -> Vacant:
    found = {}
    for place in json.loads(body)["data"]:
        if "supply" in (told := place.get("hierarchyElementReference", {})):
            demand = told["demandTable"][0]["demandType"][0]["count"]
            found[place["id"]] = told["supply"][0]["supplyQuantity"] - demand
    return found


READERS: dict[str, Callable[[bytes], Vacant]] = {
    "sites.geojson": _geojson,
    "sites.csv": _csv,
    "bays.geojson": _bays_geojson,
    "bays.csv": _bays_csv,
    "datex2/site-status.xml": _datex_sites,
    "datex2/space-status.xml": _datex_spaces,
    "ngsi-ld/OnStreetParking.jsonld": _ngsi,
    "ngsi-ld/OffStreetParking.jsonld": _ngsi,
    "ngsi-ld/ParkingGroup.jsonld": _ngsi_groups,
    "ngsi-ld/ParkingSpot.jsonld": _ngsi_spots,
    "siri/facility-monitoring.xml": _siri,
    "parkapi/v1/parking": _parkapi,
    "cds/curbs/zones": _cds_zones,
    "apds/v4/places": _apds,
}
"""By path below /open-data/."""
NO_NUMBER = {
    "datex2/site-table.xml",
    "datex2/space-table.xml",
    "parkapi/v1/",
    "cds/curbs/policies",
    "cds/events/status",
    "transparency/parking-spaces.csv",
    "transparency/parking-spaces-by-site.csv",
    "catalogue.jsonld",
}
"""Documents that tell of no number of the moment."""
