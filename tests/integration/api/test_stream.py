"""The event stream: changes as they happen, replay after a lost connection, a reset when that cannot be."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Api, StartApi
from tests.support.city import load, small_registry
from tests.support.ingestor import HandIngestor
from tests.support.polling import until

STREET = "street-0"


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: Any


@pytest.fixture
def hand(city_url: str) -> Iterator[HandIngestor]:
    with HandIngestor(city_url) as hand:
        hand.confirm()
        yield hand


@asynccontextmanager
async def stream(
    api: Api, query: str = "", *, last: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with api.client.stream("GET", f"/v1/stream{query}", headers=headers, timeout=20) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


async def test_a_change_is_told_as_the_site_then_is(api: Api, hand: HandIngestor) -> None:
    async with stream(api) as events:
        assert (await anext(events)).name == "start"
        revision = hand.publish(STREET, {"street-0-0": "vacant"})
        event = await anext(events)
        assert (event.name, event.data["id"], event.data["revision"]) == ("site", STREET, revision)
        told = {name: value for name, value in event.data.items() if name != "as_of"}
        site = (await api.client.get(f"/v1/sites/{STREET}")).json()
        assert site.items() >= told.items()


async def test_what_was_missed_is_told_again_in_order(api: Api, hand: HandIngestor) -> None:
    async with stream(api) as events:
        last = (await anext(events)).id
    revisions = [hand.publish(STREET, {"street-0-0": state}) for state in ("vacant", "occupied")]
    await until(lambda: api.parts.view.sites[STREET].snapshot.revision == revisions[-1], what="applied")
    hand.publish("street-1", {"street-1-0": "vacant"})
    async with stream(api, last=last) as events:
        seen = []
        while (event := await anext(events)).data["id"] == STREET:
            seen.append(event.data["revision"])
        assert seen
        assert (seen[-1], seen) == (revisions[-1], sorted(set(seen)))
        resumed = event.id
    async with stream(api, last=resumed) as events:
        revision = hand.publish(STREET, {"street-0-0": "vacant"})
        assert (await anext(events)).data["revision"] == revision


async def test_an_id_of_another_process_is_answered_with_a_reset(api: Api, hand: HandIngestor) -> None:
    async with stream(api, last="0123abcd.0-17") as events:
        reset = await anext(events)
        assert (reset.name, reset.id) == ("reset", str(api.parts.log.end))
        assert "restarted" in reset.data["reason"]
        revision = hand.publish(STREET, {"street-0-0": "vacant"})
        assert (await anext(events)).data["revision"] == revision


async def test_an_id_that_is_too_old_is_answered_with_a_reset(api: Api, hand: HandIngestor) -> None:
    old = str(api.parts.log.end)
    api.parts.log.publish((STREET, b"{}") for _ in range(10_001))
    async with stream(api, last=old) as events:
        assert (await anext(events)).name == "reset"


async def test_a_filter_tells_of_its_sites_only(api: Api, hand: HandIngestor) -> None:
    async with stream(api, "?site=street-1&site=castle-mews") as events:
        assert (await anext(events)).name == "start"
        hand.publish(STREET, {"street-0-0": "vacant"})
        await until(lambda: api.parts.view.sites[STREET].snapshot.vacant == 1, what="applied")
        hand.publish("street-1", {"street-1-0": "vacant"})
        assert (await anext(events)).data["id"] == "street-1"


async def test_an_area_tells_of_the_sites_in_it_only(api: Api, hand: HandIngestor) -> None:
    # The streets lie 70 m apart, the car park nowhere.
    async with stream(api, "?lat=51.48&lon=-3.169&radius_m=40") as events:
        assert (await anext(events)).name == "start"
        hand.publish(STREET, {"street-0-0": "vacant"})
        await until(lambda: api.parts.view.sites[STREET].snapshot.vacant == 1, what="applied")
        hand.publish("street-1", {"street-1-0": "vacant"})
        assert (await anext(events)).data["id"] == "street-1"


async def test_an_area_without_sites_is_silent_and_half_a_place_refused(api: Api, hand: HandIngestor) -> None:
    async with stream(api, "?lat=10&lon=10") as events:
        assert (await anext(events)).name == "start"
        hand.publish(STREET, {"street-0-0": "vacant"})
        await until(lambda: api.parts.view.sites[STREET].snapshot.vacant == 1, what="applied")
        api.parts.log.restart("the test ends")
        assert (await anext(events)).name == "reset"
    refused = await api.client.get("/v1/stream?lat=51.48")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "query.lon")


async def test_turning_stale_is_told(start_api: StartApi, hand: HandIngestor) -> None:
    async with start_api(stale_after_s=4) as api, stream(api, f"?site={STREET}") as events:

        async def turned(stale: bool) -> str:
            return await anext(event.data["id"] async for event in events if event.data.get("stale") is stale)

        assert (await anext(events)).name == "start"
        hand.confirm()
        assert await turned(True) == STREET
        hand.confirm()
        assert await turned(False) == STREET


async def test_a_new_registry_and_a_restored_database_reset_the_stream(
    api: Api, hand: HandIngestor, city_url: str
) -> None:
    revision = hand.publish(STREET, {"street-0-0": "vacant"})
    await until(lambda: api.parts.view.sites[STREET].snapshot.revision == revision, what="applied")
    async with stream(api) as events:
        assert (await anext(events)).name == "start"
        await load(city_url, small_registry(bays=4, sites=3))
        reset = await anext(events)
        assert (reset.name, "changed" in reset.data["reason"]) == ("reset", True)
        hand.run("UPDATE site_state SET revision = 0 WHERE site_id = %s", (STREET,))
        hand.cut_api()
        reset = await anext(events)
        assert (reset.name, "backup" in reset.data["reason"]) == ("reset", True)


async def test_many_readers_are_told_and_counted_and_leave_nothing_behind(
    api: Api, hand: HandIngestor
) -> None:
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(stream(api)) for _ in range(300)]
        for events in readers:
            assert (await anext(events)).name == "start"
        assert api.parts.log.readers == 300
        revision = hand.publish(STREET, {"street-0-0": "vacant"})
        assert {(await anext(events)).data["revision"] for events in readers} == {revision}
    await until(lambda: api.parts.log.readers == 0, what="all readers have left")


async def test_head_of_the_stream_ends(api: Api, hand: HandIngestor) -> None:
    response = await api.client.head("/v1/stream", timeout=5)
    assert (response.status_code, response.content) == (200, b"")
    await until(lambda: api.parts.log.readers == 0, what="the reader has left")
