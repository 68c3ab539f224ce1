"""Whole files over HTTP: every bad line is told, all or nothing, a dry run changes nothing."""

import json
from typing import Any

import httpx
import pytest

from api.edge import MOST_IMPORT
from parking.access_keys import Scope
from parking.db.connect import connect
from tests.integration.api.conftest import Api, shares_api
from tests.support.access import bearer, key_of
from tests.support.polling import until
from tests.support.services import run_sync

PATH = "/v1/registry/import"
CSV = {"Content-Type": "text/csv"}
GEOJSON = {"Content-Type": "application/geo+json"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def key(city_url: str) -> dict[str, str]:
    return bearer(await key_of(city_url, Scope.REGISTRY_WRITE))


async def exported(api: Api, key: dict[str, str]) -> Any:
    return (await api.client.get("/v1/registry/export", headers=key)).json()


@pytest.fixture(scope="module")
def shared_key(shared_city_url: str) -> dict[str, str]:
    return bearer(run_sync(key_of(shared_city_url, Scope.REGISTRY_WRITE)))


def told(answer: httpx.Response) -> list[tuple[int, str, str]]:
    """Each error's line, field and value."""
    assert answer.status_code == 422, answer.text
    assert all(error["rule"] for error in answer.json()["errors"])
    return [(error["line"], error["field"], error["value"]) for error in answer.json()["errors"]]


async def test_rows_change_what_they_name_and_a_dry_run_says_what(
    api: Api, city_url: str, key: dict[str, str]
) -> None:
    before = await exported(api, key)
    rows = (
        "site;bay;category;lon;lat;sensor;max_stay_min\r\n"
        "street-0;street-0-1;disabled;-3.2;51.5;;\r\n"
        "street-0;new-1;;;;n-1;60\r\n"
    )
    dry = await api.client.post(PATH, headers=key | CSV, params={"dry_run": True}, content=rows)
    assert dry.status_code == 200, dry.text
    report = dry.json()
    assert (report["dry_run"], report["added"], report["changed"], report["removed"]) == (
        True, {"bays": 1}, {"bays": 1}, {},
    )  # fmt: skip
    assert await exported(api, key) == before

    done = await api.client.post(PATH, headers=key | CSV, content=rows)
    assert {**done.json(), "dry_run": True} == report
    bay = await api.client.get("/v1/registry/bays/street-0-1", headers=key)
    assert bay.json() == {
        **{"id": "street-0-1", "site": "street-0", "category": "disabled"},
        "location": {"lon": -3.2, "lat": 51.5},
    }
    await until(lambda: api.parts.view.sites["street-0"].snapshot.capacity == 5, what="the new bay is there")
    again = await api.client.post(PATH, headers=key | CSV, content=rows)
    assert again.json()["changes"] == []
    replaced = await api.client.post(PATH, headers=key | CSV, params={"replace": True}, content=rows)
    assert replaced.json()["removed"] == {"bays": 3}
    async with connect(city_url, name="test") as connection:
        cursor = await connection.execute(
            "SELECT after FROM audit_log WHERE action = 'registry.import' ORDER BY audit_id"
        )
        log = [after for (after,) in await cursor.fetchall()]
    assert [(row["created"], row["retired"]) for row in log] == [({"bays": 1}, {}), ({}, {"bays": 3})]
    assert log[0]["changes"][0]["after"]["max_stay_min"] == 60


async def test_every_bad_line_of_a_csv_is_told_and_nothing_is_loaded(api: Api, key: dict[str, str]) -> None:
    before = await exported(api, key)
    rows = (
        "site,bay,category,lat,lon,sensor\n"
        "street-0,ok-1,standard,51,-3,\n"
        "street-0,bad-1,Standard!,51,-3,\n"
        "street-0,bad-2,standard,99,abc,\n"
        "nowhere,bad-3,standard,51,-3,\n"
        "street-0,ok-1,standard,51,-3,\n"
        ",bad-4,standard,51,-3,\n"
        "street-0,bad-5,standard,51,-3,,,\n"
        "street-0,bad-6,standard,51,-3,sensor-0-0\n"
        "castle-mews,bad-7,standard,51,-3,\n"
    )
    answer = await api.client.post(PATH, headers=key | CSV, content=rows)
    assert told(answer) == [
        (3, "category", "Standard!"),
        (4, "location.lon", "abc"),
        (4, "location.lat", "99"),
        (5, "site", "nowhere"),
        (6, "bay", "ok-1"),
        (7, "site", ""),
        (8, "row", ""),
    ]
    assert await exported(api, key) == before
    head, *lines = rows.splitlines()
    twice = await api.client.post(PATH, headers=key | CSV, content=f"{head}\n{lines[7]}")
    assert "sensor-0-0" in twice.text
    assert twice.status_code == 422
    gates = await api.client.post(PATH, headers=key | CSV, content=f"{head}\n{lines[8]}")
    assert "has no bays" in gates.text
    header = await api.client.post(PATH, headers=key | CSV, content="site,bay,catgory\nstreet-0,a,b\n")
    assert told(header) == [(1, "catgory", "")]
    skipped = await api.client.post(
        PATH, headers=key | CSV, params={"skip": "catgory"}, content="site,bay,catgory\nstreet-0,a,b\n"
    )
    assert skipped.status_code == 200


async def test_sites_and_bays_come_as_geojson(api: Api, key: dict[str, str]) -> None:
    area = {"type": "Polygon", "coordinates": [[[-3, 51], [-3, 52], [-2, 52], [-2, 51], [-3, 51]]]}
    site = {"site": "square", "name": "Square", "kind": "on_street", "counting": "bays", "per_hour": 2}
    features: list[Any] = [
        {"type": "Feature", "geometry": area, "properties": site},
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-2.5, 51.5]},
            "properties": {"site": "square", "bay": "square-1", "category": "electric"},
        },
    ]
    file = {"type": "FeatureCollection", "features": features}
    done = await api.client.post(PATH, headers=key | GEOJSON, content=json.dumps(file, indent=1))
    assert done.json()["added"] == {"sites": 1, "bays": 1}
    made = (await api.client.get("/v1/registry/sites/square", headers=key)).json()
    assert (made["location"], made["tariff"]) == ({"lon": -2.5, "lat": 51.5}, {"per_hour": 2.0})

    features[0]["geometry"] = {"type": "Point", "coordinates": [318000, 176000]}
    features.insert(1, "x")
    grid = await api.client.post(PATH, headers=key | GEOJSON, content=json.dumps(file, indent=1))
    assert [field for _, field, _ in told(grid)] == ["geometry", "feature"]
    assert "national grid" in grid.text
    lines = json.dumps(file, indent=1).splitlines()
    assert [lines[line - 1].strip() for line, _, _ in told(grid)] == ["{", '"x",']
    bng = {**file, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}}
    assert told(await api.client.post(PATH, headers=key | GEOJSON, content=json.dumps(bng)))[0][1] == "crs"


async def test_an_export_of_one_imports_into_another(api: Api, key: dict[str, str]) -> None:
    document = await exported(api, key)
    same = await api.client.post(PATH, headers=key | JSON, content=json.dumps(document))
    assert (same.status_code, same.json()["changes"]) == (200, [])
    document["sites"][0]["capacity"] = 120
    document["sites"][1]["bays"].pop()
    done = await api.client.post(PATH, headers=key | JSON, content=json.dumps(document))
    assert (done.json()["changed"], done.json()["removed"]) == ({"sites": 1}, {"bays": 1})
    assert await exported(api, key) == document
    document["sites"][1]["counting"] = "gates"
    document["sites"][1] |= {"capacity": 4, "bays": []}
    other = await api.client.post(PATH, headers=key | JSON, content=json.dumps(document))
    assert [field for _, field, _ in told(other)] == ["counting (street-0)"]


@shares_api
@pytest.mark.parametrize(
    ("kind", "body"),
    [(JSON, b"{"), (JSON, b"[]"), (JSON, b"[" * 100_000), (JSON, b'{"sites": 3}'), (JSON, b""), (CSV, b""),
     (GEOJSON, b"{}"), (GEOJSON, b"\xff"), (CSV, b'site,bay\n"a\n'), (CSV, b"site,bay\n\x00,b\n")],
)  # fmt: skip
async def test_a_hostile_file_is_refused_in_words(
    shared_api: Api, shared_key: dict[str, str], kind: dict[str, str], body: bytes
) -> None:
    answer = await shared_api.client.post(PATH, headers=shared_key | kind, content=body)
    assert told(answer)


async def test_what_is_too_long_or_of_no_known_kind_is_refused(api: Api, key: dict[str, str]) -> None:
    long = await api.client.post(PATH, headers=key | CSV, content=b"x" * (MOST_IMPORT + 1))
    assert long.status_code == 413
    kind = await api.client.post(PATH, headers=key | {"Content-Type": "application/zip"}, content=b"x")
    assert (kind.status_code, "text/csv" in kind.json()["detail"]) == (415, True)


async def test_a_key_that_is_bound_to_sites_imports_only_these(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="bound", sites=("street-1",)))
    for row in ("street-0,new,", "street-1,street-0-1,", "street-1,new,sensor-0-0"):
        answer = await api.client.post(PATH, headers=key | CSV, content=f"site,bay,sensor\n{row}\n")
        assert (answer.status_code, "street-0" in answer.json()["detail"]) == (409, True), row
    here = await api.client.post(PATH, headers=key | CSV, content="site,bay\nstreet-1,new\n")
    assert here.status_code == 200
