"""DATEX II: valid by the official schema for any city, and true in each of our states."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from api.opendata import datex2
from api.opendata.city import City, Shown
from parking.model import Occupancy
from tests.support.published import WITHHELD
from tests.unit.opendata.conftest import CITIES, EVERY_KIND

PUBLICATIONS = (datex2.site_table, datex2.site_status, datex2.space_table, datex2.space_status)
_NS = {prefix: uri for prefix, uri in datex2.NAMESPACES.items() if prefix != "xsi"}


@pytest.fixture(scope="session")
def schema(schemas: Path) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(schemas / "datex2-v3.7" / "DATEXII_3_D2Payload.xsd"))


@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.__name__)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(city=CITIES)
def test_every_publication_is_valid(
    schema: etree.XMLSchema, publication: Callable[[City], bytes], city: City
) -> None:
    schema.assertValid(etree.fromstring(publication(city)))


def test_the_schema_refuses_what_it_should(schema: etree.XMLSchema) -> None:
    root = etree.fromstring(datex2.site_status(EVERY_KIND))
    root.append(etree.Element("nonsense"))
    assert not schema.validate(root)


def _statuses(publication: bytes) -> dict[str, list[etree._Element]]:
    found: dict[str, list[etree._Element]] = {}
    for one in etree.fromstring(publication).findall("prk:parkingStatusInformation", _NS):
        reference = one.find("fac:reference", _NS)
        assert reference is not None
        found.setdefault(str(reference.attrib["id"]), []).append(one)
    return found


def _text(element: etree._Element, path: str) -> str | None:
    return element.findtext(path, namespaces=_NS)


@settings(deadline=None)
@given(city=CITIES)
def test_a_site_has_its_number_exactly_when_it_may_be_shown(city: City) -> None:
    statuses = _statuses(datex2.site_status(city))
    for site in city.sites:
        now, *ahead = statuses[site.id]
        vacant = _text(now, "prk:occupancy/prk:numberOfVacantSpaces")
        assert vacant == (str(site.snapshot.vacant) if site.shown is Shown.LIVE else None)
        revision = _text(now, "fac:statusDescription/com:values/com:value")
        assert revision == f"revision {site.snapshot.revision}"
        assert bool(ahead) is (site.outlook is not None and site.shown is Shown.LIVE)


def test_each_state_of_a_site_has_its_words() -> None:
    statuses = _statuses(datex2.site_status(EVERY_KIND))
    told = {
        site.id.rpartition("-")[0]: (
            _text(statuses[site.id][0], "fac:openingStatus"),
            _text(statuses[site.id][0], "prk:status"),
            _text(statuses[site.id][0], "prk:parkingFault"),
        )
        for site in EVERY_KIND.sites
    }
    assert told["closed"] == ("closed", None, None)
    assert told["closure"] == ("temporarilyClosed", None, None)
    assert told["unknown"] == ("open", "unknown", "noParkingInformationAvailable")
    assert told["stale"] == ("statusUnknown", "unknown", "noParkingInformationAvailable")
    assert told["empty"] == ("open", None, None)
    assert told["full"] == ("open", "full", None)


@settings(deadline=None)
@given(city=CITIES)
def test_a_space_is_occupied_vacant_or_at_fault_and_withheld_ones_are_absent(city: City) -> None:
    statuses = _statuses(datex2.space_status(city))
    assert statuses.keys() - {datex2.ALL} == {
        datex2.space_id(site, facts.id) for site, facts, _ in city.bays()
    }
    for site, facts, now in city.bays():
        assert facts.category not in WITHHELD
        (status,) = statuses[datex2.space_id(site, facts.id)]
        known = now.state is not Occupancy.UNKNOWN and not site.stale
        assert (_text(status, "prk:parkingFault") is None) is known
        occupied = {Occupancy.OCCUPIED: "true", Occupancy.VACANT: "false"}.get(now.state) if known else None
        assert _text(status, "prk:occupied") == occupied


def test_the_forecast_is_a_chance_of_a_vacant_space_by_offset() -> None:
    statuses = _statuses(datex2.site_status(EVERY_KIND))
    site = next(site for site in EVERY_KIND.sites if site.outlook and site.shown is Shown.LIVE)
    _, *ahead = statuses[site.id]
    offsets = [_text(one, "prk:statusValidity/prk:statusTimeOffsetToOrigin") for one in ahead]
    assert offsets == ["900", "1800", "3600", "7200"]
    for one, offset in zip(ahead, map(int, filter(None, offsets)), strict=True):
        assert site.outlook is not None
        point = site.outlook.at(EVERY_KIND.as_of + timedelta(seconds=offset))
        assert point is not None
        assert _text(one, "prk:occupancy/prk:numberOfVacantSpacesHigherThan") == "0"
        chance = _text(one, "prk:occupancy/prk:probability/com:percentage")
        assert chance == str(round(100 * point.chance, 1))
