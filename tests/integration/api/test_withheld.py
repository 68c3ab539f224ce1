"""Bays whose use could tell of a person are in counts only, unless somebody with a key asks."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.opendata.documents import DOCUMENTS
from parking.access_keys import Scope
from parking.registry import parse_registry
from parking.settings import Settings
from tests.integration.api.conftest import Api, running_api
from tests.support.access import bearer, key_of
from tests.support.city import load
from tests.support.ingestor import HandIngestor
from tests.support.polling import until

CATEGORIES = {"mews-1": "standard", "mews-2": "disabled", "mews-3": "resident"}
STATES = {"mews-1": "vacant", "mews-2": "occupied", "mews-3": "vacant"}


@pytest.fixture
async def mews(database_url: str) -> AsyncIterator[Api]:
    """A street with a bay of each kind, all known."""
    bays = [
        {
            "id": id,
            "category": category,
            "location": {"lon": -3.17, "lat": 51.48},
            "sensor": {"id": f"s-{id}"},
        }
        for id, category in CATEGORIES.items()
    ]
    site = {"id": "mews", "name": "Mews", "kind": "on_street", "counting": "bays", "bays": bays}
    other = {**site, "id": "elsewhere", "bays": []}
    await load(database_url, parse_registry({"sites": [site, other]}, source="test"))
    async with running_api(Settings(database_url=database_url, rate_per_s=0)) as api:
        with HandIngestor(database_url) as ingestor:
            ingestor.confirm()
            ingestor.publish("mews", STATES)
        await until(lambda: api.parts.view.sites["mews"].snapshot.vacant == 2, what="the numbers arrive")
        yield api


async def _bays(api: Api, headers: dict[str, str] | None = None) -> tuple[httpx.Response, dict[str, str]]:
    answer = await api.client.get("/v1/sites/mews/bays", headers=headers)
    return answer, {bay["id"]: bay["state"] for bay in answer.json().get("bays", [])}


async def test_without_a_key_the_bay_is_listed_and_its_state_is_not(mews: Api) -> None:
    answer, states = await _bays(mews)
    assert states == {"mews-1": "vacant", "mews-2": "unknown", "mews-3": "unknown"}
    told = {bay["id"]: (bay.get("withheld", False), bay["since"] is None) for bay in answer.json()["bays"]}
    assert told == {"mews-1": (False, False), "mews-2": (True, True), "mews-3": (True, True)}
    site = (await mews.client.get("/v1/sites/mews")).json()
    assert (site["vacant"], site["occupied"], site["unknown"]) == (2, 1, 0)


async def test_with_a_key_for_reports_every_state_is_told_and_no_cache_keeps_it(
    mews: Api, database_url: str
) -> None:
    key = await key_of(database_url, Scope.REPORTS_READ)
    answer, states = await _bays(mews, bearer(key))
    assert states == STATES
    assert "no-store" in answer.headers["cache-control"]
    public, _ = await _bays(mews)
    assert "Authorization" in public.headers["vary"]
    assert (await _bays(mews, {"X-Api-Key": key.text}))[1] == STATES


async def test_a_key_for_something_else_or_for_another_site_tells_no_more(
    mews: Api, database_url: str
) -> None:
    for key in (
        await key_of(database_url, Scope.SIGNS_WRITE, name="signs"),
        await key_of(database_url, Scope.REPORTS_READ, sites=("elsewhere",)),
    ):
        assert (await _bays(mews, bearer(key)))[1]["mews-2"] == "unknown"
    assert (await mews.client.get("/v1/sites/mews/bays", headers=bearer("pk_wrong"))).status_code == 401
    proxy = {"Authorization": "Basic cHJveHk6cGFzc3dvcmQ="}
    assert (await mews.client.get("/v1/sites/mews/bays", headers=proxy)).status_code == 200


async def test_no_open_document_tells_of_a_withheld_bay(mews: Api) -> None:
    for document in DOCUMENTS:
        text = (await mews.client.get(document.path)).text
        assert "mews-2" not in text, document.path
        assert "mews-3" not in text, document.path


async def test_nearby_counts_them_and_does_not_say_which(mews: Api) -> None:
    query: dict[str, str | float] = {"lat": 51.48, "lon": -3.17, "radius_m": 500, "category": "resident"}
    answer = await mews.client.get("/v1/nearby", params=query)
    (site,) = answer.json()["results"]
    assert (site["matching_vacant"], site["bays"]) == (1, [])
