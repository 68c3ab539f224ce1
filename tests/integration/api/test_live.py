"""The API follows the database: changes, outages, staleness, restores."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from parking.db.migrate import migrate
from parking.settings import Settings
from tests.integration.api.conftest import Api, StartApi, running_api
from tests.support.city import load, small_registry
from tests.support.databases import Databases, outage
from tests.support.ingestor import HandIngestor
from tests.support.polling import until

STREET = "street-0"


@pytest.fixture
def hand(city_url: str) -> Iterator[HandIngestor]:
    with HandIngestor(city_url) as hand:
        yield hand


async def site(api: Api, site_id: str = STREET) -> dict[str, Any]:
    response = await api.client.get(f"/v1/sites/{site_id}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def until_revision(api: Api, revision: int, site_id: str = STREET) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        body = await site(api, site_id)
        return body if body["revision"] >= revision else None

    return await until(reached, what=f"{site_id} at revision {revision}")


async def until_readiness(api: Api, reason: str) -> None:
    async def says() -> bool:
        return reason in " ".join((await api.client.get("/readyz")).json()["reasons"])

    await until(says, what=f"/readyz says {reason!r}")


async def test_a_fresh_city_is_all_unknown_and_its_car_park_counted(api: Api) -> None:
    sites = (await api.client.get("/v1/sites")).json()["sites"]
    assert [(s["id"], s["capacity"], s["vacant"], s["occupied"], s["unknown"]) for s in sites] == [
        ("castle-mews", 100, 90, 10, 0),
        ("street-0", 4, 0, 0, 4),
        ("street-1", 4, 0, 0, 4),
    ]
    assert (await api.client.get("/v1/sites/castle-mews/bays")).json()["bays"] == []


async def test_a_change_is_shown_with_its_bays_and_no_other(api: Api, hand: HandIngestor) -> None:
    other = await site(api, "street-1")
    revision = hand.publish(STREET, {"street-0-0": "vacant", "street-0-1": "occupied"})
    body = await until_revision(api, revision)
    assert [body[name] for name in ("vacant", "occupied", "unknown", "free_min", "free_max")] == [
        1,
        1,
        2,
        1,
        3,
    ]
    bays = (await api.client.get(f"/v1/sites/{STREET}/bays")).json()
    assert bays["revision"] == revision
    assert [bay["state"] for bay in bays["bays"]] == ["vacant", "occupied", "unknown", "unknown"]
    assert await site(api, "street-1") == other


async def test_an_empty_notification_means_all_sites(api: Api, hand: HandIngestor) -> None:
    revision = hand.publish(STREET, {"street-0-0": "vacant"}, notify=False)
    hand.notify("parking_sites", "")
    assert (await until_revision(api, revision))["vacant"] == 1


async def test_many_changes_at_once_end_in_the_last_one(api: Api, hand: HandIngestor) -> None:
    for n in range(200):
        revision = hand.publish(STREET, {f"street-0-{n % 4}": ("vacant", "occupied", "unknown")[n % 3]})
    body = await until_revision(api, revision)
    ((*counts,),) = hand.run("SELECT vacant, occupied, unknown FROM site_state WHERE site_id = %s", (STREET,))
    assert [body["vacant"], body["occupied"], body["unknown"]] == counts
    states = hand.run("SELECT bay_id, state FROM bay_state WHERE site_id = %s ORDER BY bay_id", (STREET,))
    bays = (await api.client.get(f"/v1/sites/{STREET}/bays")).json()["bays"]
    assert [(bay["id"], bay["state"]) for bay in bays] == states


async def test_after_a_lost_connection_all_is_read_again(api: Api, hand: HandIngestor) -> None:
    assert hand.cut_api() == 1
    # Nobody is told of this one: only a full reload can find it.
    revision = hand.publish(STREET, {"street-0-0": "vacant"}, notify=False)
    assert (await until_revision(api, revision))["vacant"] == 1
    assert api.parts.feed.status.reloads["connect"] == 2


async def test_through_an_outage_it_answers_with_what_it_knows_as_stale_and_recovers(
    start_api: StartApi, hand: HandIngestor, city_url: str, databases: Databases
) -> None:
    revision = hand.publish(STREET, {bay: "vacant" for bay in ("street-0-0", "street-0-1", "street-0-2")})
    hand.confirm()
    async with start_api(stale_after_s=1.0) as api:
        async with outage(databases.server, city_url):
            await until(lambda: api.parts.feed.status.problem, what="the outage is noticed")
            await until(lambda: _is_stale(api), what="stale")
            body = await site(api)
            assert (body["revision"], body["vacant"], body["stale"]) == (revision, 3, True)
            assert (await api.client.get("/v1/signs/vms-0", headers={"Accept": "text/plain"})).text == ""
            assert (await api.client.get("/healthz")).status_code == 200
            await until_readiness(api, "database: ")
        with HandIngestor(city_url) as again:
            revision = again.publish(STREET, {"street-0-0": "occupied"})
            again.confirm()
        assert (await until_revision(api, revision))["vacant"] == 2


async def _is_stale(api: Api) -> bool:
    return bool((await site(api))["stale"])


async def test_numbers_turn_stale_by_themselves_when_the_ingestor_is_silent_and_fresh_when_it_speaks(
    start_api: StartApi, hand: HandIngestor
) -> None:
    hand.publish(STREET, {f"street-0-{n}": "vacant" for n in range(4)})
    hand.run("UPDATE site_state SET as_of = now() - interval '1 hour'")
    async with start_api(stale_after_s=1.5) as api:

        async def fresh() -> bool:
            return not await _is_stale(api)

        async def shown() -> bool:
            hand.confirm()
            return bool((await api.client.get("/v1/signs/vms-0")).json()["text"] == "4")

        await until(shown, what="fresh while the ingestor speaks")
        await until(lambda: _is_stale(api), what="stale")
        sign = (await api.client.get("/v1/signs/vms-0")).json()
        assert (sign["text"], sign["reason"]) == ("", "the number is too old to be shown")
        assert "Not known" in (await api.client.get("/")).text
        await until_readiness(api, "ingestor: An ingestor has not confirmed")
        await until(shown, what="fresh again")


async def test_the_least_recent_of_two_ingestors_counts(start_api: StartApi, hand: HandIngestor) -> None:
    hand.run("UPDATE site_state SET as_of = now() - interval '1 hour'")
    hand.run("INSERT INTO ingest_status VALUES ('dead', now(), now() - interval '1 minute', true)")
    hand.confirm()
    async with start_api() as api:
        assert (await site(api))["stale"]


async def test_readiness_follows_ingestor_and_broker(api: Api, hand: HandIngestor) -> None:
    await until_readiness(api, "ingestor: No ingestor runs")
    hand.confirm(connected=False)
    await until_readiness(api, "broker: 1 of 1 ingestors")
    hand.confirm()

    async def ready() -> bool:
        return (await api.client.get("/readyz")).status_code == 200

    await until(ready, what="ready")


async def test_a_new_registry_is_shown(api: Api, city_url: str) -> None:
    assert (await api.client.get("/v1/sites/street-2")).status_code == 404
    await load(city_url, small_registry(bays=4, sites=3))

    async def shown() -> bool:
        return (await api.client.get("/v1/sites/street-2")).status_code == 200

    await until(shown, what="street-2")
    assert (await api.client.get("/v1/signs/vms-2")).status_code == 200


async def test_a_restored_database_is_believed(api: Api, hand: HandIngestor) -> None:
    for state in ("vacant", "occupied", "vacant"):
        revision = hand.publish(STREET, {"street-0-0": state})
    await until_revision(api, revision)
    hand.run(
        "UPDATE site_state SET revision = 1, vacant = 0, unknown = 4, free_min = 0, occupied = 0,"
        " free_max = 4 WHERE site_id = %s",
        (STREET,),
    )
    hand.notify("parking_sites", STREET)
    hand.confirm()
    await until(lambda: api.parts.view.confirmed_at, what="the notification before was taken")
    assert (await site(api))["revision"] == revision, "an older revision is not shown in mid-connection"
    hand.cut_api()

    async def restored() -> bool:
        return bool((await site(api))["revision"] == 1)

    await until(restored, what="the restored revision")
    assert (await site(api))["unknown"] == 4


async def test_it_starts_without_a_database_and_fills_when_there_is_one(
    empty_database_url: str, databases: Databases
) -> None:
    settings = Settings(database_url=empty_database_url)
    async with running_api(settings, loaded=False) as api:
        await until_readiness(api, "schema: The database lacks schema version")
        refused = await api.client.get("/v1/sites")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
        async with outage(databases.server, empty_database_url):
            await until_readiness(api, "database: ")
        await migrate(empty_database_url)

        async def filled() -> bool:
            return (await api.client.get("/v1/sites")).status_code == 200

        await until(filled, what="the first load")


@asynccontextmanager
async def raw_connection(url: str) -> AsyncIterator[Callable[[str], Awaitable[dict[str, Any]]]]:
    """Ask for JSON over one raw connection: hundreds of httpx would be slower than what they test."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)

    async def ask(path: str) -> dict[str, Any]:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200"), head
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body: dict[str, Any] = json.loads(await reader.readexactly(length))
        return body

    try:
        yield ask
    finally:
        writer.close()
        await writer.wait_closed()


async def test_hundreds_read_at_once_and_see_one_number_a_revision(api: Api, hand: HandIngestor) -> None:
    seen: dict[int, set[tuple[int, int, int]]] = {}
    done = asyncio.Event()

    async def reader() -> int:
        answers = latest = 0
        async with raw_connection(api.url) as ask:
            while not done.is_set():
                body = await ask(f"/v1/sites/{STREET}")
                numbers = (body["vacant"], body["occupied"], body["unknown"])
                seen.setdefault(body["revision"], set()).add(numbers)
                assert body["revision"] >= latest, "a revision never goes back"
                latest = body["revision"]
                answers += 1
        return answers

    async def writer() -> int:
        revision = 0
        for n in range(30):
            states = {f"street-0-{n % 4}": "vacant" if n % 2 else "occupied"}
            revision = await asyncio.to_thread(hand.publish, STREET, states)
        await until_revision(api, revision)
        await until(lambda: revision in seen, what="a reader has seen the last revision")
        done.set()
        return revision

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(reader(), name=f"reader {n}") for n in range(300)]
        last = tasks.create_task(writer(), name="writer")
    assert all(task.result() > 0 for task in readers)
    assert max(seen) == last.result()
    assert {len(numbers) for numbers in seen.values()} == {1}
