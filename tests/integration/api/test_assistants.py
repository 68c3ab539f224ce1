"""What an assistant can ask, through the protocol's own client from a running API."""

from typing import Any

import httpx
from mcp import Client
from mcp_types import TextContent

from parking.settings import Settings
from tests.integration.api.conftest import Api, running_api


async def ask(api: Api, tool: str, **arguments: Any) -> Any:
    """What a tool answers: its structured content, or the text of its error."""
    async with Client(f"{api.url}/mcp") as client:
        result = await client.call_tool(tool, arguments)
    if result.is_error:
        (text,) = result.content
        assert isinstance(text, TextContent)
        return text.text
    return result.structured_content


async def test_the_tools_say_what_they_do_and_that_they_only_read(api: Api) -> None:
    async with Client(f"{api.url}/mcp") as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == {"find_parking", "find_place", "parking_site"}
    assert all(tool.description and tool.annotations and tool.annotations.read_only_hint for tool in tools)
    (find,) = [tool for tool in tools if tool.name == "find_parking"]
    assert "18:00" in find.input_schema["properties"]["arrival"]["description"]
    assert all("title" in one or "$ref" in one for one in find.input_schema["properties"].values())


async def test_parking_near_a_named_place_is_what_nearby_tells(api: Api) -> None:
    found = await ask(api, "find_parking", place="street 1", arrival="20")
    nearby = (
        await api.client.get(
            "/v1/nearby",
            params={
                "lat": 51.48,
                "lon": -3.169,
                "radius_m": 1000,
                "limit": 5,
                "arrival": "20",
                "include_full": "true",
            },
        )
    ).json()["results"]
    assert found["near"]["name"] == "Street 1"
    told = [(one["site"], one["free"], one["not_known"], one["walking_minutes"]) for one in found["results"]]
    assert told == [
        (one["id"], one["matching_vacant"], one["matching_unknown"], one["walking_minutes"]) for one in nearby
    ]
    assert found["results"], "a street is near itself"


async def test_one_site_has_the_number_that_everybody_is_told(api: Api) -> None:
    told = await ask(api, "parking_site", site="castle-mews")
    published = (await api.client.get("/v1/sites/castle-mews")).json()
    shared = ("name", "capacity", "vacant", "occupied", "unknown", "stale", "revision", "status", "timezone")
    assert {name: told[name] for name in shared} == {name: published[name] for name in shared}


async def test_a_place_is_found_by_name(api: Api) -> None:
    found = await ask(api, "find_place", name="castle")
    assert found == {"result": []}, "the car park has no location"
    found = await ask(api, "find_place", name="street")
    assert [one["name"] for one in found["result"]] == ["Street 0", "Street 1"]


async def test_what_cannot_be_answered_is_said_in_words(api: Api) -> None:
    assert "No place called 'Atlantis'" in await ask(api, "find_parking", place="Atlantis")
    assert "lat and lon go together" in await ask(api, "find_parking", lat=51.48)
    assert "Give a place" in await ask(api, "find_parking")
    assert "'teatime' cannot be used: minutes from now" in await ask(
        api, "find_parking", place="Street 0", arrival="teatime"
    )
    assert "There is no site 'nowhere'" in await ask(api, "parking_site", site="nowhere")


async def test_nothing_is_made_up_before_the_first_load() -> None:
    nowhere = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", rate_per_s=0)
    async with running_api(nowhere, loaded=False) as api:
        assert "just started" in await ask(api, "find_parking", place="Street 0")


async def test_a_body_that_is_no_question_is_refused(api: Api) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    answers: list[httpx.Response] = [
        await api.client.post("/mcp", content=body, headers=headers)
        for body in (b"", b"{", b"[" * 5000, b'{"jsonrpc":"2.0","id":1,"method":"nonsense"}', b"x" * 200_000)
    ]
    assert all(400 <= answer.status_code < 500 or "error" in answer.json() for answer in answers)
    assert (await api.client.get("/mcp")).status_code == 405
