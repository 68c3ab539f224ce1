"""Finding places by what people type."""

from pathlib import Path

import pytest

from parking.errors import SettingsError
from parking.gazetteer import Gazetteer, NamedPlace, load_places

PLACES = [
    NamedPlace("Central Library", 51.479, -3.177),
    NamedPlace("Library of the university", 51.49, -3.18),
    NamedPlace("Queen Street", 51.482, -3.174),
    NamedPlace("Queen Street station", 51.4819, -3.1705),
    NamedPlace("Tŷ Dewi Sant", 51.5, -3.19),
    NamedPlace("St David's Hall", 51.4795, -3.1776),
]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("queen street", ["Queen Street", "Queen Street station"]),
        ("QUEEN STREET STATION", ["Queen Street station"]),
        ("library", ["Library of the university", "Central Library"]),
        ("ty dewi", ["Tŷ Dewi Sant"]),
        ("st davids hall", ["St David's Hall"]),
        ("street queen", ["Queen Street", "Queen Street station"]),
        ("  ", []),
        ("nowhere", []),
        ("???", []),
    ],
)
def test_the_likeliest_comes_first(typed: str, found: list[str]) -> None:
    assert [place.name for place in Gazetteer(PLACES).find(typed)] == found


def test_degrees_are_a_place_too() -> None:
    (place,) = Gazetteer([]).find(" 51.48, -3.17 ")
    assert (place.lat, place.lon) == (51.48, -3.17)
    assert Gazetteer([]).find("95, 200") == []


def test_a_file_of_places(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("name,lat,lon,kind\nCentral Library,51.479,-3.177,library\n", encoding="utf-8-sig")
    assert load_places(file) == PLACES[:1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"place,lat,lon\n", "lacks the column name"),
        (b"name,lat,lon\nA,north,1\nB,2,3\n,1,2\nC,91,0\n", "line 2.*\n.*line 4.*empty\n.*line 5.*nowhere"),
        (b"name,lat,lon\n\xff,1,2\n", "not UTF-8"),
        (b"name,lat,lon\nA\n", "line 2"),
    ],
)
def test_a_bad_file_is_told_line_by_line(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "places.csv"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        load_places(file)
