"""Keys and the audit log over real HTTP."""

from typing import Any

import pytest

from parking.access_keys import Scope
from parking.audit import Chain
from parking.db.audit import walk_log
from parking.db.connect import connect
from tests.integration.api.conftest import Api, shares_api
from tests.support.access import bearer, key_of
from tests.support.services import run_sync

SCOPES = (Scope.KEYS_WRITE, Scope.COUNTS_WRITE, Scope.AUDIT_READ)


async def whole(url: str) -> int:
    """How many rows the audit log has; it is whole."""
    chain = Chain()
    async with connect(url, name="test", autocommit=True) as connection, connection.transaction():
        async for entries in walk_log(connection):
            assert chain.walk(entries) is None
    return chain.last_id


@pytest.fixture
async def admin(city_url: str) -> dict[str, str]:
    """The header of one who may make keys for counting, and read the audit log."""
    return bearer(await key_of(city_url, *SCOPES, name="admin"))


@pytest.fixture(scope="module")
def shared_admin(shared_city_url: str) -> dict[str, str]:
    """The same, for wishes that are refused."""
    return bearer(run_sync(key_of(shared_city_url, *SCOPES, name="admin")))


async def test_the_life_of_a_key_over_http(api: Api, city_url: str, admin: dict[str, str]) -> None:
    client = api.client
    made = await client.post(
        "/v1/keys",
        json={"name": "Café", "scopes": ["counts:write"], "sites": ["street-0"], "expires_in_days": 30},
        headers=admin,
    )
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    body = made.json()
    assert (body["name"], body["scopes"], body["sites"]) == ("Café", ["counts:write"], ["street-0"])
    assert body["state"] == "valid"
    # The new key is known at once, and lacks the scope: 403, not 401.
    assert (await client.get("/v1/keys", headers=bearer(body["key"]))).status_code == 403

    wish = {"overlap_hours": 0, "expires_in_days": 60}
    rotated = await client.post(f"/v1/keys/{body['id']}/rotate", json=wish, headers=admin)
    assert (rotated.status_code, rotated.json()["expires_at"] > body["expires_at"]) == (200, True)
    assert (await client.get("/v1/keys", headers=bearer(body["key"]))).status_code == 401
    assert (await client.get("/v1/keys", headers=bearer(rotated.json()["key"]))).status_code == 403

    ended = await client.delete(f"/v1/keys/{body['id']}", headers=admin)
    assert (ended.status_code, ended.json()["state"]) == (200, "revoked")
    assert (await client.get("/v1/keys", headers=bearer(rotated.json()["key"]))).status_code == 401
    again = await client.post(f"/v1/keys/{body['id']}/rotate", headers=admin)
    assert (again.status_code, "revoked" in again.json()["detail"]) == (409, True)

    listed = await client.get("/v1/keys", headers=admin)
    assert [(key["name"], key["state"]) for key in listed.json()["keys"]] == [
        ("Café", "revoked"),
        ("admin", "valid"),
    ]
    one = await client.get(f"/v1/keys/{body['id']}", headers=admin)
    assert "key" not in one.json()
    for secret in (body["key"], rotated.json()["key"]):
        assert secret.rpartition("_")[2] not in listed.text + one.text
    assert await whole(city_url) == 4


async def test_nobody_gives_out_more_than_they_have(api: Api, city_url: str, admin: dict[str, str]) -> None:
    wish: dict[str, Any] = {"name": "more", "scopes": ["reports:read", "counts:write"]}
    refused = await api.client.post("/v1/keys", json=wish, headers=admin)
    assert (refused.status_code, "reports:read" in refused.json()["detail"]) == (403, True)
    other = await key_of(city_url, Scope.REPORTS_READ, name="reporter")
    assert (await api.client.post(f"/v1/keys/{other.id}/rotate", headers=admin)).status_code == 403
    bound = bearer(
        await key_of(city_url, Scope.KEYS_WRITE, Scope.COUNTS_WRITE, name="bound", sites=("street-0",))
    )
    wish = {"name": "elsewhere", "scopes": ["counts:write"]}
    for sites in (None, ["street-1"], ["street-0", "street-1"]):
        response = await api.client.post("/v1/keys", json={**wish, "sites": sites}, headers=bound)
        assert response.status_code == 403, sites
    here = await api.client.post("/v1/keys", json={**wish, "sites": ["street-0"]}, headers=bound)
    assert here.status_code == 201


@shares_api
@pytest.mark.parametrize(
    ("wish", "status", "told"),
    [
        ({"name": "x", "scopes": []}, 422, "body.scopes"),
        ({"name": "x", "scopes": ["all"]}, 422, "body.scopes.0"),
        ({"name": "", "scopes": ["counts:write"]}, 422, "name: must be"),
        ({"name": "a\u0000b", "scopes": ["counts:write"]}, 422, "name: must be"),
        ({"name": "x", "scopes": ["counts:write"], "sites": ["nowhere"]}, 422, "no site 'nowhere'"),
        ({"name": "x", "scopes": ["counts:write"], "sites": ["\u0000"]}, 422, "sites: an id has"),
        ({"name": "x", "scopes": ["counts:write"], "expires_in_days": 0}, 422, "body.expires_in_days"),
        ({"name": "x", "scopes": ["counts:write"], "role": "king"}, 422, "body.role"),
        ({"name": "admin", "scopes": ["counts:write"]}, 409, "'admin'"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_told_why(
    shared_api: Api,
    shared_city_url: str,
    shared_admin: dict[str, str],
    wish: dict[str, Any],
    status: int,
    told: str,
) -> None:
    response = await shared_api.client.post("/v1/keys", json=wish, headers=shared_admin)
    assert response.status_code == status, response.text
    assert told in response.json()["detail"]
    assert await whole(shared_city_url) == 1


async def test_an_id_that_there_is_not_is_404(api: Api, admin: dict[str, str]) -> None:
    for way in (
        api.client.get("/v1/keys/nope", headers=admin),
        api.client.delete("/v1/keys/a%00b", headers=admin),
        api.client.post("/v1/keys/nope/rotate", headers=admin),
    ):
        response = await way
        assert (response.status_code, response.json()["status"]) == (404, 404)


async def test_the_audit_log_is_read_page_by_page_and_filtered(api: Api, admin: dict[str, str]) -> None:
    for number in range(5):
        wish = {"name": f"key {number}", "scopes": ["counts:write"]}
        made = await api.client.post("/v1/keys", json=wish, headers=admin)
    last = made.json()["id"]
    await api.client.delete(f"/v1/keys/{last}", headers=admin)

    seen: list[int] = []
    cursor: str | None = None
    while True:
        asked: dict[str, str] = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await api.client.get("/v1/audit", params=asked, headers=admin)).json()
        assert len(page["entries"]) <= 3
        seen += [row["audit_id"] for row in page["entries"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]

    async def found(**asked: str) -> list[dict[str, Any]]:
        response = await api.client.get("/v1/audit", params=asked, headers=admin)
        assert response.status_code == 200, response.text
        rows: list[dict[str, Any]] = response.json()["entries"]
        return rows

    (revoked,) = await found(action="key.revoke")
    assert revoked["actor"].startswith("admin (key ")
    assert revoked["subject"] == f"key/{last}"
    assert (revoked["before"]["revoked_at"], revoked["after"]["revoked_at"] is not None) == (None, True)
    assert len(await found(subject=f"key/{last}")) == 2
    assert len(await found(actor="test")) == 1
    assert await found(actor="%") == []
    at = revoked["at"]
    assert [row["audit_id"] for row in await found(since=at)] == [7]
    assert [row["audit_id"] for row in await found(until=at)] == [6, 5, 4, 3, 2, 1]
    assert (await api.client.get("/v1/audit", params={"cursor": "x"}, headers=admin)).status_code == 422


async def test_the_audit_log_is_for_those_with_a_key_for_it(api: Api, city_url: str) -> None:
    assert (await api.client.get("/v1/audit")).status_code == 401
    other = bearer(await key_of(city_url, Scope.KEYS_WRITE))
    assert (await api.client.get("/v1/audit", headers=other)).status_code == 403
