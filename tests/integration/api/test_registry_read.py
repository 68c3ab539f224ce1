"""The registry as it is read over HTTP."""

import json

from parking.access_keys import Scope
from parking.registry_documents import registry_document
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.city import small_registry


async def test_each_thing_is_listed_and_given_with_its_etag(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await api.client.get("/v1/registry/bays", params={"limit": 3, "cursor": cursor}, headers=key)
        seen += [bay["id"] for bay in answer.json()["bays"]]
        if (cursor := answer.json()["next"]) is None:
            break
    assert seen == [f"street-{site}-{bay}" for site in range(2) for bay in range(4)]
    for path in ("sites/castle-mews", "bays/street-0-1", "devices/sensor-1-2", "gates/cm-in", "signs/vms-0"):
        first = await api.client.get(f"/v1/registry/{path}", headers=key)
        assert first.status_code == 200, path
        assert path.split("/")[1] in (first.json().get("id"), first.json().get("camera"))
        again = await api.client.get(
            f"/v1/registry/{path}", headers={**key, "If-None-Match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    device = await api.client.get("/v1/registry/devices/sensor-1-2", headers=key)
    assert device.json() == {"id": "sensor-1-2", "codec": "parking-v1", "bay": "street-1-2"}
    nowhere = await api.client.get("/v1/registry/bays/nowhere", headers=key)
    assert (nowhere.status_code, "'nowhere'" in nowhere.json()["detail"]) == (404, True)


async def test_the_export_is_a_registry_file(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    answer = await api.client.get("/v1/registry/export", headers=key)
    assert answer.status_code == 200
    assert json.loads(answer.content) == registry_document(small_registry(bays=4, sites=2))


async def test_a_key_that_is_bound_to_sites_sees_only_these(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, sites=("street-1",)))
    for kind, count in (("sites", 1), ("bays", 4), ("devices", 4), ("gates", 0), ("signs", 1)):
        answer = await api.client.get(f"/v1/registry/{kind}", headers=key)
        assert len(answer.json()[kind]) == count, kind
    exported = await api.client.get("/v1/registry/export", headers=key)
    assert [site["id"] for site in exported.json()["sites"]] == ["street-1"]
    for path in ("bays/street-0-1", "bays?site=street-0", "sites/street-0", "devices/sensor-0-0"):
        assert (await api.client.get(f"/v1/registry/{path}", headers=key)).status_code == 403, path


async def test_the_registry_is_for_those_who_keep_it(api: Api, city_url: str) -> None:
    other = bearer(await key_of(city_url, Scope.REPORTS_READ, name="other"))
    for path in ("sites", "bays/street-0-1", "export"):
        assert (await api.client.get(f"/v1/registry/{path}")).status_code == 401
        assert (await api.client.get(f"/v1/registry/{path}", headers=other)).status_code == 403
