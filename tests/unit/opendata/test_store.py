"""Documents are kept while they are true, made again when they are not, and never given beyond."""

import asyncio
import json
from dataclasses import replace

import pytest

from api.clock import DatabaseClock
from api.live import LiveView, NotLoaded
from api.opendata.document import Document
from api.opendata.documents import DOCUMENTS
from api.opendata.store import OpenData
from parking.db.live import Changes
from parking.outlook import NoForecasts
from tests.support.live import NOW, Hands, confirmation, everything, snapshot, street
from tests.support.published import PUBLISHER

SITES = next(document for document in DOCUMENTS if document.path == "/open-data/sites.geojson")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def view(hands: Hands) -> LiveView:
    view = LiveView(clock=DatabaseClock(hands), stale_after_s=15)
    view.clock.sync(NOW, asked_at=0)
    view.replace(everything(street("vvo"), street("uo", site="mews"), confirmed_s_ago=0))
    return view


@pytest.fixture
def data(view: LiveView) -> OpenData:
    return OpenData(view, PUBLISHER, forecasts=NoForecasts())


async def _vacant(data: OpenData) -> list[tuple[int, bool]]:
    made, _ = await data.get(SITES)
    features = json.loads(made.body)["features"]
    return [(feature["properties"]["vacant"], feature["properties"]["stale"]) for feature in features]


async def test_nothing_is_told_before_the_first_load(hands: Hands) -> None:
    empty = LiveView(clock=DatabaseClock(hands), stale_after_s=15)
    with pytest.raises(NotLoaded):
        await OpenData(empty, PUBLISHER, forecasts=NoForecasts()).get(SITES)


async def test_a_document_stays_while_only_confirmations_come(
    data: OpenData, view: LiveView, hands: Hands
) -> None:
    first, _ = await data.get(SITES)
    hands.seconds = 4
    view.confirm(replace(confirmation(0), confirmed_at=NOW.replace(second=4)))
    assert (await data.get(SITES))[0] is first


async def test_a_new_number_is_told_once_the_pause_is_over(
    data: OpenData, view: LiveView, hands: Hands
) -> None:
    assert await _vacant(data) == [(2, False), (0, False)]
    view.apply(Changes(confirmation(0), [snapshot("voo", revision=2)], []))
    assert await _vacant(data) == [(2, False), (0, False)]
    hands.seconds = 2
    assert await _vacant(data) == [(1, False), (0, False)]


async def test_a_number_that_turns_stale_is_never_told_as_fresh(data: OpenData, hands: Hands) -> None:
    await data.get(SITES)
    hands.seconds = 15.01
    assert await _vacant(data) == [(2, True), (0, True)]


async def test_a_new_registry_is_told_at_once(data: OpenData, view: LiveView) -> None:
    await data.get(SITES)
    view.replace(everything(street("vv", category="resident"), confirmed_s_ago=0))
    assert await _vacant(data) == [(2, False)]


async def test_a_city_that_changes_while_it_is_told_of_does_not_change_what_is_told(
    data: OpenData, view: LiveView
) -> None:
    def render(city: object) -> bytes:
        view.apply(Changes(confirmation(0), [snapshot("ooo", revision=9)], []))
        return SITES.render(city)  # type: ignore[arg-type]

    made, _ = await data.get(replace(SITES, path="/changing", render=render))
    assert [one["properties"]["vacant"] for one in json.loads(made.body)["features"]] == [2, 0]


async def test_many_who_ask_at_once_cost_one_rendering(data: OpenData) -> None:
    made: list[Document] = []

    def render(city: object) -> bytes:
        made.append(SITES)
        return b"{}"

    slow = replace(SITES, path="/slow", render=render)
    await asyncio.gather(*(data.get(slow, b"gzip") for _ in range(50)))
    assert len(made) == 1
