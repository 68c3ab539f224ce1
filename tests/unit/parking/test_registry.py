"""The registry file: each fault is named with its place, its value and the rule; nothing makes it crash."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.clock import CameraClock, TimeFrom
from parking.errors import RegistryError
from parking.registry import (
    MAX_PROBLEMS,
    Registry,
    camera_clocks,
    json_schema,
    load_registry,
    parse_registry,
)

Document = dict[str, Any]


def good() -> Document:
    """The registry file of the design."""
    return {
        "sites": [
            {
                "id": "queen-street",
                "name": "Queen Street",
                "kind": "on_street",
                "counting": "bays",
                "timezone": "Europe/London",
                "location": {"lon": -3.176, "lat": 51.482},
                "bays": [
                    {
                        "id": "queen-street-001",
                        "category": "standard",
                        "location": {"lon": -3.176, "lat": 51.482},
                        "sensor": {"id": "a84041000181c061", "codec": "bosch-tps110"},
                    },
                    {"id": "queen-street-002", "sensor": {"id": "s-2", "heartbeat_s": 60}},
                ],
                "signs": [{"id": "vms-12", "sites": ["queen-street", "castle-mews"]}],
            },
            {
                "id": "castle-mews",
                "name": "Castle Mews",
                "kind": "off_street",
                "counting": "gates",
                "capacity": 380,
                "gates": [
                    {"camera": "cm-in-1", "direction": "in"},
                    {"camera": "cm-out-1", "direction": "out"},
                ],
            },
        ]
    }


def problems(document: Any) -> list[str]:
    """What is wrong with a document, line by line."""
    with pytest.raises(RegistryError) as caught:
        parse_registry(document, source="city.json")
    assert "city.json" in caught.value.message
    assert "nothing was loaded" in caught.value.message
    return list(caught.value.problems)


def test_the_file_of_the_design_is_good() -> None:
    registry = parse_registry(good(), source="design")
    assert [site.id for site in registry.sites] == ["queen-street", "castle-mews"]
    assert registry.sites[0].bays[1].sensor is not None
    assert registry.sites[0].bays[1].sensor.codec == "parking-v1"


def test_a_gate_may_say_how_far_to_trust_its_cameras_clock() -> None:
    document = good()
    document["sites"][1]["gates"][0] |= {"time": "arrival", "timezone": "Europe/Berlin"}
    assert camera_clocks(parse_registry(document, source="here")) == {
        "cm-in-1": CameraClock(TimeFrom.ARRIVAL, ZoneInfo("Europe/Berlin")),
        "cm-out-1": CameraClock(TimeFrom.AUTO, ZoneInfo("Europe/London")),
    }
    document["sites"][1]["gates"][0]["timezone"] = "Cardiff"
    (problem,) = problems(document)
    assert "gates[0].timezone" in problem
    assert "'Cardiff'" in problem


def _street(document: Document) -> Document:
    street: Document = document["sites"][0]
    return street


def _bay(document: Document) -> Document:
    bay: Document = _street(document)["bays"][0]
    return bay


Spoil = Callable[[Document], object]
FAULTS: dict[str, tuple[Spoil, list[str]]] = {
    "opening hours": (
        lambda d: d["sites"][1].update(opening_hours="Mo-Fr 8 till late"),
        ["sites[1]", "castle-mews", "opening_hours", "'Mo-Fr 8 till late'", "at character"],
    ),
    "more marked spaces than there are": (
        lambda d: d["sites"][1].update(spaces={"standard": 375, "disabled": 6}),
        ["castle-mews", "spaces", "381", "capacity 380"],
    ),
    "marked spaces beside bays": (
        lambda d: d["sites"][0].update(spaces={"disabled": 1}),
        ["queen-street", "spaces", "gates"],
    ),
    "latitude": (
        lambda d: _bay(d)["location"].update(lat=514.82),
        ["sites[0].bays[0].location.lat", "queen-street-001", "514.82", "90"],
    ),
    "wrong type": (
        lambda d: _bay(d).update(location="51.482"),
        ["sites[0].bays[0].location", "51.482", "Location"],
    ),
    "not a number": (lambda d: _bay(d)["location"].update(lon="west"), ["location.lon", "west", "number"]),
    "codec": (
        lambda d: _bay(d)["sensor"].update(codec="bosh-tps110"),
        ["sites[0].bays[0].sensor.codec", "bosh-tps110", "bosch-tps110"],
    ),
    "misspelt field": (
        lambda d: _bay(d).update(catgory="blue"),
        ["bays[0].catgory", "blue", "not permitted"],
    ),
    "missing field": (lambda d: _street(d).pop("name"), ["sites[0].name", "queen-street", "required"]),
    "duplicate bay": (
        lambda d: _street(d)["bays"].append({"id": "queen-street-001"}),
        ["bay id", "used twice"],
    ),
    "duplicate sensor in another case": (
        lambda d: _street(d)["bays"].append({"id": "q3", "sensor": {"id": "A84041000181C061"}}),
        ["sensor id 'a84041000181c061' is used twice"],
    ),
    "duplicate site": (
        lambda d: d["sites"].append({**d["sites"][1], "gates": []}),
        ["site id 'castle-mews'"],
    ),
    "unknown site of a sign": (
        lambda d: _street(d)["signs"][0].update(sites=["king-street"]),
        ["sign 'vms-12'", "'king-street'", "not in the file"],
    ),
    "time zone": (
        lambda d: _street(d).update(timezone="Europe/Cardiff"),
        ["timezone", "Europe/Cardiff", "IANA"],
    ),
    "counting": (lambda d: _street(d).update(counting="cameras"), ["counting", "cameras", "bays"]),
    "direction": (
        lambda d: d["sites"][1]["gates"][0].update(direction="up"),
        ["sites[1].gates[0].direction", "castle-mews", "up", "in"],
    ),
    "id with a slash": (lambda d: _bay(d).update(id="a/b"), ["bays[0].id", "a/b", "pattern"]),
    "capacity of a street": (lambda d: _street(d).update(capacity=7), ["capacity 7", "number of bays, 2"]),
    "no capacity": (lambda d: d["sites"][1].pop("capacity"), ["castle-mews", "needs a capacity"]),
    "gates and bays": (lambda d: d["sites"][1].update(bays=[{"id": "b"}]), ["castle-mews", "no bays"]),
    "more inside than fit": (lambda d: d["sites"][1].update(initial_count=381), ["381", "380"]),
    "heartbeat": (lambda d: _bay(d)["sensor"].update(heartbeat_s=0), ["heartbeat_s", "0", "greater"]),
    "huge count": (lambda d: _street(d).update(initial_count=10**12), ["initial_count", "1000000"]),
    "name that no database holds": (lambda d: _street(d).update(name="Queen\0Street"), ["name", "printed"]),
    "name that is no text": (lambda d: _street(d).update(name="\ud800"), ["sites[0].name"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_place_its_value_and_the_rule(name: str) -> None:
    spoil, told = FAULTS[name]
    document = good()
    spoil(document)
    (problem,) = problems(document)
    assert [words for words in told if words not in problem] == [], problem


def test_every_fault_is_told_at_once_but_not_without_end() -> None:
    document = good()
    _bay(document)["location"]["lat"] = 91
    document["sites"][1]["capacity"] = "many"
    assert len(problems(document)) == 2
    document["sites"] = [{"id": f"s{number}"} for number in range(100)]
    assert len(problems(document)) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"sites": [\n {"id": "a",}\n]}', "line 2"),
        (b'{"sites": [] ', "line 1"),
        (b'{"sites": "\xff\xfe"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"sites": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "problem"),
        (b"null", "problem"),
        (b'{"sites": {}}', "problem"),
    ],
)
def test_a_file_that_is_no_registry_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "city.json"
    path.write_bytes(content)
    with pytest.raises(RegistryError, match=told) as caught:
        load_registry(path)
    assert str(path) in caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="No such file"):
        load_registry(tmp_path / "nothing.json")


KEYS = ["sites", "bays", "id", "name", "kind", "counting", "gates", "signs", "sensor", "location", "lat", "x"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["bays", "gates", "on_street", "castle-mews", "queen-street-001"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


def _set(document: Any, path: list[int], value: Any) -> Any:
    """The document with another value at a place that `path` finds."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    keys = list(document) if isinstance(document, dict) else range(len(document))
    key = keys[path[0] % len(document)]
    document[key] = _set(document[key], path[1:], value)
    return document


def _refusal(document: Any) -> RegistryError | None:
    try:
        assert isinstance(parse_registry(document, source="random"), Registry)
    except RegistryError as error:
        return error
    return None


@given(path=st.lists(st.integers(0, 9), max_size=6), value=VALUES)
def test_no_json_makes_it_crash(path: list[int], value: Any) -> None:
    refusal = _refusal(_set(good(), path, value))
    if refusal is not None:
        assert refusal.problems
        assert [problem for problem in refusal.problems if "\n" in problem] == []


def test_a_good_file_fits_the_json_schema_and_a_bad_one_does_not() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    document = json.loads(json.dumps(good()))
    assert list(validator.iter_errors(document)) == []
    del document["sites"][0]["id"]
    assert len(list(validator.iter_errors(document))) == 1
