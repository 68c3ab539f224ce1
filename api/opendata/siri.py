"""SIRI 2.1 Facility Monitoring: one FacilityCondition a site.

Where the number may be shown there is exactly one MonitoredCounting, a `presentCount` of the spaces that are
free to be used: so the Italian profile has it, and so OpenTripPlanner's updater `siri-fm` reads it.
"""

import re

from api.opendata.city import City, PublishedSite, Shown
from api.opendata.xml import Element, Writer, document
from parking.model import SiteStatus

NAMESPACE = "http://www.siri.org.uk/siri"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
"""What a participant's code (NMTOKEN) cannot hold."""
_w = Writer({"siri": NAMESPACE})


def facility_monitoring(city: City) -> bytes:
    """The delivery of all sites."""
    root = _w.root("siri:Siri", version="2.1")
    delivery = _w.add(root, "siri:ServiceDelivery")
    _w.add(delivery, "siri:ResponseTimestamp", city.as_of)
    _w.add(delivery, "siri:ProducerRef", _NOT_A_NAME.sub("-", city.publisher.name))
    monitoring = _w.add(delivery, "siri:FacilityMonitoringDelivery", version="2.1")
    _w.add(monitoring, "siri:ResponseTimestamp", city.as_of)
    _w.add(monitoring, "siri:Status", True)
    for site in city.sites:
        _condition(monitoring, site)
    return document(root)


def _condition(monitoring: Element, site: PublishedSite) -> None:
    condition = _w.add(monitoring, "siri:FacilityCondition")
    _w.add(condition, "siri:FacilityRef", site.id)
    status = _w.add(condition, "siri:FacilityStatus")
    _w.add(status, "siri:Status", _status(site))
    _w.add(status, "siri:Description", f"revision {site.snapshot.revision}")
    if site.shown is Shown.LIVE:
        _counting(condition, site)
    validity = _w.add(condition, "siri:ValidityPeriod")
    _w.add(validity, "siri:StartTime", site.snapshot.as_of)


def _status(site: PublishedSite) -> str:
    if site.shown in (Shown.STALE, Shown.UNKNOWN):
        return "unknown"
    return "notAvailable" if site.snapshot.status is SiteStatus.CLOSED else "available"


def _counting(condition: Element, site: PublishedSite) -> None:
    """The free spaces; the accuracy is the share of spaces that are known, in percent."""
    snapshot = site.snapshot
    counting = _w.add(condition, "siri:MonitoredCounting")
    _w.add(counting, "siri:CountingType", "presentCount")
    _w.add(counting, "siri:CountedFeatureUnit", "bays")
    _w.add(counting, "siri:Count", snapshot.vacant)
    if snapshot.capacity:
        known = 100 * (snapshot.capacity - snapshot.unknown) / snapshot.capacity
        _w.add(counting, "siri:Accuracy", round(known, 1))
