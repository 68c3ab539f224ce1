"""Webhooks, from a change in the database to a receiver over real HTTP."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from typing import Any

import psycopg
import pytest
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import WebhookVerificationError

from parking.access_keys import Scope
from parking.db.audit import Filter, page
from parking.db.connect import connect
from tests.integration.api.conftest import Api, StartApi
from tests.support.access import bearer, key_of
from tests.support.ingestor import HandIngestor
from tests.support.polling import until
from tests.support.receiver import Receiver, receiver

STREET = "street-0"
HERE = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def hand(city_url: str) -> Iterator[HandIngestor]:
    with HandIngestor(city_url) as hand:
        yield hand


@pytest.fixture
def listener() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture
async def api(start_api: StartApi, hand: HandIngestor) -> AsyncIterator[Api]:
    """An API that may send to this machine."""
    async with start_api(webhook_networks=HERE) as api:
        yield api


@pytest.fixture
async def keeper(city_url: str) -> dict[str, str]:
    return bearer(await key_of(city_url, Scope.WEBHOOKS_WRITE, name="keeper"))


async def make(api: Api, keeper: dict[str, str], url: str, *events: str, **more: Any) -> dict[str, Any]:
    wish = {"name": "highways", "url": url, "events": events, "every_s": 1, **more}
    made = await api.client.post("/v1/webhooks", json=wish, headers=keeper)
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


async def noted(url: str, webhook: str, count: int) -> None:
    """Wait until what is true now is noted of so many things: from then on changes are news."""

    async def seen() -> bool:
        async with connect(url, name="test", autocommit=True) as connection:
            row = await (
                await connection.execute(
                    "SELECT count(*) FROM webhook_told WHERE webhook_id = %s", (webhook,)
                )
            ).fetchone()
        return row is not None and row[0] == count

    await until(seen, what="the first values are noted")


async def test_a_change_arrives_signed_with_the_published_number(
    api: Api, hand: HandIngestor, keeper: dict[str, str], listener: Receiver, city_url: str
) -> None:
    made = await make(api, keeper, listener.url, "site.availability", sites=[STREET])
    assert made["secret"].startswith("whsec_")
    await noted(city_url, made["id"], 1)
    revision = hand.publish(STREET, {"street-0-0": "vacant", "street-0-1": "occupied"})
    await until(lambda: listener.received, what="the message")
    message = listener.received[0]
    told = Signer(made["secret"]).verify(message.body, message.headers)
    assert (told["type"], told["data"]["id"], told["data"]["revision"]) == (
        "site.availability",
        STREET,
        revision,
    )
    published = (await api.client.get(f"/v1/sites/{STREET}")).json()
    assert {**told["data"], "as_of": ""} == {**published, "as_of": ""}
    with pytest.raises(WebhookVerificationError):
        Signer(made["secret"]).verify(message.body.replace("1", "2"), message.headers)

    async def well() -> bool:
        one = (await api.client.get("/v1/webhooks/highways", headers=keeper)).json()
        return one["state"] == "well" and one["delivered_at"] is not None and "secret" not in one

    await until(well, what="the webhook is well")


async def test_full_is_told_once_each_way(
    api: Api, hand: HandIngestor, keeper: dict[str, str], listener: Receiver, city_url: str
) -> None:
    made = await make(api, keeper, listener.url, "site.full", sites=[STREET])
    hand.publish(STREET, {f"street-0-{bay}": "vacant" for bay in range(4)})
    await noted(city_url, made["id"], 1)
    hand.publish(STREET, {f"street-0-{bay}": "occupied" for bay in range(4)})
    await until(lambda: len(listener.received) == 1, what="it is full")
    assert json.loads(listener.received[0].body)["data"]["vacant"] == 0
    hand.publish(STREET, {"street-0-1": "vacant"})
    await until(lambda: len(listener.received) == 2, what="it is free again")


async def test_what_does_not_arrive_is_kept_and_the_newest_is_told(
    api: Api, hand: HandIngestor, keeper: dict[str, str], listener: Receiver, city_url: str
) -> None:
    made = await make(api, keeper, listener.url, "site.availability", sites=[STREET])
    await noted(city_url, made["id"], 1)
    listener.status = 500
    hand.publish(STREET, {"street-0-0": "vacant"})
    await until(lambda: listener.received, what="the first try")

    async def failing() -> dict[str, Any] | None:
        one: dict[str, Any] = (await api.client.get("/v1/webhooks/highways", headers=keeper)).json()
        return one if one["state"] == "failing" else None

    one = await until(failing, what="it is known to fail")
    assert one["waiting"] == 1
    sent = (await api.client.get("/v1/webhooks/highways/messages", headers=keeper)).json()["messages"]
    assert [(message["tries"], message["outcome"]) for message in sent] == [
        (1, "answered 500 Internal Server Error")
    ]
    listener.status = 204
    tried = len(listener.received)
    newest = hand.publish(STREET, {"street-0-0": "occupied", "street-0-1": "vacant"})
    await api.client.post("/v1/webhooks/highways/resume", headers=keeper)
    await until(
        lambda: [
            1 for one in listener.received[tried:] if json.loads(one.body)["data"]["revision"] == newest
        ],
        what="the newest number",
    )


async def test_a_receiver_that_is_gone_is_asked_no_more(
    api: Api, hand: HandIngestor, keeper: dict[str, str], listener: Receiver, city_url: str
) -> None:
    made = await make(api, keeper, listener.url, "site.availability")
    await noted(city_url, made["id"], 3)
    listener.status = 410
    hand.publish(STREET, {"street-0-0": "vacant"})

    async def paused() -> bool:
        one = (await api.client.get("/v1/webhooks/highways", headers=keeper)).json()
        return one["state"] == "paused" and "410 Gone" in one["paused_why"]

    await until(paused, what="it is paused")
    async with connect(city_url, name="test", autocommit=True) as connection:
        log = await page(connection, Filter(subject=f"webhook/{made['id']}"), limit=10)
    assert [(entry.actor.split()[0], entry.action) for entry in log] == [
        ("webhooks", "webhook.pause"),
        ("keeper", "webhook.create"),
    ]
    assert made["secret"] not in str(log)


async def test_a_rotated_secret_signs_beside_the_former_one(
    api: Api, keeper: dict[str, str], listener: Receiver
) -> None:
    made = await make(api, keeper, listener.url, "site.status")
    rotated = (await api.client.post("/v1/webhooks/highways/rotate", headers=keeper)).json()
    assert (await api.client.post("/v1/webhooks/highways/ping", headers=keeper)).status_code == 202
    await until(lambda: listener.received, what="the ping")
    message = listener.received[0]
    for secret in (made["secret"], rotated["secret"]):
        assert Signer(secret).verify(message.body, message.headers)["type"] == "ping"
    assert made["secret"] != rotated["secret"]


REFUSED = (
    "https://10.1.2.3/x",
    "https://192.168.1.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::a00:1]/x",
    "https://[2002:a00:1::]/x",
    "https://[fd00::1]/x",
    "https://0.0.0.0/x",
    "https://224.0.0.1/x",
    "http://93.184.216.34/x",
    "https://user:secret@93.184.216.34/x",
    "ftp://93.184.216.34/x",
    "https://",
    "nonsense",
)


async def test_private_and_unusable_addresses_are_refused(api: Api, keeper: dict[str, str]) -> None:
    for url in REFUSED:
        wish = {"name": "x", "url": url, "events": ["site.full"]}
        refused = await api.client.post("/v1/webhooks", json=wish, headers=keeper)
        assert (url, refused.status_code, refused.json()["detail"][:4]) == (url, 422, "url:")


async def test_the_command_makes_tries_and_removes_a_webhook(
    api: Api, city_url: str, listener: Receiver
) -> None:
    async def parking(*arguments: str) -> str:
        environment = {**os.environ, "PARKING_DATABASE_URL": city_url}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli.main",
            "webhooks",
            *arguments,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        return out.decode()

    made = ("--name", "highways", "--url", listener.url, "--event", "site.status")
    secret = (await parking("create", *made)).strip()
    assert (await parking("ping", "highways")).strip() == "It answered 204 No Content."
    assert Signer(secret).verify(listener.received[0].body, listener.received[0].headers)["type"] == "ping"
    (listed,) = json.loads(await parking("list", "--json"))
    assert (listed["state"], listed["waiting"]) == ("well", 0)
    assert "answered 204" in await parking("messages", "highways")
    await parking("remove", "highways")
    assert json.loads(await parking("list", "--json")) == []


async def test_an_address_that_turned_private_is_not_posted_to(
    start_api: StartApi, hand: HandIngestor, city_url: str, listener: Receiver, keeper: dict[str, str]
) -> None:
    """Whoever could write it past the check, or a name that means another address by now."""
    async with start_api() as api:
        wish = {"name": "x", "url": "https://93.184.216.34/x", "events": ["site.full"]}
        made = (await api.client.post("/v1/webhooks", json=wish, headers=keeper)).json()
        private = listener.url.replace("http://127.0.0.1", "https://localhost")
        with psycopg.connect(city_url, autocommit=True) as connection:
            connection.execute("UPDATE webhook SET url = %s", (private,))
        await api.client.post(f"/v1/webhooks/{made['id']}/ping", headers=keeper)

        async def outcome() -> str | None:
            sent = (await api.client.get("/v1/webhooks/x/messages", headers=keeper)).json()["messages"]
            return sent[0]["outcome"] if sent else None

        assert "is not a public address" in str(await until(outcome, what="an outcome"))
    assert listener.received == []


async def test_only_a_key_for_it_and_for_all_sites_will_do(api: Api, city_url: str) -> None:
    for scopes, sites in (((Scope.AUDIT_READ,), None), ((Scope.WEBHOOKS_WRITE,), (STREET,))):
        key = bearer(await key_of(city_url, *scopes, name=scopes[0].value, sites=sites))
        assert (await api.client.get("/v1/webhooks", headers=key)).status_code == 403
    assert (await api.client.get("/v1/webhooks")).status_code == 401


async def test_two_processes_tell_a_change_once(
    api: Api,
    start_api: StartApi,
    hand: HandIngestor,
    keeper: dict[str, str],
    listener: Receiver,
    city_url: str,
) -> None:
    async with start_api(webhook_networks=HERE):
        made = await make(api, keeper, listener.url, "site.full", sites=[STREET])
        hand.publish(STREET, {"street-0-0": "vacant"})
        await noted(city_url, made["id"], 1)
        hand.publish(STREET, {"street-0-0": "occupied"})
        await until(lambda: listener.received, what="the message")
        await api.client.post("/v1/webhooks/highways/ping", headers=keeper)
        await until(lambda: "ping" in listener.types, what="the ping after it")
    assert listener.types == ["site.full", "ping"]
