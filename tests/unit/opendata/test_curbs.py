"""CDS and APDS: valid by the official schemas for any city, true in each state, and nobody told apart."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api.opendata import apds, cds
from api.opendata.city import City, Shown
from parking.db.stays import Movement
from parking.model import SiteStatus
from tests.support.live import NOW
from tests.support.published import WITHHELD
from tests.unit.opendata.conftest import CITIES, EVERY_KIND

HOUR = NOW - timedelta(hours=1)
Validator = jsonschema.Draft202012Validator


class Schemas(dict[str, Validator]):
    """Validators by name, with a short repr for failures."""

    def __repr__(self) -> str:
        return f"Schemas({list(self)})"


def _loaded(folder: Path) -> Registry[Any]:
    """Every YAML file below a folder by its address; spaces in it stay, as in their references."""
    registry: Registry[Any] = Registry()
    for file in folder.rglob("*.yaml"):
        contents = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        resource = Resource.from_contents(contents, default_specification=DRAFT202012)
        registry = registry.with_resource(f"file://{file}", resource)
    return registry.crawl()


def _validator(registry: Registry[Any], file: Path, pointer: str) -> Validator:
    reference = {"$ref": f"file://{file}#{pointer}"}
    return Validator(reference, registry=registry, format_checker=jsonschema.FormatChecker())


def _answer(path: str) -> str:
    return f"/paths/{path.replace('/', '~1')}/get/responses/200/content/application~1json/schema"


@pytest.fixture(scope="session")
def curb_schemas(schemas: Path) -> Schemas:
    folder = schemas / "cds-1.1" / "APIs"
    registry = _loaded(folder.parent)
    return Schemas(
        zones=_validator(registry, folder / "Curbs API.yaml", _answer("/curbs/zones")),
        policies=_validator(registry, folder / "Curbs API.yaml", _answer("/curbs/policies")),
        status=_validator(registry, folder / "Events API.yaml", _answer("/events/status")),
        events=_validator(registry, folder / "Events API.yaml", _answer("/events/events")),
    )


@settings(deadline=None, max_examples=50)
@given(city=CITIES)
def test_zones_policies_and_status_are_valid(curb_schemas: Schemas, city: City) -> None:
    for name, make in (("zones", cds.zones), ("policies", cds.policies), ("status", cds.status)):
        curb_schemas[name].validate(json.loads(make(city)))


def test_the_schemas_refuse_what_they_should(curb_schemas: Schemas) -> None:
    zones = json.loads(cds.zones(EVERY_KIND))
    del zones["data"]["zones"][0]["curb_zone_id"]
    assert not curb_schemas["zones"].is_valid(zones)


@settings(deadline=None)
@given(city=CITIES)
def test_a_zone_has_a_number_exactly_when_it_may_be_shown(city: City) -> None:
    told = {zone["curb_zone_id"]: zone for zone in json.loads(cds.zones(city))["data"]["zones"]}
    policies = {one["curb_policy_id"] for one in json.loads(cds.policies(city))["data"]["policies"]}
    zones = cds.city_zones(city)
    assert len(told) == len(zones)
    for zone in zones:
        one, site = told[zone.id], zone.site
        known = site.shown is Shown.LIVE and (
            not zone.group.capacity or zone.group.unknown != zone.group.capacity
        )
        assert ("available_spaces" in one) is known
        assert one.get("available") == (None if site.stale else site.snapshot.status is SiteStatus.OPEN)
        assert set(one["curb_policy_ids"]) <= policies


def _zone(city: City) -> cds.Zone:
    return next(
        zone
        for zone in cds.city_zones(city)
        if not zone.site.counted_at_gates and zone.group.category not in WITHHELD
    )


def _movements(zone: cds.Zone, number: int, *, category: str | None = None) -> list[Movement]:
    return [
        Movement(
            zone.site.id,
            category or zone.group.category,
            HOUR + timedelta(minutes=3 * one, seconds=17, microseconds=5),
            one % 2 == 0,
        )
        for one in range(number)
    ]


@settings(deadline=None, max_examples=50)
@given(number=st.integers(0, 20))
def test_events_are_valid_and_few_of_them_are_not_told(curb_schemas: Schemas, number: int) -> None:
    zone = _zone(EVERY_KIND)
    answer = json.loads(cds.hour_of_events(EVERY_KIND, _movements(zone, number), HOUR))
    curb_schemas["events"].validate(answer)
    events = answer["data"]["events"]
    assert len(events) == (number if number >= cds.LEAST_EVENTS else 0)
    assert len({event["event_id"] for event in events}) == len(events)
    assert all(event["event_time"] % 60_000 == 0 for event in events)
    assert [event["event_time"] for event in events] == sorted(
        (event["event_time"] for event in events), reverse=True
    )


def test_no_event_tells_of_a_withheld_category_or_of_a_bay() -> None:
    zone = _zone(EVERY_KIND)
    hidden = [m for kind in WITHHELD for m in _movements(zone, 20, category=kind)]
    assert json.loads(cds.hour_of_events(EVERY_KIND, hidden, HOUR))["data"]["events"] == []
    told = cds.hour_of_events(EVERY_KIND, _movements(zone, 20), HOUR).decode()
    for _, facts, _ in EVERY_KIND.bays():
        assert facts.id not in told
    assert "curb_space_id" not in told
    assert "event_session_id" not in told


def test_events_can_be_asked_of_one_zone() -> None:
    zone = _zone(EVERY_KIND)
    movements = _movements(zone, 9)
    assert len(json.loads(cds.hour_of_events(EVERY_KIND, movements, HOUR, zone.id))["data"]["events"]) == 9
    other = "00000000-0000-0000-0000-000000000000"
    assert json.loads(cds.hour_of_events(EVERY_KIND, movements, HOUR, other))["data"]["events"] == []


@pytest.fixture(scope="session")
def places_schema(schemas: Path) -> Schemas:
    file = schemas / "apds-4.0" / "apds4.yaml"
    registry, names = _loaded(file.parent), ("HierarchyElementList", "Place", "Campus")
    return Schemas({name: _validator(registry, file, f"/components/schemas/{name}") for name in names})


@settings(deadline=None, max_examples=50)
@given(city=CITIES)
def test_places_are_valid(places_schema: Schemas, city: City) -> None:
    document = json.loads(apds.places(city))
    places_schema["HierarchyElementList"].validate(document)
    campus, *places = document["data"]
    places_schema["Campus"].validate(campus)
    for site, place in zip(city.sites, places, strict=True):
        places_schema["Place"].validate(place)
        told = place["hierarchyElementReference"]
        assert ("supply" in told) is (site.shown is Shown.LIVE)
        if "supply" in told:
            free = told["supply"][0]["supplyQuantity"] - told["demandTable"][0]["demandType"][0]["count"]
            assert free == site.snapshot.vacant
