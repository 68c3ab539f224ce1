"""What an open-data document is, and the datasets that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass

from api.opendata.city import City

XML = "application/xml"
JSON = "application/json"
JSON_LD = "application/ld+json"
GEOJSON = "application/geo+json"
CSV = "text/csv; charset=utf-8; header=present"
ROOT = "/open-data/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What several documents tell in different words; `frequency` is a code of the EU's authority table."""

    id: str
    title: str
    about: str
    frequency: str


SITES = Dataset(
    id="sites",
    title="Free spaces of streets and car parks",
    about="How many spaces are vacant, occupied or not known at each site now.",
    frequency="UPDATE_CONT",
)
BAYS = Dataset(
    id="bays",
    title="States of single parking bays",
    about="Whether each bay with a sensor is vacant, occupied or not known now. Bays whose use could tell of"
    " a person are in counts only.",
    frequency="UPDATE_CONT",
)
REGISTER = Dataset(
    id="register",
    title="Register of controlled parking spaces",
    about="Which parking spaces there are, where, for whom and on what terms.",
    frequency="IRREG",
)
HISTORY = Dataset(
    id="history",
    title="Use of parking spaces",
    about="When vehicles came and went in the last day, without any of them being told apart, and how spaces"
    " were used in each hour of the last month.",
    frequency="HOURLY",
)
DATASETS = (SITES, BAYS, REGISTER, HISTORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the index and the catalogue tell of. `standard` with its version, `conforms_to` its address."""

    path: str
    title: str
    dataset: Dataset
    standard: str
    conforms_to: str
    media_type: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Listed):
    """One document that is made of the live view alone."""

    render: Callable[[City], bytes]
