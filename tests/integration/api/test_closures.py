"""Sites are closed for a time and opened again over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from parking.access_keys import Scope
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.polling import until

PATH = "/v1/registry/closures"


async def _status(api: Api, status: str) -> None:
    await until(
        lambda: api.parts.view.sites["street-0"].snapshot.status == status, what=f"street-0 is {status}"
    )


async def test_a_site_is_closed_at_once_and_opened_again(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, Scope.AUDIT_READ))
    wish = {"site": "street-0", "reason": "Burst water main"}
    made = await api.client.post(PATH, headers=key, json=wish)
    assert (made.status_code, made.json()["until"], made.json()["reason"]) == (201, None, wish["reason"])
    await _status(api, "closed")
    listed = await api.client.get(PATH, headers=key, params={"site": "street-0"})
    assert listed.json() == {"closures": [made.json()], "next": None}
    one = f"{PATH}/{made.json()['id']}"
    assert (await api.client.get(one, headers=key)).json() == made.json()

    ended = await api.client.delete(one, headers=key)
    assert (ended.status_code, ended.json()["until"] is not None) == (200, True)
    await _status(api, "open")
    assert (await api.client.get(PATH, headers=key)).json()["closures"] == []
    assert (await api.client.delete(one, headers=key)).status_code == 409
    log = await api.client.get("/v1/audit", headers=key, params={"action": "closure."})
    rows = [(row["action"], row["subject"]) for row in log.json()["entries"]]
    assert rows == [("closure.end", "site/street-0"), ("closure.create", "site/street-0")]


async def test_closures_to_come_are_listed_page_by_page_and_taken_back(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    now = api.parts.view.clock.now()
    for day in (3, 1, 2):
        begins = now + timedelta(days=day)
        times = {"from": begins.isoformat(), "until": (begins + timedelta(hours=2)).isoformat()}
        wish = {"site": "street-0", "reason": f"day {day}", **times}
        assert (await api.client.post(PATH, headers=key, json=wish)).status_code == 201
    seen, cursor = [], None
    while True:
        page = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
        answer = (await api.client.get(PATH, headers=key, params=page)).json()
        seen += answer["closures"]
        if (cursor := answer["next"]) is None:
            break
    assert [one["reason"] for one in seen] == ["day 1", "day 2", "day 3"]
    assert (await api.client.delete(f"{PATH}/{seen[0]['id']}", headers=key)).status_code == 200
    assert (await api.client.get(f"{PATH}/{seen[0]['id']}", headers=key)).status_code == 404


@pytest.mark.parametrize(
    ("wish", "status", "told"),
    [
        ({"reason": "x"}, 422, "body.site"),
        ({"site": "street-0"}, 422, "body.reason"),
        ({"site": "street-0", "reason": "a\nb"}, 422, "body.reason"),
        ({"site": "street-0", "reason": "x", "until": "2020-01-01T00:00:00Z"}, 422, "is not after"),
        ({"site": "street-0", "reason": "x", "until": "2020-01-01T00:00:00"}, 422, "body.until"),
        ({"site": "nowhere", "reason": "x"}, 404, "'nowhere'"),
    ],
)
async def test_a_closure_that_cannot_be_is_told_why(
    api: Api, city_url: str, wish: dict[str, Any], status: int, told: str
) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    answer = await api.client.post(PATH, headers=key, json=wish)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text


async def test_a_key_that_is_bound_to_sites_closes_only_these(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    bound = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="bound", sites=("street-1",)))
    wish = {"site": "street-0", "reason": "works"}
    assert (await api.client.post(PATH, headers=bound, json=wish)).status_code == 403
    made = await api.client.post(PATH, headers=key, json=wish)
    assert (await api.client.get(PATH, headers=bound)).json()["closures"] == []
    for ask in (api.client.get, api.client.delete):
        assert (await ask(f"{PATH}/{made.json()['id']}", headers=bound)).status_code == 403
