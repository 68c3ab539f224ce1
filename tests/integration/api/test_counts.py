"""Running counts and counts by hand over real HTTP."""

from parking.access_keys import Scope
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of

PATH = "/v1/sites/castle-mews"


async def test_a_count_by_hand_is_taken_once_and_told_to_all(api: Api, city_url: str) -> None:
    client = api.client
    counter = bearer(await key_of(city_url, Scope.COUNTS_WRITE, Scope.REPORTS_READ, name="office"))
    before = (await client.get(f"{PATH}/counts")).json()
    assert (before["count"], before["capacity"], before["last_correction"]["rule"]) == (10, 100, "registry")
    wish = {"vehicles": 62, "reason": "Monday's round"}
    headers = {**counter, "Idempotency-Key": "round-1"}
    made = await client.post(f"{PATH}/corrections", json=wish, headers=headers)
    assert (made.status_code, made.json()["before"], made.json()["after"]) == (201, 10, 62)
    again = await client.post(f"{PATH}/corrections", json=wish, headers=headers)
    assert (again.status_code, again.json()) == (200, made.json())

    after = (await client.get(f"{PATH}/counts")).json()
    assert (after["count"], after["free_min"], after["free_max"]) == (62, 38, 38)
    assert (after["last_correction"]["rule"], after["last_correction"]["reason"]) == ("manual", "")
    assert "made_by" not in after["last_correction"]
    listed = (await client.get(f"{PATH}/corrections", headers=counter)).json()["corrections"]
    assert [(each["rule"], each["after"]) for each in listed] == [("manual", 62), ("registry", 10)]
    assert listed[0]["made_by"].startswith("office")


async def test_who_may_count_and_what_is_refused(api: Api, city_url: str) -> None:
    client = api.client
    reader = bearer(await key_of(city_url, Scope.REPORTS_READ, name="reader"))
    counter = bearer(await key_of(city_url, Scope.COUNTS_WRITE, name="counter"))
    wish = {"vehicles": 5}
    twice = {"Idempotency-Key": "a"}
    for path, headers, body, status in (
        ("corrections", {}, wish, 401),
        ("corrections", reader | twice, wish, 403),
        ("corrections", counter, wish, 422),
        ("corrections", counter | twice, {"vehicles": -1}, 422),
        ("corrections", counter | twice, {"vehicles": 201}, 422),
        ("corrections", counter, {"vehicles": 5, "at": "2020-01-01T00:00Z"}, 422),
    ):
        answer = await client.post(f"{PATH}/{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    assert (await client.get(f"{PATH}/corrections")).status_code == 401
    assert (await client.get("/v1/sites/street-0/counts")).status_code == 404
    assert (await client.get("/v1/sites/nowhere/counts")).status_code == 404
    assert (
        await client.post("/v1/sites/street-0/corrections", json=wish, headers=counter | twice)
    ).status_code == 404
