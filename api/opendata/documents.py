"""The list of all open-data documents: where each is, by which standard, and the function that makes it."""

from collections.abc import Callable
from dataclasses import dataclass

from api.opendata import datex2, geojson, parkapi, tables
from api.opendata.city import City

XML = "application/xml"
JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv; charset=utf-8; header=present"
ROOT = "/open-data/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document. `standard` with its version, `conforms_to` the address of its specification."""

    path: str
    title: str
    standard: str
    conforms_to: str
    media_type: str
    about: str
    render: Callable[[City], bytes]


_DATEX = {"standard": "DATEX II 3.7", "conforms_to": "https://docs.datex2.eu/v3.7/", "media_type": XML}
_GEOJSON = {
    "standard": "GeoJSON",
    "conforms_to": "https://www.rfc-editor.org/rfc/rfc7946",
    "media_type": GEOJSON,
}
_CSV = {"standard": "CSV", "conforms_to": "https://www.rfc-editor.org/rfc/rfc4180", "media_type": CSV}
_PARKAPI = {
    "standard": "ParkAPI v1",
    "conforms_to": "https://github.com/offenesdresden/ParkAPI",
    "media_type": JSON,
}

DOCUMENTS: tuple[Document, ...] = (
    Document(
        path=f"{ROOT}sites.geojson",
        title="Sites",
        about="Every street and car park with its number now, and its spaces by category.",
        render=geojson.sites,
        **_GEOJSON,
    ),
    Document(
        path=f"{ROOT}bays.geojson",
        title="Bays",
        about="Every bay with a sensor and its state now; not those whose use could tell of a person.",
        render=geojson.bays,
        **_GEOJSON,
    ),
    Document(
        path=f"{ROOT}sites.csv",
        title="Sites",
        about="Every street and car park with its number now, for spreadsheets.",
        render=tables.sites,
        **_CSV,
    ),
    Document(
        path=f"{ROOT}bays.csv",
        title="Bays",
        about="Every bay with a sensor and its state now, for spreadsheets.",
        render=tables.bays,
        **_CSV,
    ),
    Document(
        path=f"{ROOT}datex2/site-table.xml",
        title="Sites (ParkingTablePublication)",
        about="What sites there are: places, capacities, categories.",
        render=datex2.site_table,
        **_DATEX,
    ),
    Document(
        path=f"{ROOT}datex2/site-status.xml",
        title="Numbers of sites (ParkingStatusPublication)",
        about="Numbers now, faults, and the forecast where there is one.",
        render=datex2.site_status,
        **_DATEX,
    ),
    Document(
        path=f"{ROOT}datex2/space-table.xml",
        title="Bays (ParkingTablePublication)",
        about="What bays there are: places, categories, longest stays.",
        render=datex2.space_table,
        **_DATEX,
    ),
    Document(
        path=f"{ROOT}datex2/space-status.xml",
        title="States of bays (ParkingStatusPublication)",
        about="State of each bay now, and faults.",
        render=datex2.space_status,
        **_DATEX,
    ),
    Document(
        path=f"{ROOT}parkapi/v1/",
        title="List of cities",
        about="Where a ParkenDD client begins.",
        render=parkapi.meta,
        **_PARKAPI,
    ),
    Document(
        path=f"{ROOT}parkapi/v1/{parkapi.NAME}",
        title="Lots",
        about="Numbers now, for ParkenDD and for OpenTripPlanner's updater `park-api`.",
        render=parkapi.lots,
        **_PARKAPI,
    ),
)
