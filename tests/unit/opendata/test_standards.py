"""NGSI-LD, SIRI, the transparency code and DCAT: valid by the official schemas, and true in each state."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from lxml import etree
from referencing import Registry, Resource

from api.opendata import ngsi_ld, siri, transparency
from api.opendata.city import City, Shown
from api.opendata.documents import DOCUMENTS, LISTED
from tests.support.published import PUBLISHER, WITHHELD
from tests.unit.opendata.conftest import CITIES, EVERY_KIND

_COMMON = "https://smart-data-models.github.io/data-models/common-schema.json"
MODELS: dict[str, Callable[[City], bytes]] = {
    "OnStreetParking": ngsi_ld.streets,
    "OffStreetParking": ngsi_ld.parks,
    "ParkingGroup": ngsi_ld.groups,
    "ParkingSpot": ngsi_ld.spots,
}


@pytest.fixture(scope="session")
def models(schemas: Path) -> dict[str, jsonschema.Draft202012Validator]:
    folder = schemas / "fiware-parking"
    common = Resource.from_contents(json.loads((folder / "common-schema.json").read_text()))
    registry: Registry[Any] = Registry().with_resource(_COMMON, common)
    return {
        name: jsonschema.Draft202012Validator(
            json.loads((folder / f"{name}.schema.json").read_text()),
            registry=registry,
            format_checker=jsonschema.FormatChecker(),
        )
        for name in MODELS
    }


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=50)
@given(city=CITIES)
def test_entities_are_valid(
    models: dict[str, jsonschema.Draft202012Validator], name: str, city: City
) -> None:
    for entity in json.loads(MODELS[name](city)):
        models[name].validate(entity)
        assert entity["type"] == name


@settings(deadline=None)
@given(city=CITIES)
def test_entities_have_a_number_exactly_when_it_may_be_shown(city: City) -> None:
    entities = {one["id"]: one for one in json.loads(ngsi_ld.streets(city)) + json.loads(ngsi_ld.parks(city))}
    placed = [site for site in city.sites if site.facts.location]
    assert len(entities) == len(placed)
    for site in placed:
        kind = "OnStreetParking" if site.on_street else "OffStreetParking"
        told = entities[f"urn:ngsi-ld:{kind}:{site.id}"]
        live = site.shown is Shown.LIVE
        assert told.get("availableSpotNumber") == (site.snapshot.vacant if live else None)


def test_a_car_park_has_no_word_for_unknown_and_says_nothing_then() -> None:
    told = {one["id"].split(":")[3]: one.get("status") for one in json.loads(ngsi_ld.parks(EVERY_KIND))}
    for site in EVERY_KIND.sites:
        if site.id in told and site.stale:
            assert told[site.id] is None
    assert told["gates-closed-9"] == ["closed"]


def test_spots_of_withheld_categories_are_not_told_of() -> None:
    groups = {one["refParkingGroup"].rpartition(":")[2] for one in json.loads(ngsi_ld.spots(EVERY_KIND))}
    assert groups
    assert not groups & WITHHELD


@pytest.fixture(scope="session")
def siri_schema(schemas: Path) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(schemas / "siri-2.1" / "xsd" / "siri.xsd"))


@settings(deadline=None, max_examples=50)
@given(city=CITIES)
def test_the_siri_delivery_is_valid_and_counts_free_spaces_once(
    siri_schema: etree.XMLSchema, city: City
) -> None:
    root = etree.fromstring(siri.facility_monitoring(city))
    siri_schema.assertValid(root)
    ns = {"s": siri.NAMESPACE}
    conditions = root.findall(".//s:FacilityCondition", ns)
    for site, condition in zip(city.sites, conditions, strict=True):
        assert condition.findtext("s:FacilityRef", namespaces=ns) == site.id
        counts = [one.text for one in condition.findall("s:MonitoredCounting/s:Count", ns)]
        assert counts == ([str(site.snapshot.vacant)] if site.shown is Shown.LIVE else [])


def _rows(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document.decode())))


@settings(deadline=None)
@given(city=CITIES)
def test_controlled_spaces_add_up(city: City) -> None:
    totals, lines = _rows(transparency.totals(city)), _rows(transparency.spaces(city))
    assert [row["Location"] for row in totals] == ["on-street", "off-street"]
    for row in totals:
        marked = int(row["MarkedOutControlledSpaces"])
        assert marked == sum(int(row[name]) for name in ("FreeSpaces", "ChargedSpaces", "ChargeNotKnown"))
        here = [line for line in lines if line["Location"] == row["Location"]]
        assert marked == sum(int(line["MarkedOutControlledSpaces"]) for line in here)
    assert sum(int(row["MarkedOutControlledSpaces"]) for row in totals) == sum(
        site.snapshot.capacity for site in city.sites
    )


def test_the_catalogue_has_every_document_with_what_dcat_ap_requires() -> None:
    document = next(one for one in DOCUMENTS if one.path.endswith("catalogue.jsonld"))
    catalogue = json.loads(document.render(EVERY_KIND))
    assert {"dct:title", "dct:description", "dct:publisher", "dcat:dataset"} <= catalogue.keys()
    links = set()
    for dataset in catalogue["dcat:dataset"]:
        assert {"dct:title", "dct:description", "dcat:distribution"} <= dataset.keys()
        for one in dataset["dcat:distribution"]:
            links.add(one["dcat:accessURL"]["@id"])
            assert one["dct:license"] == {"@id": PUBLISHER.licence_url}
    others = [one for one in LISTED if one is not document]
    assert links == {f"{PUBLISHER.url}{one.path}" for one in others}
