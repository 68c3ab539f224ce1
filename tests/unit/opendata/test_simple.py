"""GeoJSON, CSV and ParkAPI: valid, true in each state, and each number the snapshot's."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from api.opendata import geojson, parkapi, tables
from api.opendata.city import City, Shown
from tests.support.published import PUBLISHER, WITHHELD
from tests.unit.opendata.conftest import CITIES, EVERY_KIND

COUNTS = ("capacity", "vacant", "occupied", "unknown", "free_min", "free_max", "revision")


def rows(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document.decode())))


@settings(deadline=None)
@given(city=CITIES)
def test_sites_have_the_same_numbers_in_geojson_and_csv(city: City) -> None:
    features, lines = json.loads(geojson.sites(city))["features"], rows(tables.sites(city))
    assert [feature["id"] for feature in features] == [line["id"] for line in lines]
    for site, feature, line in zip(city.sites, features, lines, strict=True):
        for name in COUNTS:
            expected = getattr(site.snapshot, name)
            assert (feature["properties"][name], line[name]) == (expected, str(expected))
        assert line["stale"] == str(site.stale).lower()
        assert feature["properties"]["status"] == line["status"] == site.snapshot.status
        assert (feature["geometry"] is None) is (site.facts.location is None)


@settings(deadline=None)
@given(city=CITIES)
def test_categories_add_up_to_the_site(city: City) -> None:
    for site in city.sites:
        if site.counted_at_gates:
            continue
        for name in ("capacity", "vacant", "occupied", "unknown"):
            assert sum(getattr(group, name) for group in site.groups) == getattr(site.snapshot, name)


@settings(deadline=None)
@given(city=CITIES)
def test_bays_that_could_tell_of_a_person_are_told_of_by_none(city: City) -> None:
    features, lines = json.loads(geojson.bays(city))["features"], rows(tables.bays(city))
    told = {facts.id for _, facts, _ in city.bays()}
    assert {feature["id"] for feature in features} == {line["id"] for line in lines} == told
    assert not WITHHELD & {line["category"] for line in lines}
    shown = {facts.id for site in city.sites for facts in map(site.table.facts, site.rows)}
    assert {id for id in shown - told} == {
        facts.id
        for site in city.sites
        for facts in map(site.table.facts, site.rows)
        if facts.category in WITHHELD
    }


def test_a_text_that_a_spreadsheet_would_take_for_a_formula_is_text() -> None:
    line = tables.table(["name"], [["=1+1"], ["-3"], ['a,"b"']]).decode()
    assert line == 'name\r\n\'=1+1\r\n\'-3\r\n"a,""b"""\r\n'


def test_licence_and_publisher_are_in_each_document() -> None:
    for document in (geojson.sites, geojson.bays, tables.sites, tables.bays, parkapi.lots):
        text = document(EVERY_KIND).decode()
        assert PUBLISHER.name in text
        assert PUBLISHER.licence_url in text


@pytest.fixture(scope="session")
def parkapi_schema(schemas: Path) -> jsonschema.Draft4Validator:
    schema: dict[str, Any] = json.loads((schemas / "parkapi-v1" / "city_schema.json").read_text())
    del schema["$schema"]  # names itself, which is no draft of JSON Schema
    return jsonschema.Draft4Validator(schema)


@settings(deadline=None)
@given(city=CITIES)
def test_parkapi_lots_are_valid(parkapi_schema: jsonschema.Draft4Validator, city: City) -> None:
    document = json.loads(parkapi.lots(city))
    parkapi_schema.validate(document)
    for site, lot in zip(city.sites, document["lots"], strict=True):
        live = site.shown is Shown.LIVE
        assert lot["free"] == (site.snapshot.vacant if live else 0)
        assert lot["total"] == site.snapshot.capacity
        assert (lot["state"] == "open") is live


def test_parkapi_says_closed_and_no_data_apart() -> None:
    lots = json.loads(parkapi.lots(EVERY_KIND))["lots"]
    states = {lot["id"].rpartition("-")[0]: lot["state"] for lot in lots}
    assert states["closed"] == states["closure"] == states["gates-closed"] == "closed"
    assert states["stale"] == states["unknown"] == "nodata"
    assert states["full"] == states["partly"] == states["gates"] == "open"


def test_parkapi_lists_one_city_that_is_where_it_says() -> None:
    cities = json.loads(parkapi.meta(EVERY_KIND))["cities"]
    assert cities == {PUBLISHER.name: parkapi.NAME}
