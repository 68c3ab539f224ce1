"""ParkAPI v1 JSON, as ParkenDD and OpenTripPlanner read it.

What those clients do decides here: `free` is always there, since ParkenDD needs it; where nobody knows it is
0 and `state` is `nodata`, which ParkenDD shows as such. OpenTripPlanner also reads `total:disabled`,
`free:disabled` and `notes`.
"""

from typing import Any

import msgspec

from api.opendata.city import City, PublishedSite, Shown
from api.opendata.xml import moment

_encode = msgspec.json.Encoder().encode
NAME = "parking"
"""What the one city is called in paths: the document at `<base>/parking`."""
_STATES = {Shown.LIVE: "open", Shown.CLOSED: "closed", Shown.STALE: "nodata", Shown.UNKNOWN: "nodata"}


def meta(city: City) -> bytes:
    """The list of cities, of which we are one."""
    publisher = city.publisher
    return _encode(
        {
            "api_version": "1.0",
            "server_version": "1.0.0",
            "reference": publisher.link("/open-data/"),
            "cities": {publisher.name: NAME},
        }
    )


def lots(city: City) -> bytes:
    """All sites as lots."""
    at = moment(city.as_of)
    return _encode(
        {
            "last_downloaded": at,
            "last_updated": at,
            "data_source": city.publisher.link("/open-data/"),
            "attribution": {"contributor": city.publisher.name, "license": city.publisher.licence_url},
            "lots": [_lot(site) for site in city.sites],
        }
    )


def _lot(site: PublishedSite) -> dict[str, Any]:
    facts, details, snapshot = site.facts, site.facts.details, site.snapshot
    lot: dict[str, Any] = {
        "id": facts.id,
        "name": facts.name,
        "lot_type": "Straße" if site.on_street else "Parkplatz",
        "address": details.address,
        "region": details.zone,
        "coords": _coords(site),
        "state": _STATES[site.shown],
        "total": snapshot.capacity,
        "free": snapshot.vacant if site.shown is Shown.LIVE else 0,
        "forecast": site.outlook is not None and bool(site.outlook.points),
        "revision": snapshot.revision,
    }
    if details.opening_hours:
        lot["opening_hours"] = details.opening_hours
    if details.tariff is not None and details.tariff.text:
        lot["fee_hours"] = details.tariff.text
    if details.url:
        lot["url"] = details.url
    return lot | _disabled(site) | _notes(site)


def _coords(site: PublishedSite) -> dict[str, float] | None:
    if site.facts.location is None:
        return None
    lon, lat = site.facts.location
    return {"lat": lat, "lng": lon}


def _disabled(site: PublishedSite) -> dict[str, int]:
    group = next((group for group in site.groups if group.category == "disabled"), None)
    if group is None:
        return {}
    told = {"total:disabled": group.capacity}
    if group.vacant is not None and group.unknown != group.capacity and site.shown is Shown.LIVE:
        told["free:disabled"] = group.vacant
    return told


def _notes(site: PublishedSite) -> dict[str, dict[str, str]]:
    if site.shown is Shown.LIVE and site.snapshot.unknown:
        text = f"{site.snapshot.unknown} of {site.snapshot.capacity} spaces do not report"
        return {"notes": {"en": text}}
    if site.closure is not None and site.shown is Shown.CLOSED:
        return {"notes": {"en": f"Closed: {site.closure.reason}"}}
    return {}
