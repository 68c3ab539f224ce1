"""Keys over real HTTP, from a real database: who is let in, who is not, and why."""

import asyncio
import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends

from api.access import Caller, needs
from parking.access_keys import Scope, new_key
from parking.db.access_keys import list_keys, revoke_key, rotate_key
from parking.db.connect import connect
from parking.db.key_ring import KEPT_S
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.databases import outage
from tests.support.polling import until
from tests.support.services import Services

Counter = Annotated[Caller, Depends(needs(Scope.COUNTS_WRITE))]
Camera = Annotated[Caller, Depends(needs(Scope.CAMERAS_PUSH))]


@pytest.fixture
async def guarded(api: Api) -> Api:
    """The API with guarded routes of this test's own."""

    @api.app.get("/guarded")
    async def guarded(caller: Counter) -> dict[str, Any]:
        return {"name": caller.name, "scopes": sorted(caller.scopes)}

    @api.app.get("/guarded/{site}")
    async def at_site(site: str, caller: Counter) -> str:
        caller.require_site(site)
        return site

    @api.app.get("/camera")
    async def camera(caller: Camera) -> str:
        return caller.name

    return api


async def test_a_key_lets_in_by_each_way_of_sending_it(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    basic = base64.b64encode(f"any user:{key.text}".encode()).decode()
    for headers in (
        {"Authorization": f"Bearer {key.text}"},
        {"Authorization": f"bearer   {key.text}"},
        {"X-Api-Key": key.text},
        {"X-Api-Key": key.text, "Authorization": "Basic cHJveHk6cGFzc3dvcmQ="},
        {"Authorization": f"Basic {basic}"},
    ):
        response = await guarded.client.get("/guarded", headers=headers)
        assert response.json() == {"name": f"office (key {key.id})", "scopes": ["counts:write"]}, headers


async def test_without_a_key_or_with_none_of_ours_it_is_401(guarded: Api) -> None:
    wrong = new_key()
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Digest username=x"},
        {"Authorization": "Basic !!"},
        {"Authorization": f"Bearer {wrong.text}"},
        {"Authorization": f"Bearer {wrong.text}x"},
        {"X-Api-Key": "x" * 30_000},
    ):
        response = await guarded.client.get("/guarded", headers=headers)
        body = response.json()
        assert (response.status_code, body["status"], body["title"]) == (401, 401, "Unauthorized"), headers
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"].startswith('Bearer realm="parking"')
        assert "Basic" not in response.headers["www-authenticate"]
        assert wrong.secret not in response.text
    assert "Basic" in (await guarded.client.get("/camera")).headers["www-authenticate"]


async def test_a_key_in_the_query_is_none(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    response = await guarded.client.get("/guarded", params={"key": key.text, "access_token": key.text})
    assert response.status_code == 401


async def test_the_missing_scope_is_named(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.REPORTS_READ, Scope.AUDIT_READ)
    response = await guarded.client.get("/guarded", headers=bearer(key))
    assert response.status_code == 403
    assert "counts:write" in response.json()["detail"]
    assert "audit:read, reports:read" in response.json()["detail"]
    assert 'error="insufficient_scope", scope="counts:write"' in response.headers["www-authenticate"]


async def test_a_key_bound_to_sites_is_good_for_these_alone(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE, sites=("street-0",))
    assert (await guarded.client.get("/guarded/street-0", headers=bearer(key))).status_code == 200
    response = await guarded.client.get("/guarded/street-1", headers=bearer(key))
    assert response.status_code == 403
    assert "'street-1'" in response.json()["detail"]


async def test_a_revoked_key_ends_within_seconds_and_a_new_one_begins_at_once(
    guarded: Api, city_url: str
) -> None:
    async def status(headers: dict[str, str]) -> int:
        return (await guarded.client.get("/guarded", headers=headers)).status_code

    first = await key_of(city_url, Scope.COUNTS_WRITE, name="first")
    assert await status(bearer(first)) == 200
    second = await key_of(city_url, Scope.COUNTS_WRITE, name="second")
    assert await status(bearer(second)) == 200
    async with connect(city_url, name="test", autocommit=True) as connection:
        await revoke_key(connection, first.id, actor="test")

    async def refused() -> bool:
        return await status(bearer(first)) == 401

    await until(refused, timeout=KEPT_S + 15, what="the revoked key is refused")
    assert await status(bearer(second)) == 200


async def test_both_secrets_work_while_they_overlap(guarded: Api, city_url: str) -> None:
    old = await key_of(city_url, Scope.COUNTS_WRITE)
    async with connect(city_url, name="test", autocommit=True) as connection:
        _, new = await rotate_key(connection, old.id, actor="test", overlap_s=3600)
        for key in (old, new):
            assert (await guarded.client.get("/guarded", headers=bearer(key))).status_code == 200
        _, newest = await rotate_key(connection, "office", actor="test", overlap_s=0)
    guarded.parts.keys.forget()
    codes = [
        (await guarded.client.get("/guarded", headers=bearer(key))).status_code for key in (old, new, newest)
    ]
    assert codes == [401, 401, 200]


async def test_an_expired_key_is_refused_though_it_is_in_memory(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE, expires_s=3600)
    assert (await guarded.client.get("/guarded", headers=bearer(key))).status_code == 200
    clock = guarded.parts.view.clock
    clock.sync(datetime.now(UTC) + timedelta(hours=2), asked_at=clock.elapsed())
    assert (await guarded.client.get("/guarded", headers=bearer(key))).status_code == 401


async def test_the_last_use_is_written_once_a_minute_and_not_more(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    async with connect(city_url, name="test", autocommit=True) as connection:
        _, (before,) = await list_keys(connection)
        assert before.last_used_at is None
        await guarded.client.get("/guarded", headers=bearer(key))

        async def used() -> datetime | None:
            _, (now,) = await list_keys(connection)
            return now.last_used_at

        first = await until(used, what="the use is written down")
        for _ in range(20):
            await guarded.client.get("/guarded", headers=bearer(key))
        assert not guarded.parts.keys.unwritten
        assert await used() == first


async def test_many_requests_with_one_key_read_it_once(guarded: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    async with asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(guarded.client.get("/guarded", headers=bearer(key)), name="request")
            for _ in range(50)
        ]
    assert {task.result().status_code for task in asked} == {200}
    assert guarded.parts.keys.reads == 1


async def test_without_the_database_it_is_503_and_then_well_again(
    guarded: Api, city_url: str, services: Services
) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    async with outage(services.database(), city_url):
        guarded.parts.keys.forget()
        response = await guarded.client.get("/guarded", headers=bearer(key))
        assert (response.status_code, response.headers["retry-after"]) == (503, "3")
        assert response.headers["content-type"] == "application/problem+json"
        assert "127.0.0.1" not in response.text
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            asked = [
                tasks.create_task(guarded.client.get("/guarded", headers=bearer(key)), name="request")
                for _ in range(30)
            ]
        assert {task.result().status_code for task in asked} == {503}
        assert time.monotonic() - began < 15, "they must not fail one after the other"

    async def let_in() -> bool:
        return (await guarded.client.get("/guarded", headers=bearer(key))).status_code == 200

    await until(let_in, timeout=20, what="the key is accepted again")
