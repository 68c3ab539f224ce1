"""Changes of the registry over HTTP: conditions, checks, the audit log, and keys that are bound to sites."""

from typing import Any

import httpx
import pytest

from parking.access_keys import Scope
from parking.db.connect import connect
from tests.integration.api.conftest import Api, shares_api
from tests.support.access import bearer, key_of
from tests.support.polling import until
from tests.support.services import run_sync

PATCH = {"Content-Type": "application/merge-patch+json"}


class Registry:
    """What a caller with a key does to it; each change knows the state that it changes."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/v1/registry/{path}", headers=self.headers)

    async def _known(self, path: str) -> dict[str, str]:
        etag = (await self.get(path)).headers.get("etag")
        return self.headers | ({} if etag is None else {"If-Match": etag})

    async def put(self, path: str, document: dict[str, Any]) -> httpx.Response:
        headers = await self._known(path)
        return await self.client.put(f"/v1/registry/{path}", headers=headers, json=document)

    async def patch(self, path: str, patch: Any) -> httpx.Response:
        headers = await self._known(path) | PATCH
        return await self.client.patch(f"/v1/registry/{path}", headers=headers, json=patch)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(f"/v1/registry/{path}", headers=await self._known(path))


@pytest.fixture
async def registry(api: Api, city_url: str) -> Registry:
    return Registry(api.client, bearer(await key_of(city_url, Scope.REGISTRY_WRITE)))


@pytest.fixture(scope="module")
def shared_registry(shared_api: Api, shared_city_url: str) -> Registry:
    """For those who change nothing."""
    key = run_sync(key_of(shared_city_url, Scope.REGISTRY_WRITE))
    return Registry(shared_api.client, bearer(key))


async def changes(url: str) -> list[tuple[str, str, Any, Any]]:
    """The registry's rows of the audit log, the oldest first."""
    async with connect(url, name="test") as connection:
        cursor = await connection.execute(
            "SELECT action, subject, before, after FROM audit_log"
            " WHERE starts_with(action, 'registry.') ORDER BY audit_id"
        )
        return await cursor.fetchall()


async def test_a_change_needs_to_know_what_it_changes(api: Api, registry: Registry) -> None:
    path = "/v1/registry/bays/street-0-1"
    patch = {"category": "disabled"}
    missing = await api.client.patch(path, headers=registry.headers | PATCH, json=patch)
    assert missing.status_code == 428
    stale = {"If-Match": '"0123456789abcdef01234567"'}
    refused = await api.client.patch(path, headers=registry.headers | PATCH | stale, json=patch)
    assert refused.status_code == 412
    assert (
        refused.headers["etag"]
        == missing.headers["etag"]
        == (await registry.get("bays/street-0-1")).headers["etag"]
    )
    done = await registry.patch("bays/street-0-1", patch)
    assert (done.status_code, done.json()["category"]) == (200, "disabled")
    assert (
        done.headers["etag"]
        == (await registry.get("bays/street-0-1")).headers["etag"]
        != missing.headers["etag"]
    )
    once = await api.client.put(
        path, headers=registry.headers | {"If-None-Match": "*"}, json={"site": "street-0"}
    )
    assert once.status_code == 412
    wrong = await api.client.put(path, headers=registry.headers, content=b"{}")
    assert wrong.status_code == 415


async def test_the_life_of_each_kind_of_thing(api: Api, registry: Registry, city_url: str) -> None:
    site = {"name": "New", "kind": "on_street", "counting": "bays", "opening_hours": "Mo-Sa 08:00-18:00"}
    made = await registry.put("sites/new", site)
    assert made.status_code == 201, made.text
    assert (await registry.put("bays/new-1", {"site": "new", "sensor": {"id": "n-1"}})).status_code == 201
    assert (await registry.put("devices/n-2", {"codec": "bosch-tps110"})).status_code == 201
    assert (
        await registry.put("signs/vms-new", {"site": "new", "sites": ["street-0", "new"]})
    ).status_code == 201
    gate = {"site": "castle-mews", "direction": "in", "time": "camera"}
    assert (await registry.put("gates/cm-in-2", gate)).status_code == 201
    assert (await registry.get("gates/cm-in-2")).json() == {"camera": "cm-in-2", **gate}
    await until(lambda: "new" in api.parts.view.sites, what="the live view has it")
    assert (await api.client.get("/v1/sites/new")).json()["capacity"] == 1

    changed = await registry.patch("sites/new", {"opening_hours": None, "tariff": {"per_hour": 2.5}})
    assert changed.status_code == 200
    assert changed.json() == {
        **{"id": "new", "name": "New", "kind": "on_street", "counting": "bays", "timezone": "Europe/London"},
        "tariff": {"per_hour": 2.5},
    }
    # A device is swapped: the one that was there goes to the store room first.
    taken = await registry.patch("devices/n-2", {"bay": "new-1"})
    assert (taken.status_code, "'n-1'" in taken.json()["detail"]) == (409, True)
    assert (await registry.patch("devices/n-1", {"bay": None})).json() == {
        "id": "n-1", "codec": "parking-v1", "bay": None
    }  # fmt: skip
    assert (await registry.patch("devices/n-2", {"bay": "new-1"})).status_code == 200
    assert (await registry.get("bays/new-1")).json()["sensor"] == {"id": "n-2", "codec": "bosch-tps110"}
    assert (await registry.delete("devices/n-1")).status_code == 204
    assert (await registry.get("devices/n-1")).status_code == 404

    told = await registry.put("signs/vms-0", {"site": "street-0", "sites": ["new"]})
    assert told.status_code == 200
    refused = await registry.delete("sites/new")
    assert (refused.status_code, "vms-0" in refused.json()["detail"]) == (409, True)
    assert (await registry.delete("signs/vms-0")).status_code == 204
    assert (await registry.delete("gates/cm-in-2")).status_code == 204
    assert (await registry.delete("sites/new")).status_code == 204
    for path in ("sites/new", "bays/new-1", "signs/vms-new", "gates/cm-in-2"):
        assert (await registry.get(path)).status_code == 404, path
    assert (await registry.get("devices/n-2")).json()["bay"] is None
    await until(lambda: "new" not in api.parts.view.sites, what="the live view has let it go")
    # The same id comes back with its history.
    assert (await registry.put("sites/new", site)).status_code == 201

    log = await changes(city_url)
    assert log[0][:2] == ("registry.create", "site/new")
    assert log[-2][:2] == ("registry.remove", "site/new")
    assert next(row for row in log if row[:2] == ("registry.change", "device/n-1"))[2]["bay"] == "new-1"


async def test_a_bay_moves_to_another_site_and_takes_its_sensor_along(registry: Registry) -> None:
    moved = await registry.patch("bays/street-0-1", {"site": "street-1", "max_stay_min": 30})
    assert moved.status_code == 200, moved.text
    listed = await registry.get("bays?site=street-1")
    assert "street-0-1" in [bay["id"] for bay in listed.json()["bays"]]
    assert (await registry.get("bays/street-0-1")).json()["sensor"]["id"] == "sensor-0-1"
    assert (await registry.get("devices/sensor-0-1")).json()["bay"] == "street-0-1"


async def test_a_patch_that_changes_nothing_leaves_no_trace(registry: Registry, city_url: str) -> None:
    same = await registry.patch("bays/street-0-1", {"category": "standard"})
    assert same.status_code == 200
    assert await changes(city_url) == []


@shares_api
@pytest.mark.parametrize(
    ("path", "patch", "field", "value", "rule"),
    [
        ("bays/street-0-1", {"category": "Disabled!"}, "category", "Disabled!", "pattern"),
        ("bays/street-0-1", {"location": {"lat": 91}}, "location.lat", "91", "less than or equal to 90"),
        ("bays/street-0-1", {"colour": "red"}, "colour", "red", "not permitted"),
        ("bays/street-0-1", {"site": "nowhere"}, "site", "nowhere", "no site"),
        ("bays/street-0-1", {"site": "castle-mews"}, "sites[1]", "", "has no bays"),
        ("bays/street-0-1", {"id": "other"}, "id", "other", "of the address"),
        ("bays/street-0-1", {"sensor": {"codec": "acme"}}, "sensor.codec", "acme", "not a codec"),
        ("bays/street-0-1", [], "body", "", "JSON object"),
        ("sites/street-0", {"bays": []}, "bays", "", "address of its own"),
        ("sites/street-0", {"capacity": 9}, "file", "", "not the number of bays"),
        ("sites/street-0", {"opening_hours": "Mo-Zz"}, "file", "", "opening_hours 'Mo-Zz'"),
        ("sites/castle-mews", {"initial_count": 11}, "initial_count", "11", "correct the count"),
        ("signs/vms-0", {"sites": ["nowhere"]}, "file", "", "'nowhere'"),
        ("devices/sensor-0-1", {"bay": "nowhere"}, "bay", "nowhere", "no bay"),
        ("gates/cm-in", {"direction": "up"}, "direction", "up", "'in' or 'out'"),
    ],
)
async def test_what_cannot_be_is_told_field_value_rule(
    shared_registry: Registry,
    shared_city_url: str,
    path: str,
    patch: Any,
    field: str,
    value: str,
    rule: str,
) -> None:
    answer = await shared_registry.patch(path, patch)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert error["value"] == value
    assert rule in error["rule"]
    assert await changes(shared_city_url) == []


@shares_api
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}'])
async def test_a_hostile_body_is_refused_in_words(shared_registry: Registry, body: bytes) -> None:
    headers = shared_registry.headers | PATCH | {"If-Match": "*"}
    answer = await shared_registry.client.patch("/v1/registry/bays/street-0-1", headers=headers, content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"]


async def test_a_key_that_is_bound_to_sites_changes_only_these(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="street", sites=("street-1",)))
    bound = Registry(api.client, key)
    assert (await bound.patch("bays/street-1-1", {"category": "loading"})).status_code == 200
    anything = bound.headers | {"If-Match": "*"}
    for path in ("bays/street-0-1", "sites/street-0", "signs/vms-0", "devices/sensor-0-1", "gates/cm-in"):
        answer = await api.client.delete(f"/v1/registry/{path}", headers=anything)
        assert answer.status_code == 403, path
    for path, patch in (
        ("bays/street-1-1", {"site": "street-0"}),
        ("signs/vms-1", {"sites": ["street-0"]}),
        ("devices/sensor-1-1", {"bay": None}),
    ):
        assert (await bound.patch(path, patch)).status_code == 403, path
    assert (
        await bound.put("sites/more", {"name": "M", "kind": "on_street", "counting": "bays"})
    ).status_code == 403
    taking = await bound.put("bays/street-1-9", {"site": "street-1", "sensor": {"id": "sensor-0-0"}})
    assert taking.status_code == 409
    assert [row[1] for row in await changes(city_url)] == ["bay/street-1-1"]
