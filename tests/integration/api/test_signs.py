"""Overrides, histories and polls of signs over HTTP, on a real database."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.signs import store_decisions
from parking.registry import parse_registry
from parking.settings import Settings
from parking.signs import Band, Decision, LineMemory, Why
from tests.integration.api.conftest import Api, running_api
from tests.support.access import bearer, key_of
from tests.support.city import load
from tests.support.ingestor import HandIngestor
from tests.support.polling import until
from tests.support.signs import STREET, signed_street, states

OVERRIDE = "/v1/signs/plain/override"
CLOSED = {"show": "closed", "for_s": 3600, "reason": "Burst water main"}


@pytest.fixture
async def street_url(database_url: str) -> str:
    await load(database_url, signed_street())
    return database_url


@pytest.fixture
def hand(street_url: str) -> Iterator[HandIngestor]:
    with HandIngestor(street_url) as hand:
        hand.publish(STREET, states(4))
        hand.confirm()
        yield hand


@pytest.fixture
async def api(street_url: str, hand: HandIngestor) -> AsyncIterator[Api]:
    settings = Settings(database_url=street_url, rate_per_s=0, stale_after_s=600)
    async with running_api(settings) as api:
        yield api


@pytest.fixture
async def operator(street_url: str) -> dict[str, str]:
    return bearer(await key_of(street_url, Scope.SIGNS_WRITE, Scope.REPORTS_READ))


async def until_text(api: Api, text: str, sign: str = "plain") -> dict[str, Any]:
    """Wait until a sign shows this."""
    body: dict[str, Any] = {}

    async def shows() -> bool:
        nonlocal body
        body = (await api.client.get(f"/v1/signs/{sign}")).json()
        return bool(body["text"] == text)

    await until(shows, what=lambda: f"{sign} shows {text!r}: {body}")
    return body


async def test_an_override_is_shown_at_once_everywhere_is_on_record_and_ends(
    api: Api, operator: dict[str, str], street_url: str, hand: HandIngestor
) -> None:
    settings = Settings(database_url=street_url, rate_per_s=0, stale_after_s=600)
    async with running_api(settings) as other:
        made = await api.client.put(OVERRIDE, json=CLOSED, headers=operator)
        assert made.status_code == 200, made.text
        assert (made.json()["text"], made.json()["made_by"].startswith("office")) == ("CLOSED", True)
        for one in (api, other):
            body = await until_text(one, "CLOSED")
            assert (body["why"], "Burst water main" in body["reason"]) == ("override", True)
        ended = await api.client.delete(OVERRIDE, headers=operator)
        assert ended.json() == made.json()
        for one in (api, other):
            await until_text(one, "4")
    assert (await api.client.delete(OVERRIDE, headers=operator)).status_code == 404
    log = hand.run("SELECT action, subject FROM audit_log WHERE subject LIKE 'sign/%%' ORDER BY audit_id")
    assert log == [("sign.override", "sign/plain"), ("sign.resume", "sign/plain")]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"text": "99"}, "not one that this sign has"),
        ({"text": "GO AWAY"}, "not one that this sign has"),
        ({"show": "party"}, "show"),
        ({"show": "auto"}, "auto is what a sign does without an override"),
        ({"text": "FULL"}, "`show` or `text`"),
        ({"for_s": 60, "until": "2026-01-01T00:00:00Z"}, "`until` or `for_s`"),
        ({"for_s": None, "until": "2020-01-01T00:00:00Z"}, "must be 10 s to 31 days after now"),
        ({"for_s": None, "until": "2020-01-01T00:00:00"}, "timezone"),
        ({"reason": "\u0007"}, "printable"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_with_its_rule(
    api: Api, operator: dict[str, str], wish: dict[str, Any], said: str
) -> None:
    body = {**CLOSED, **wish}
    if "text" in wish and wish["text"] != "FULL":
        del body["show"]
    refused = await api.client.put(OVERRIDE, json=body, headers=operator)
    assert refused.status_code == 422
    assert said in refused.text
    assert (await api.client.get("/v1/signs/plain")).json()["text"] == "4"


async def test_only_a_key_of_the_signs_sites_and_scope_may_override(api: Api, street_url: str) -> None:
    assert (await api.client.put(OVERRIDE, json=CLOSED)).status_code == 401
    reader = bearer(await key_of(street_url, Scope.REPORTS_READ, name="reader"))
    assert (await api.client.put(OVERRIDE, json=CLOSED, headers=reader)).status_code == 403
    other = {"id": "other", "name": "Other", "kind": "on_street", "counting": "bays"}
    await load(street_url, parse_registry({"sites": [other]}, source="other"))
    elsewhere = bearer(await key_of(street_url, Scope.SIGNS_WRITE, name="elsewhere", sites=("other",)))
    assert (await api.client.put(OVERRIDE, json=CLOSED, headers=elsewhere)).status_code == 403
    assert (await api.client.put("/v1/signs/no/override", json=CLOSED, headers=elsewhere)).status_code == 404
    assert (await api.client.get("/v1/signs/plain/history")).status_code == 401


async def test_the_history_has_each_change_by_pages_and_the_last_poll(
    api: Api, operator: dict[str, str], street_url: str
) -> None:
    async with connect(street_url, name="test", autocommit=True) as connection:
        for number in range(5):
            decision = Decision(lines=(f"{number}",), why=Why.SPACES, reason="so it is", revision=number)
            await store_decisions(connection, {"plain": decision}, ["plain"], now=api.parts.view.clock.now())
    await until_text(api, "4")
    await api.parts.polls.write()
    first = (await api.client.get("/v1/signs/plain/history?limit=3", headers=operator)).json()
    assert [one["text"] for one in first["messages"]] == ["4", "3", "2"]
    assert first["last_poll"]["text"] == "4"
    rest = (
        await api.client.get(f"/v1/signs/plain/history?limit=3&before={first['next']}", headers=operator)
    ).json()
    assert ([one["text"] for one in rest["messages"]], rest["next"]) == (["1", "0"], None)
    assert (await api.client.get("/v1/signs/no/history", headers=operator)).status_code == 404


async def test_what_a_keeper_decides_reaches_every_process_with_its_revision(
    api: Api, street_url: str
) -> None:
    assert (await api.client.get("/v1/signs/slow")).json()["why"] == "undecided"
    now = api.parts.view.clock.now()
    line = LineMemory(band=Band.FULL, text="FULL", why=Why.FULL, reason="so", revision=7, changed_at=now)
    decision = Decision(lines=("FULL",), why=Why.FULL, reason="so", revision=7, memory={"": line})
    async with connect(street_url, name="test", autocommit=True) as connection:
        await store_decisions(connection, {"slow": decision}, [], now=now)
    assert (await until_text(api, "FULL", "slow"))["revision"] == 7


async def test_a_sign_that_has_stopped_asking_is_on_the_maintenance_list(
    api: Api, street_url: str, hand: HandIngestor
) -> None:
    headers = bearer(await key_of(street_url, Scope.MAINTENANCE_READ))

    async def silent() -> list[str]:
        body = (await api.client.get("/v1/reports/maintenance", headers=headers)).json()
        return [sign["sign"] for sign in body["signs"]]

    await api.client.get("/v1/signs/plain")
    await api.client.get("/v1/signs/slow?format=text")
    await api.parts.polls.write()
    assert hand.run("SELECT sign_id, text FROM sign_poll ORDER BY 1") == [("plain", "4"), ("slow", "")]
    hand.run("UPDATE sign_poll SET polled_at = now() - interval '1 hour' WHERE sign_id = 'plain'")
    await until(silent, timeout=15, what="plain is on the list")
    assert await silent() == ["plain"]
    as_csv = (await api.client.get("/v1/reports/maintenance?format=csv", headers=headers)).text
    assert "sign_silent" in as_csv
    await api.parts.polls.write()
    assert "parking_api_silent_signs 1.0" in (await api.client.get("/metrics")).text


async def test_a_sign_that_could_not_ask_is_not_silent(api: Api, hand: HandIngestor) -> None:
    polls = api.parts.polls
    await api.client.get("/v1/signs/plain")
    await polls.write()
    # All of the API was away for an hour, and the sign has not asked again yet.
    hand.run("UPDATE sign_poll SET polled_at = polled_at - interval '1 hour'")
    hand.run("UPDATE sign_poll_book SET noted_at = noted_at - interval '1 hour'")
    await polls.write()
    assert polls.silent == 0
    # It could have asked for six minutes since.
    hand.run("UPDATE sign_poll_book SET since = since - interval '6 minutes'")
    await polls.write()
    assert polls.silent == 1


async def test_the_metrics_tell_how_many_signs_are_blank_and_why(
    api: Api, operator: dict[str, str], street_url: str, hand: HandIngestor
) -> None:
    text = (await api.client.get("/metrics")).text
    told = {line for line in text.splitlines() if "_signs" in line and not line.startswith("#")}
    assert {
        'parking_api_signs{why="spaces"} 1.0',
        'parking_api_signs{why="undecided"} 1.0',
        'parking_api_signs{why="override"} 0.0',
        "parking_api_blank_signs 1.0",
        "parking_api_silent_signs NaN",
    } <= told
    await api.client.put(OVERRIDE, json=CLOSED, headers=operator)
    await until_text(api, "CLOSED")
    assert 'parking_api_signs{why="override"} 1.0' in (await api.client.get("/metrics")).text
    hand.run("UPDATE ingest_status SET alive_at = now() - interval '1 day'")
    hand.run("UPDATE site_state SET as_of = now() - interval '1 day'")
    async with running_api(Settings(database_url=street_url, rate_per_s=0)) as late:
        text = (await late.client.get("/metrics")).text
        assert 'parking_api_signs{why="stale"} 1.0' in text
        assert "parking_api_blank_signs 1.0" in text


async def test_polls_that_could_not_be_written_are_kept(api: Api, hand: HandIngestor) -> None:
    hand.run("ALTER TABLE sign_poll RENAME TO away")
    await api.client.get("/v1/signs/plain")
    await api.parts.polls.write()
    hand.run("ALTER TABLE away RENAME TO sign_poll")
    await api.parts.polls.write()
    assert hand.run("SELECT text FROM sign_poll") == [("4",)]
