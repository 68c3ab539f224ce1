"""All open-data documents: where each is, by which standard, and the function that makes it."""

from collections.abc import Callable

from api.opendata import apds, cds, datex2, geojson, ngsi_ld, parkapi, siri, tables, transparency
from api.opendata.aggregates import MEDIA_TYPE
from api.opendata.catalogue import catalogue
from api.opendata.city import City
from api.opendata.document import (
    BAYS,
    CSV,
    GEOJSON,
    HISTORY,
    JSON,
    JSON_LD,
    REGISTER,
    ROOT,
    SITES,
    XML,
    Dataset,
    Document,
    Listed,
)

_RFC = "https://www.rfc-editor.org/rfc/"
_MODELS = "https://github.com/smart-data-models/dataModel.Parking/tree/master/"


def _standard(
    name: str, conforms_to: str, media_type: str
) -> Callable[[str, str, Dataset, str, Callable[[City], bytes]], Document]:
    def document(
        path: str, title: str, dataset: Dataset, about: str, render: Callable[[City], bytes]
    ) -> Document:
        return Document(
            path=f"{ROOT}{path}",
            title=title,
            dataset=dataset,
            standard=name,
            conforms_to=conforms_to,
            media_type=media_type,
            about=about,
            render=render,
        )

    return document


_geojson = _standard("GeoJSON", f"{_RFC}rfc7946", GEOJSON)
_csv = _standard("CSV", f"{_RFC}rfc4180", CSV)
_datex = _standard("DATEX II 3.7", "https://docs.datex2.eu/v3.7/", XML)
_ngsi = _standard("NGSI-LD (FIWARE)", _MODELS, JSON_LD)
_siri = _standard("SIRI 2.1 FM", "https://transmodel-cen.eu/index.php/siri/", XML)
_CDS = "CDS 1.1"
_CDS_ADDRESS = "https://github.com/openmobilityfoundation/curb-data-specification/tree/1.1.0"
_cds = _standard(_CDS, _CDS_ADDRESS, JSON)
_apds = _standard("APDS 4.0", "https://www.allianceforparkingdatastandards.org/", JSON)
_parkapi = _standard("ParkAPI v1", "https://github.com/offenesdresden/ParkAPI", JSON)
_code = _standard(
    "Transparency Code 2015",
    "https://www.gov.uk/government/publications/local-government-transparency-code-2015",
    CSV,
)

_NOT_ALL = "Not of bays whose use could tell of a person."
_TELLING: tuple[Document, ...] = (
    _geojson("sites.geojson", "Sites", SITES, "Every site, its number, its categories.", geojson.sites),
    _csv("sites.csv", "Sites", SITES, "Every site with its number, for spreadsheets.", tables.sites),
    _geojson("bays.geojson", "Bays", BAYS, f"Every bay and its state. {_NOT_ALL}", geojson.bays),
    _csv("bays.csv", "Bays", BAYS, f"Every bay and its state, for spreadsheets. {_NOT_ALL}", tables.bays),
    _datex(
        "datex2/site-table.xml",
        "ParkingTablePublication of sites",
        REGISTER,
        "What sites there are: places, capacities, categories.",
        datex2.site_table,
    ),
    _datex(
        "datex2/site-status.xml",
        "ParkingStatusPublication of sites",
        SITES,
        "Numbers, faults, and the forecast where there is one.",
        datex2.site_status,
    ),
    _datex(
        "datex2/space-table.xml",
        "ParkingTablePublication of bays",
        REGISTER,
        f"What bays there are: places, categories, longest stays. {_NOT_ALL}",
        datex2.space_table,
    ),
    _datex(
        "datex2/space-status.xml",
        "ParkingStatusPublication of bays",
        BAYS,
        f"The state of each bay, and faults. {_NOT_ALL}",
        datex2.space_status,
    ),
    _ngsi(
        "ngsi-ld/OnStreetParking.jsonld",
        "OnStreetParking",
        SITES,
        "Every street that has a location.",
        ngsi_ld.streets,
    ),
    _ngsi(
        "ngsi-ld/OffStreetParking.jsonld",
        "OffStreetParking",
        SITES,
        "Every car park that has a location.",
        ngsi_ld.parks,
    ),
    _ngsi(
        "ngsi-ld/ParkingGroup.jsonld",
        "ParkingGroup",
        SITES,
        "The spaces of each category at each site.",
        ngsi_ld.groups,
    ),
    _ngsi(
        "ngsi-ld/ParkingSpot.jsonld",
        "ParkingSpot",
        BAYS,
        f"Every bay that has a location. {_NOT_ALL}",
        ngsi_ld.spots,
    ),
    _siri(
        "siri/facility-monitoring.xml",
        "FacilityMonitoringDelivery",
        SITES,
        "The free spaces of each site, for OpenTripPlanner's updater `siri-fm`.",
        siri.facility_monitoring,
    ),
    _parkapi("parkapi/v1/", "List of cities", SITES, "Where a ParkenDD client begins.", parkapi.meta),
    _parkapi(
        f"parkapi/v1/{parkapi.NAME}",
        "Lots",
        SITES,
        "The free spaces of each site, for ParkenDD and OpenTripPlanner's updater `park-api`.",
        parkapi.lots,
    ),
    _cds(
        "cds/curbs/zones",
        "Curbs: zones",
        SITES,
        "The spaces of each category at each site as a zone, with its free spaces.",
        cds.zones,
    ),
    _cds("cds/curbs/policies", "Curbs: policies", REGISTER, "What may be done in the zones.", cds.policies),
    _cds(
        "cds/events/status",
        "Events: status",
        SITES,
        "Whether the sensors of each zone report.",
        cds.status,
    ),
    _apds(
        "apds/v4/places",
        "Places",
        SITES,
        "Places with supply and demand. Spaces that are not known are not in the supply.",
        apds.places,
    ),
    _code(
        "transparency/parking-spaces.csv",
        "Controlled parking spaces",
        REGISTER,
        "How many marked out controlled spaces there are on and off the street.",
        transparency.totals,
    ),
    _code(
        "transparency/parking-spaces-by-site.csv",
        "Controlled parking spaces by site",
        REGISTER,
        "The same by site and category, with charges and limits.",
        transparency.spaces,
    ),
)
EVENTS = Listed(
    path=f"{ROOT}cds/events/events",
    title="Events: events",
    dataset=HISTORY,
    standard=_CDS,
    conforms_to=_CDS_ADDRESS,
    media_type=JSON,
    about=f"Who came and went in one hour of the last day, where enough did. {_NOT_ALL}",
)
AGGREGATES = Listed(
    path=f"{ROOT}cds/metrics/aggregates",
    title="Metrics: aggregates",
    dataset=HISTORY,
    standard=_CDS,
    conforms_to=_CDS_ADDRESS,
    media_type=MEDIA_TYPE,
    about="Sessions, events, turnover, dwell and occupancy of each zone in the hours of a day, where enough"
    f" happened. {_NOT_ALL}",
)
_ANSWERS = (EVENTS, AGGREGATES)
_CATALOGUE = _standard("DCAT-AP 3", "https://semiceu.github.io/DCAT-AP/releases/3.0.0/", JSON_LD)(
    "catalogue.jsonld",
    "Catalogue",
    REGISTER,
    "This list for machines.",
    catalogue((*_TELLING, *_ANSWERS)),
)
DOCUMENTS: tuple[Document, ...] = (*_TELLING, _CATALOGUE)
"""Those that are made of the live view alone."""
LISTED: tuple[Listed, ...] = (*_TELLING, *_ANSWERS, _CATALOGUE)
"""These, and those that answer a question about the past."""
