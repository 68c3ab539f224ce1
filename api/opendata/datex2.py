"""DATEX II v3.7: ParkingTablePublication and ParkingStatusPublication, of sites and of single spaces.

The hierarchy: a campus (all that the authority has), in it a place for each site, in it an identified area
for each category of space, and spaces. `docs/open-data.md` says what is emitted for each of our states.
"""

from collections.abc import Iterator
from datetime import timedelta

from api.opendata.city import City, Group, PublishedSite, Shown
from api.opendata.xml import XSI, Element, Writer, document
from parking.db.live import BayFacts, BayNow, Location
from parking.model import Occupancy, SiteStatus
from parking.outlook import OutlookPoint

NAMESPACES: dict[str, str] = {
    "d2": "http://datex2.eu/schema/3/d2Payload",
    "com": "http://datex2.eu/schema/3/common",
    "fac": "http://datex2.eu/schema/3/facilities",
    "loc": "http://datex2.eu/schema/3/locationReferencing",
    "prk": "http://datex2.eu/schema/3/parking",
    "xsi": XSI,
}
LANGUAGE = "en"
ALL = "authority/"
"""The id of the campus: ids of sites hold no slash."""
AHEAD_S = (900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600)
"""How far ahead, in seconds, the forecast is told."""
SITE_TABLE = "sites"
SPACE_TABLE = "spaces"
_w = Writer(NAMESPACES)
_SENSOR = "spaceSensor"
_BUILD = {True: "onStreet", False: "_extended"}


def site_id(site: PublishedSite) -> str:
    """The id of a site's place."""
    return site.id


def area_id(site: PublishedSite, category: str) -> str:
    """The id of the area that holds a site's spaces of one category."""
    return f"{site.id}/category/{category}"


def space_id(site: PublishedSite, bay: str) -> str:
    """The id of a bay's space: ids of bays and of sites may be the same."""
    return f"{site.id}/{bay}"


def site_table(city: City) -> bytes:
    """ParkingTablePublication of the sites and their areas."""

    def piece(site: PublishedSite) -> Element:
        part = _piece()
        _place(part, site)
        for group in site.groups:
            _area(part, site, group)
        return part

    root, table = _table(city, SITE_TABLE, "Car parks and streets with counted spaces")
    _campus(table, city)
    return document(root, table, map(piece, city.sites))


def space_table(city: City) -> bytes:
    """ParkingTablePublication of the single spaces that may be told of."""

    def piece(site: PublishedSite) -> Element:
        part = _piece()
        for facts, _ in site.bays():
            _space(part, site, facts)
        return part

    root, table = _table(city, SPACE_TABLE, "Single parking spaces")
    _campus(table, city)
    return document(root, table, map(piece, city.sites))


def site_status(city: City) -> bytes:
    """ParkingStatusPublication of the sites and their areas, with the forecast where there is one."""

    def piece(site: PublishedSite) -> Element:
        part = _piece()
        _place_status(part, site)
        if site.shown is Shown.LIVE:
            for group in site.groups:
                _area_status(part, site, group)
            for after_s, point in _points(city, site):
                _forecast(part, site, after_s, point)
        return part

    root = _status(city, SITE_TABLE)
    _campus_status(root, city)
    return document(root, root, map(piece, city.sites))


def space_status(city: City) -> bytes:
    """ParkingStatusPublication of the single spaces that may be told of."""

    def piece(site: PublishedSite) -> Element:
        part = _piece()
        for facts, now in site.bays():
            _space_status(part, site, facts, now)
        return part

    root = _status(city, SPACE_TABLE)
    _campus_status(root, city)
    return document(root, root, map(piece, city.sites))


def _piece() -> Element:
    return _w.root("d2:payload")


def _payload(city: City, kind: str) -> Element:
    root = _w.root("d2:payload", lang=LANGUAGE, modelBaseVersion="3")
    root.set(f"{{{XSI}}}type", kind)
    publisher = city.publisher
    _words(
        _w.add(root, "com:feedDescription"),
        f"{publisher.licence} ({publisher.licence_url}). Source: {publisher.name}.",
    )
    _w.add(root, "com:publicationTime", city.as_of)
    creator = _w.add(root, "com:publicationCreator")
    _w.add(creator, "com:country", publisher.country)
    _w.add(creator, "com:nationalIdentifier", publisher.name)
    return root


def _header(parent: Element) -> None:
    header = _w.add(parent, "prk:headerInformation")
    _w.add(header, "com:confidentiality", "noRestriction")
    _w.add(header, "com:informationStatus", "real")


def _table(city: City, name: str, words: str) -> tuple[Element, Element]:
    root = _payload(city, "prk:ParkingTablePublication")
    _header(root)
    table = _w.add(root, "prk:parkingTable", id=name, version="1")
    _words(_w.add(table, "prk:name"), words)
    _w.add(table, "prk:versionTime", city.as_of)
    return root, table


def _status(city: City, table: str) -> Element:
    root = _payload(city, "prk:ParkingStatusPublication")
    _w.add(root, "prk:parkingTableReference", id=table, version="1", targetClass="prk:ParkingTable")
    _header(root)
    return root


def _words(element: Element, words: str) -> None:
    """A MultilingualString in one language."""
    _w.add(_w.add(element, "com:values"), "com:value", words, lang=LANGUAGE)


def _element(table: Element, kind: str, id: str) -> Element:
    return _w.add(table, "prk:hierarchyElementGeneral", kind=kind, id=id, version="1")


def _level(element: Element, layer: int, kind: str, parent: str | None) -> None:
    _w.add(element, "prk:layer", layer)
    _w.add(element, "prk:type", kind)
    if parent is not None:
        _w.add(element, "prk:parentId", id=parent, version="1", targetClass="fac:FacilityObject")


def _campus(table: Element, city: City) -> None:
    campus = _element(table, "prk:Campus", ALL)
    _words(_w.add(campus, "fac:name"), city.publisher.name)
    _level(campus, 0, "campus", None)


def _place(table: Element, site: PublishedSite) -> None:
    facts, details = site.facts, site.facts.details
    place = _element(table, "prk:Place", site_id(site))
    _words(_w.add(place, "fac:name"), facts.name)
    if details.address:
        _words(_w.add(place, "fac:description"), details.address)
    for told in _told(site):
        _words(_w.add(place, "fac:additionalInformation"), told)
    if details.url:
        _w.add(_w.add(place, "fac:informationWebsite"), "com:urlLinkAddress", details.url)
    _point(place, facts.location)
    if details.max_height_m is not None:
        _w.add(_w.add(place, "fac:dimension"), "fac:height", details.max_height_m)
    _level(place, 1, "place", ALL)
    _supply(place, site.snapshot.capacity)
    characteristics = _w.add(_w.add(place, "prk:commonComponents"), "prk:characteristics")
    structure = _w.add(characteristics, "prk:structureType", _BUILD[site.on_street])
    if not site.on_street:
        # Whether on the surface or in a building is not known to us, and not guessed.
        structure.set("_extendedValue", "offStreet")
    _w.add(characteristics, "prk:openToPublic", True)
    _w.add(characteristics, "prk:spacesTotal", site.snapshot.capacity)


def _told(site: PublishedSite) -> list[str]:
    """What the model has no simple place for, in words."""
    details = site.facts.details
    told = []
    if details.opening_hours:
        told.append(f"Opening hours (OpenStreetMap syntax): {details.opening_hours}")
    if details.tariff is not None and details.tariff.text:
        told.append(f"Price: {details.tariff.text}")
    if details.max_stay_min:
        told.append(f"Longest stay: {details.max_stay_min} minutes")
    return told


def _point(element: Element, location: Location | None) -> None:
    if location is None:
        return
    reference = _w.add(element, "fac:locationReference", kind="loc:PointLocation")
    coordinates = _w.add(_w.add(reference, "loc:pointByCoordinates"), "loc:pointCoordinates")
    _w.add(coordinates, "loc:latitude", location[1])
    _w.add(coordinates, "loc:longitude", location[0])


def _supply(element: Element, quantity: int) -> None:
    supply = _w.add(element, "prk:supply")
    _w.add(supply, "prk:quantity", quantity)
    _w.add(supply, "prk:viewType", "spaceView")


def _area(table: Element, site: PublishedSite, group: Group) -> None:
    area = _element(table, "prk:SpecificArea", area_id(site, group.category))
    _words(_w.add(area, "fac:name"), group.category)
    _level(area, 2, "identifiedArea", site_id(site))
    _supply(area, group.capacity)
    _assigned(area, group.category, detection=None if site.counted_at_gates else _SENSOR)


def _space(table: Element, site: PublishedSite, facts: BayFacts) -> None:
    space = _element(table, "prk:Space", space_id(site, facts.id))
    _words(_w.add(space, "fac:name"), facts.id)
    _point(space, facts.location)
    _level(space, 2, "space", site_id(site))
    _assigned(space, facts.category, detection=_SENSOR, max_stay_min=facts.max_stay_min)


def _assigned(
    element: Element, category: str, *, detection: str | None, max_stay_min: int | None = None
) -> None:
    more = _w.add(element, "prk:additionalCharacteristics")
    if detection is not None:
        _w.add(more, "prk:occupancyDetection", detection)
    assignment = _w.add(more, "prk:assignment")
    if max_stay_min is not None:
        _w.add(assignment, "prk:maximumParkingDuration", max_stay_min * 60)
    if category != "standard":
        _words(_w.add(_w.add(assignment, "prk:applicableFor"), "fac:eligibilityName"), category)


def _information(root: Element, id: str, kind: str | None = None) -> Element:
    information = _w.add(root, "prk:parkingStatusInformation", kind=kind)
    _w.add(information, "fac:reference", id=id, version="1", targetClass="fac:FacilityObject")
    return information


def _campus_status(root: Element, city: City) -> None:
    """The publication needs at least one status; the campus has one even in a city without sites."""
    information = _information(root, ALL)
    _w.add(information, "fac:lastUpdated", city.as_of)
    if not any(site.shown is Shown.LIVE for site in city.sites):
        _w.add(information, "prk:parkingFault", "noParkingInformationAvailable")


def _place_status(root: Element, site: PublishedSite) -> None:
    snapshot, shown = site.snapshot, site.shown
    information = _information(root, site_id(site), "prk:PlaceStatus")
    _w.add(information, "fac:lastUpdated", site.as_of)
    _w.add(information, "fac:openingStatus", _opening(site))
    _words(_w.add(information, "fac:statusDescription"), f"revision {snapshot.revision}")
    if shown in (Shown.STALE, Shown.UNKNOWN):
        _w.add(information, "prk:parkingFault", "noParkingInformationAvailable")
    elif snapshot.unknown:
        _w.add(information, "prk:parkingFault", "communicationsFailure")
    if shown is Shown.LIVE:
        _occupancy(information, site)
    elif shown is Shown.CLOSED:
        _w.add(_w.add(information, "prk:occupancy"), "prk:parkingNotAllowed", True)
    if (status := _place_word(site)) is not None:
        _w.add(information, "prk:status", status)


def _opening(site: PublishedSite) -> str:
    if site.stale:
        return "statusUnknown"
    if site.snapshot.status is SiteStatus.OPEN:
        return "open"
    return "closed" if site.closure is None else "temporarilyClosed"


def _occupancy(information: Element, site: PublishedSite) -> None:
    """The number; where spaces are unknown also what it can be at most and at least."""
    snapshot = site.snapshot
    occupancy = _w.add(information, "prk:occupancy")
    _w.add(occupancy, "prk:numberOfVacantSpaces", snapshot.vacant)
    if snapshot.unknown:
        _w.add(occupancy, "prk:numberOfVacantSpacesLowerThan", snapshot.free_max + 1)
        if snapshot.free_min:
            _w.add(occupancy, "prk:numberOfVacantSpacesHigherThan", snapshot.free_min - 1)
    _w.add(occupancy, "prk:numberOfOccupiedSpaces", snapshot.occupied)
    if snapshot.capacity and not snapshot.unknown:
        _w.add(occupancy, "prk:occupancy", round(100 * snapshot.occupied / snapshot.capacity, 1))


def _place_word(site: PublishedSite) -> str | None:
    """Full, or spaces available, or nobody knows; None where it is neither, since it is closed or empty."""
    snapshot = site.snapshot
    if site.shown is Shown.CLOSED or not snapshot.capacity:
        return None
    if site.shown is not Shown.LIVE:
        return "unknown"
    if snapshot.vacant:
        return "spacesAvailable"
    return "unknown" if snapshot.free_max else "full"


def _area_status(root: Element, site: PublishedSite, group: Group) -> None:
    if group.vacant is None or group.occupied is None:
        return
    information = _information(root, area_id(site, group.category))
    _w.add(information, "fac:lastUpdated", site.as_of)
    if group.unknown:
        _w.add(information, "prk:parkingFault", "communicationsFailure")
    if group.unknown != group.capacity:
        occupancy = _w.add(information, "prk:occupancy")
        _w.add(occupancy, "prk:numberOfVacantSpaces", group.vacant)
        _w.add(occupancy, "prk:numberOfOccupiedSpaces", group.occupied)


def _points(city: City, site: PublishedSite) -> Iterator[tuple[int, OutlookPoint]]:
    """What is foretold of a site for each of AHEAD_S, as far as it is."""
    if site.outlook is not None:
        for after_s in AHEAD_S:
            if (point := site.outlook.at(city.as_of + timedelta(seconds=after_s))) is not None:
                yield after_s, point


def _forecast(root: Element, site: PublishedSite, after_s: int, point: OutlookPoint) -> None:
    """The chance of more than no vacant space, so many seconds after the publication."""
    information = _information(root, site_id(site), "prk:PlaceStatus")
    _w.add(information, "fac:lastUpdated", site.as_of)
    occupancy = _w.add(information, "prk:occupancy")
    _w.add(occupancy, "prk:numberOfVacantSpacesHigherThan", 0)
    _w.add(_w.add(occupancy, "prk:probability"), "com:percentage", round(100 * point.chance, 1))
    validity = _w.add(information, "prk:statusValidity", kind="prk:ValidityByOffset")
    _w.add(validity, "prk:statusTimeOffsetToOrigin", after_s)


def _space_status(root: Element, site: PublishedSite, facts: BayFacts, now: BayNow) -> None:
    """A space whose state is not known cannot be a SpaceStatus: that must say whether it is occupied."""
    id = space_id(site, facts.id)
    if site.stale or now.state is Occupancy.UNKNOWN:
        information = _information(root, id)
        _w.add(information, "fac:lastUpdated", site.as_of)
        _w.add(information, "prk:parkingFault", _space_fault(site, now))
        return
    information = _information(root, id, "prk:SpaceStatus")
    _w.add(information, "fac:lastUpdated", site.as_of)
    _w.add(information, "fac:openingStatus", _opening(site))
    _w.add(information, "prk:occupied", now.state is Occupancy.OCCUPIED)
    if now.since is not None:
        _w.add(information, "prk:measurementOrCalculationTime", now.since)


def _space_fault(site: PublishedSite, now: BayNow) -> str:
    if now.fault:
        return "erroneousOccupancyInformation"
    return "noParkingInformationAvailable" if site.stale else "communicationsFailure"
