"""The forms of the registry: they have every member, and say what is there so that it can be typed again."""

from typing import Any

import pytest
from hypothesis import given

from api.pages.staff.registry.install import SHELVES
from api.pages.staff.registry.shelf import Shelf
from parking.errors import Fault, RegistryError
from parking.registry import Registry
from parking.registry_documents import flat, registry_document
from parking.registry_things import KINDS, merged
from tests.support.registries import registries

SHELF_OF = {shelf.kind.name: shelf for shelf in SHELVES}


def members(schema: dict[str, Any], definitions: dict[str, Any], before: str = "") -> set[str]:
    """The path of each member of a JSON Schema; what stands in a list or a table is one member."""
    found = set()
    for name, each in schema["properties"].items():
        options = [each, *each.get("anyOf", ())]
        named = [option["$ref"] for option in options if "$ref" in option]
        inner = definitions.get(named[0]) if named else None
        if inner and "properties" in inner:
            found |= members(inner, definitions, f"{before}{name}.")
        else:
            found.add(before + name)
    return found


@pytest.mark.parametrize("shelf", SHELVES, ids=lambda shelf: shelf.kind.name)
def test_every_member_is_on_the_form(shelf: Shelf) -> None:
    schema, definitions = shelf.kind.schema("{model}")
    on_form = {field.path for part in shelf.sheet.parts for field in part.fields}
    left = {"counting"} if shelf.kind.name == "sites" else set()
    assert on_form == members(schema, definitions) - left


@given(registries())
def test_what_a_form_says_makes_the_same_thing(registry: Registry) -> None:
    sites = registry_document(registry)["sites"]
    for kind, _, told in flat(sites):
        document = {name: value for name, value in told.items() if value != {}}  # an object that says nothing
        shelf = SHELF_OF[kind]
        base = {"counting": document["counting"]} if kind == "sites" else {}
        typed = shelf.sheet.values({**base, **document}, new=True)
        made = merged(base, shelf.sheet.patch(shelf.kind.one, base, typed, new=True))
        of = next(site for site in sites if site["id"] == document.get("site", document.get("id")))
        assert shelf.kind.checked(made, of=of) == shelf.kind.checked(document, of=of)
        assert shelf.sheet.patch(shelf.kind.one, document, typed, new=True) == {}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("entrances[1].lon", "999.0", "Input should be less than or equal to 180"), "entrances"),
        (Fault("tariff.per_hour", "-1.0", "Input should be greater than or equal to 0"), "tariff.per_hour"),
        (Fault("file", None, "opening_hours 'x': not opening hours"), "opening_hours"),
        (Fault("file", None, "a site counted at its gates needs a capacity"), "capacity"),
        (Fault("file", None, "something else"), ""),
    ],
)
def test_a_fault_leads_to_its_field(fault: Fault, told: str) -> None:
    sheet = SHELF_OF["sites"].sheet
    ((path, text),) = sheet.problems(RegistryError(faults=(fault,)), {"counting": "gates"}, new=False)
    assert path == told
    assert "Input" not in text


def test_an_object_whose_fields_are_emptied_goes() -> None:
    sheet = SHELF_OF["bays"].sheet
    bay = {"id": "b", "site": "s", "category": "standard", "location": {"lon": 1.0, "lat": 2.0}}
    bay |= {"sensor": {"id": "d", "codec": "bosch-tps110", "heartbeat_s": 60}}
    typed = sheet.values(bay, new=False) | {"location.lat": "", "location.lon": "", "sensor.id": ""}
    assert sheet.patch("bay", bay, typed, new=False) == {"location": None, "sensor": None}
    assert KINDS["bays"].checked(merged(bay, {"location": None, "sensor": None})) == {
        "id": "b",
        "site": "s",
        "category": "standard",
    }
