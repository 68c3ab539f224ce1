"""The controlled parking spaces, as the Local Government Transparency Code 2015 wants them published.

The code obliges English authorities to publish how many marked out controlled spaces they have on and off
the street, and recommends to say which of those are free and which charge. All spaces of the registry count.
"""

from collections.abc import Iterable, Iterator

from api.opendata.city import City, Group, PublishedSite
from api.opendata.tables import Value, table

_TOTALS = (
    *("OrganisationLabel", "EffectiveDate", "Location", "MarkedOutControlledSpaces"),
    *("FreeSpaces", "ChargedSpaces", "ChargeNotKnown", "Sites", "Licence"),
)
_SPACES = (
    *("OrganisationLabel", "EffectiveDate", "Location", "SiteId", "Site", "Address", "Zone", "Category"),
    *("MarkedOutControlledSpaces", "Charge", "Price", "MaxStayMinutes", "OpeningHours"),
    *("Latitude", "Longitude", "Licence"),
)
CHARGES = ("free", "charged", "not known")
UNSPECIFIED = "unspecified"
"""The category of spaces of which the registry says only that they are there."""


def totals(city: City) -> bytes:
    """One line for the street and one for car parks."""
    return table(_TOTALS, [_total(city, "on-street", True), _total(city, "off-street", False)])


def spaces(city: City) -> bytes:
    """One line for each site and category of space."""
    return table(_SPACES, _lines(city))


def charge(site: PublishedSite) -> str:
    """Whether parking there costs anything: free, charged, or not known."""
    tariff = site.facts.details.tariff
    if tariff is None or (tariff.free is None and tariff.per_hour is None):
        return "not known"
    return "free" if tariff.free or tariff.per_hour == 0 else "charged"


def categories(site: PublishedSite) -> Iterator[Group]:
    """Its spaces by category; they add up to its capacity."""
    yield from site.groups
    if rest := site.snapshot.capacity - sum(group.capacity for group in site.groups):
        yield Group(UNSPECIFIED, rest)


def _total(city: City, location: str, on_street: bool) -> list[Value]:
    sites = [site for site in city.sites if site.on_street is on_street]
    by_charge = [_spaces(one for one in sites if charge(one) == kind) for kind in CHARGES]
    publisher = city.publisher
    return [
        *(publisher.name, city.as_of.date().isoformat(), location, _spaces(sites)),
        *by_charge,
        *(len(sites), publisher.licence_url),
    ]


def _spaces(sites: Iterable[PublishedSite]) -> int:
    return sum(site.snapshot.capacity for site in sites)


def _lines(city: City) -> Iterator[list[Value]]:
    publisher = city.publisher
    for site in city.sites:
        facts, details = site.facts, site.facts.details
        lon, lat = facts.location or (None, None)
        for group in categories(site):
            yield [
                *(publisher.name, city.as_of.date().isoformat()),
                *("on-street" if site.on_street else "off-street", facts.id, facts.name),
                *(details.address, details.zone, group.category, group.capacity, charge(site)),
                *(None if details.tariff is None else details.tariff.text, details.max_stay_min),
                *(details.opening_hours, lat, lon, publisher.licence_url),
            ]
