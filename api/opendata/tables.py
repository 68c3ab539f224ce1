"""CSV (RFC 4180, UTF-8, a header line): sites and single bays, one a line."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from api.opendata.city import City
from api.opendata.geojson import site_properties
from api.opendata.xml import moment

Value = str | int | float | bool | datetime | None

_SITE = (
    *("id", "name", "kind", "counting", "status", "capacity", "vacant", "occupied", "unknown"),
    *("free_min", "free_max", "as_of", "stale", "revision", "lat", "lon", "zone", "address", "operator"),
    *("opening_hours", "max_height_m", "max_stay_min", "price", "timezone", "url", "publisher", "licence"),
)
_BAY = (
    *("id", "site", "category", "state", "since", "fault", "status", "as_of", "stale", "revision"),
    *("lat", "lon", "max_stay_min", "publisher", "licence"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sites(city: City) -> bytes:
    """Each site with its number, in the words of /v1/sites."""
    return table(_SITE, _sites(city))


def bays(city: City) -> bytes:
    """Each bay that may be told of one by one."""
    return table(_BAY, _bays(city))


def table(head: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """CSV of these rows. Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else str(value)
    return value


def _sites(city: City) -> Iterator[list[Value]]:
    publisher = city.publisher
    for site in city.sites:
        lon, lat = site.facts.location or (None, None)
        known = {
            **site_properties(site),
            "lat": lat,
            "lon": lon,
            "publisher": publisher.name,
            "licence": publisher.licence_url,
        }
        yield [known[name] for name in _SITE]


def _bays(city: City) -> Iterator[list[Value]]:
    publisher = city.publisher
    for site, facts, now in city.bays():
        lon, lat = facts.location or (None, None)
        yield [
            *(facts.id, site.id, facts.category, now.state, now.since, now.fault, site.snapshot.status),
            *(site.as_of, site.stale, site.snapshot.revision, lat, lon, facts.max_stay_min),
            *(publisher.name, publisher.licence_url),
        ]
