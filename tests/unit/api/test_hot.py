"""The short way for hot reads says, byte for byte, what the routes say."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from parking.settings import Settings
from tests.support.polling import until
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
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *lines, "", body]).encode("latin-1")


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
    request("/v1/sites", "Content-Length: 0") + SITE + BYE,
    request("/v1/sites", "Expect: 100-continue") + SITE + BYE,
    request("/v1/sites", "Upgrade: h2c", "Connection: Upgrade, close"),
    request("/v1/sites", "Upgrade: websocket") + SITE + BYE,
    request("/v1/sites", "Connection: keep-alive", version="1.0") + BYE,
    request("http://elsewhere.test/v1/sites") + request("/v1/sites#here") + BYE,
    request("/v1/sites", "Host: y") + b"GET /v1/sites HTTP/1.1\r\n\r\n" + BYE,
    request("/v1/sites", "Range: bytes=0-3", "Authorization: Bearer none", "X-Api-Key: none") + BYE,
    request("/v1/sites", "If-None-Match: *", 'If-None-Match: "other"') + BYE,
    request("/v1/sites", 'If-None-Match: "other"', "If-None-Match: *") + BYE,
    request("/v1/sites", "If-None-Match: " + ", ".join(f'W/"{n}"' for n in range(2000)) + ", *") + BYE,
    request("/v1/sites", "Accept-Encoding: gzip", "Accept-Encoding: identity") + BYE,
    request("/v1/sites", "Accept-Encoding: gzip;q=\xff, ;;, =", "Accept: \xff") + BYE,
    request("/v1/signs/vms-queen-street", "Accept: text/plain", "Accept: */*") + BYE,
    request("/v1/signs/vms-queen-street", "Accept: */*", "Accept: text/plain") + BYE,
    request("/v1/sites", *(f"X-{n}: {n}" for n in range(3000))) + SITE + BYE,
    SITE.replace(b"\r\n", b"\n") + BYE,
)


async def test_what_comes_on_one_connection_is_answered_alike_and_in_order(
    short: Served, long: Served
) -> None:
    for requests in CONVERSATIONS:
        assert await short.say(requests) == await long.say(requests), requests
    assert short.metrics() == long.metrics()


async def test_a_request_may_come_in_any_pieces(short: Served) -> None:
    requests = request("/healthz") + SITE + request("/v1/signs/vms-queen-street") + SITE + BYE
    whole = await short.say(requests)
    assert whole.count(b"HTTP/1.1 200 OK") == 5
    assert await short.say(*(requests[at : at + 1] for at in range(len(requests)))) == whole
    for at in range(len(SITE)):
        assert await short.say(SITE[:at], SITE[at:] + BYE) == await short.say(SITE + BYE)


async def test_what_is_no_http_after_a_hot_read_ends_the_connection_after_its_answer(short: Served) -> None:
    alone = await short.say(request("/v1/sites/queen-street", "Connection: close"))
    said = await short.say(SITE + b"\x16\x03\x01 nonsense\r\n\r\n" + SITE)
    assert said.startswith(alone.replace(b"connection: close\r\n", b"") + b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 2


async def test_a_connection_is_idle_after_its_last_answer_alone() -> None:
    async with served(loaded_app(), idle_s=0) as one:
        assert (await one.say(SITE + SITE)).count(b"HTTP/1.1 200 OK") == 2
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(SITE + request("/v1/stream"))
        async with asyncio.timeout(60):
            await reader.readuntil(b"text/event-stream")
            for _ in range(10):
                await asyncio.sleep(0)
        (streaming,) = one.connections()
        assert not streaming.transport.is_closing()
        writer.close()


async def test_answers_that_nobody_reads_do_not_pile_up() -> None:
    async with served(loaded_app(sites=1000)) as one:
        length = len((await one.client.get("/v1/sites")).content)
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port, limit=1000)
        try:
            before = one.server.server_state.total_requests
            for _ in range(90):
                writer.write(request("/v1/sites"))
            address = writer.get_extra_info("sockname")
            (asked,) = (connection for connection in one.connections() if connection.client == address)
            await until(lambda: asked.flow.write_paused, what="the client's buffers are full")
            assert asked.transport.get_write_buffer_size() <= 2 * (length + 1000)
            taken = 0
            for _ in range(90):
                await reader.readuntil(b"\r\n\r\n")
                taken += len(await reader.readexactly(length))
            assert taken == 90 * length
            assert one.server.server_state.total_requests - before == 90
        finally:
            writer.close()


async def test_each_answer_is_whole_when_the_server_ends() -> None:
    async with served(loaded_app()) as one:
        length = len((await one.client.get("/v1/sites/queen-street")).content)
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        answered = 0
        writer.write(SITE)
        while head := await head_of(reader):
            assert head.startswith(b"HTTP/1.1 200 OK")
            await reader.readexactly(length)
            answered += 1
            one.server.should_exit = answered > 20
            writer.write(SITE)
        writer.close()
        assert answered > 20


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer; nothing where the connection has ended before it began."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except ConnectionError:
        return b""
    except asyncio.IncompleteReadError as error:
        return error.partial


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
