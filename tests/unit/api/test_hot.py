"""The short way for hot reads says, byte for byte, what the routes say."""

import itertools
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from parking.settings import Settings
from tests.support.serving import Served, loaded_app, served

PATHS = ("/v1/sites", "/v1/sites/queen-street", "/v1/signs/vms-queen-street")
CONDITIONS: tuple[dict[str, str], ...] = ({}, {"If-None-Match": "*"}, {"If-None-Match": '"other"'})
CODINGS = ("", "gzip", "zstd, gzip;q=0.5", "identity;q=0, gzip")
OTHERS = (
    *("/v1/sites/", "/v1/sites/no", "/v1/sites/queen-street/bays", "/v1/signs/", "/v1/sitesx"),
    *("/v1/sites?x=1", "/v1/sites/queen%2Dstreet", "/v1/signs/vms-queen-street?format=text"),
)


@pytest.fixture
async def short() -> AsyncIterator[Served]:
    async with served(loaded_app()) as one:
        yield one


@pytest.fixture
async def long() -> AsyncIterator[Served]:
    """The same application without the short way."""
    async with served(loaded_app(), short=False) as one:
        yield one


async def unreachable(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope["path"])


def told(answer: httpx.Response) -> tuple[object, ...]:
    headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"date"]
    return answer.status_code, answer.reason_phrase, headers, answer.content


async def test_it_says_what_the_routes_say(short: Served, long: Served) -> None:
    accepts = ("*/*", "application/json", "text/plain", "text/html")
    for path, accept, condition, coding in itertools.product(PATHS, accepts, CONDITIONS, CODINGS):
        await alike(short, long, path, {"Accept": accept, **condition, "Accept-Encoding": coding})
    for path, condition in itertools.product(OTHERS, CONDITIONS):
        await alike(short, long, path, condition)
    assert short.metrics() == long.metrics()


async def alike(short: Served, long: Served, path: str, headers: dict[str, str]) -> None:
    headers = {**headers, "Host": "parking.test"}
    found, expected = [await one.client.get(path, headers=headers) for one in (short, long)]
    assert told(found) == told(expected), (path, headers)
    assert "date" in found.headers


async def test_hot_reads_do_not_reach_the_application(short: Served) -> None:
    short.app.front = unreachable  # type: ignore[attr-defined]
    for path in PATHS:
        assert (await short.client.get(path)).status_code == 200
        assert (await short.client.get(path, headers={"If-None-Match": "*"})).status_code == 304


def request(path: str, *lines: str, method: str = "GET", version: str = "1.1", body: str = "") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *lines, "", body]).encode()


BYE = request("/healthz", "Connection: close")
SITE = request("/v1/sites/queen-street")


CONVERSATIONS = (
    SITE + SITE + BYE,
    request("/v1/nearby?lat=51.48&lon=-3.17") + SITE + request("/v1/sites") + BYE,
    SITE + request("/v1/sites/no") + SITE + BYE,
    request("/v1/sites/queen-street", "Connection: close"),
    request("/v1/sites/queen-street", version="1.0"),
    request("/v1/sites/queen-street", method="HEAD") + BYE,
    request("/v1/sites/queen-street", method="DELETE") + BYE,
    request("/v1/sites/queen-street", "Content-Length: 4", body="GET ") + SITE + BYE,
    request("/v1/sites", "Transfer-Encoding: chunked", body="4\r\nGET \r\n0\r\n\r\n") + SITE + BYE,
)


async def test_what_comes_on_one_connection_is_answered_alike_and_in_order(
    short: Served, long: Served
) -> None:
    for requests in CONVERSATIONS:
        assert await short.say(requests) == await long.say(requests), requests
    assert short.metrics() == long.metrics()


async def test_hot_reads_count_against_the_limit_of_their_address() -> None:
    async with served(loaded_app(rate_per_s=1, rate_burst=3)) as one:
        for path in ("/v1/sites/queen-street", "/v1/signs/vms-queen-street"):
            statuses = [(await one.client.get(path)).status_code for _ in range(4)]
            assert statuses == [200, 200, 200, 429]


async def test_an_unknown_id_counts_once_against_the_limit() -> None:
    async with served(loaded_app(rate_per_s=1, rate_burst=2)) as one:
        statuses = [(await one.client.get("/v1/sites/no")).status_code for _ in range(3)]
        assert statuses == [404, 404, 429]


async def test_nothing_is_answered_from_memory_before_the_first_load() -> None:
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    async with served(app) as one:
        assert (await one.client.get("/v1/sites")).status_code == 503


async def test_the_poll_of_a_sign_is_noted(short: Served) -> None:
    noted: list[str] = []
    short.app.state.parts.polls.note = lambda sign, text, at: noted.append(sign)
    await short.client.get("/v1/signs/vms-queen-street")
    assert noted == ["vms-queen-street"]
