"""Sites are closed for a time and opened again over HTTP."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from parking.access_keys import Scope
from tests.integration.api.conftest import Api, shares_api
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


async def _closed(api: Api, key: dict[str, str], **wish: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """A closure of street-0: its address, what it is, and the headers of who changes it."""
    made = await api.client.post(PATH, headers=key, json={"site": "street-0", "reason": "works", **wish})
    assert made.status_code == 201, made.text
    address = f"{PATH}/{made.json()['id']}"
    etag = (await api.client.get(address, headers=key)).headers["etag"]
    assert etag == made.headers["etag"]
    return address, made.json(), {**key, "If-Match": etag, "Content-Type": "application/merge-patch+json"}


async def test_a_closure_is_changed_by_who_knows_it_on_record(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, Scope.AUDIT_READ))
    address, made, headers = await _closed(api, key)
    await _status(api, "closed")
    until_at = (api.parts.view.clock.now() + timedelta(hours=3)).isoformat()

    bare = {name: value for name, value in headers.items() if name != "If-Match"}
    for changed, status in ((bare, 428), ({**headers, "If-Match": '"x"'}, 412)):
        refused = await api.client.patch(address, headers=changed, json={"until": until_at})
        assert (refused.status_code, refused.headers["etag"]) == (status, headers["If-Match"])
    done = await api.client.patch(address, headers=headers, json={"until": until_at, "reason": "Leak"})
    assert done.status_code == 200, done.text
    now_is = done.json()
    assert (datetime.fromisoformat(now_is["until"]), now_is["reason"]) == (
        datetime.fromisoformat(until_at),
        "Leak",
    )
    assert {name: now_is[name] for name in ("id", "site", "from", "made_by")} == {
        name: made[name] for name in ("id", "site", "from", "made_by")
    }
    assert done.headers["etag"] != headers["If-Match"]
    assert (await api.client.patch(address, headers=headers, json={"reason": "x"})).status_code == 412
    (entry, _) = (await api.client.get("/v1/audit", headers=key, params={"action": "closure."})).json()[
        "entries"
    ]
    assert (entry["action"], entry["subject"]) == ("closure.change", "site/street-0")
    assert (entry["before"]["reason"], entry["after"]["reason"]) == ("works", "Leak")


async def test_a_closure_to_come_is_brought_forward_and_shows_at_once(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    begins = api.parts.view.clock.now() + timedelta(days=2)
    address, _, headers = await _closed(api, key, **{"from": begins.isoformat()})
    done = await api.client.patch(address, headers=headers, json={"from": None})
    assert done.status_code == 200, done.text
    await _status(api, "closed")


async def test_a_closure_that_is_over_is_changed_no_more(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    address, _, headers = await _closed(api, key)
    await api.client.delete(address, headers=key)
    headers["If-Match"] = (await api.client.get(address, headers=key)).headers["etag"]
    refused = await api.client.patch(address, headers=headers, json={"until": None})
    assert (refused.status_code, "was over at" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"until": "2020-01-01T00:00:00Z"}, "until 2020-01-01T00:00:00+00:00 is not after"),
        ({"from": "2020-01-01T00:00:00Z"}, "it has begun, at"),
        ({"from": None}, "it has begun, at"),
        ({"until": "soon"}, "until"),
        ({"until": "2099-01-01T00:00:00Z"}, "more than ten years"),
        ({"reason": None}, "reason"),
        ({"reason": " "}, "reason"),
        ({"site": "street-1"}, "site"),
        ({"id": 7}, "id"),
        ({"colour": "red"}, "colour"),
        ([], "body"),
    ],
    ids=str,
)
async def test_a_change_that_cannot_be_is_told_why_and_changes_nothing(
    api: Api, city_url: str, patch: Any, told: str
) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    address, made, headers = await _closed(api, key)
    refused = await api.client.patch(address, headers=headers, json=patch)
    assert refused.status_code == 422, refused.text
    assert told in refused.json()["detail"]
    assert (await api.client.get(address, headers=key)).json() == made


async def test_a_closure_to_come_cannot_begin_in_the_past_or_after_its_end(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    now = api.parts.view.clock.now()
    times = {"from": (now + timedelta(days=1)).isoformat(), "until": (now + timedelta(days=2)).isoformat()}
    address, _, headers = await _closed(api, key, **times)
    for begins, told in (
        (now - timedelta(hours=1), "is before now"),
        (now + timedelta(days=3), "is not after"),
    ):
        refused = await api.client.patch(address, headers=headers, json={"from": begins.isoformat()})
        assert (refused.status_code, told in refused.json()["detail"]) == (422, True), refused.text


@shares_api
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
    shared_api: Api, shared_city_url: str, wish: dict[str, Any], status: int, told: str
) -> None:
    key = bearer(await key_of(shared_city_url, Scope.REGISTRY_WRITE, name=str(wish)))
    answer = await shared_api.client.post(PATH, headers=key, json=wish)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text


async def test_a_key_that_is_bound_to_sites_closes_only_these(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE))
    bound = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="bound", sites=("street-1",)))
    wish = {"site": "street-0", "reason": "works"}
    assert (await api.client.post(PATH, headers=bound, json=wish)).status_code == 403
    made = await api.client.post(PATH, headers=key, json=wish)
    assert (await api.client.get(PATH, headers=bound)).json()["closures"] == []
    for ask in (api.client.get, api.client.delete, partial(api.client.patch, json={})):
        assert (await ask(f"{PATH}/{made.json()['id']}", headers=bound)).status_code == 403
