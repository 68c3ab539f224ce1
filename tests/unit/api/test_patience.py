"""Clients that would hold much of the server: endless heads, more requests than can be answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api import patience
from tests.support.polling import until
from tests.support.serving import Served, loaded_app, served

STREAM = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"
SITE = b"GET /v1/sites/queen-street HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    async with served(loaded_app()) as one:
        yield one


async def test_a_head_without_an_end_is_refused(server: Served) -> None:
    begin, line = b"GET /v1/sites HTTP/1.1\r\nHost: x\r\n", b"X: " + b"y" * 1019 + b"\r\n"
    assert await server.say(begin, *[line] * 64, b"X") == (
        b"HTTP/1.1 400 Bad Request\r\ndate: now\r\ncontent-type: text/plain; charset=utf-8\r\n"
        b"content-length: 43\r\nconnection: close\r\n\r\nThe head of a request may have 65536 bytes."
    )


async def test_a_head_of_usual_length_may_come_slowly_and_a_long_body_after_it(server: Served) -> None:
    cookie = b"Cookie: " + b"c" * 30_000 + b"\r\n"
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + cookie
    said = await server.say(
        *(head[at : at + 1000] for at in range(0, len(head), 1000)), b"Connection: close\r\n\r\n"
    )
    assert said.startswith(b"HTTP/1.1 200 OK")
    body = b"x" * 500_000
    said = await server.say(
        b"POST /v1/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n",
        *(body[at : at + 50_000] for at in range(0, len(body), 50_000)),
    )
    assert said.startswith(b"HTTP/1.1 401")


async def test_a_connection_may_ask_much_ahead_but_not_without_end(server: Served) -> None:
    most = patience.MOST_WAITING
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(STREAM + SITE * most)
    await reader.readuntil(b"\r\n\r\n")
    (held,) = server.connections()
    await until(lambda: len(held.pipeline) == most, what="the requests wait")
    assert not reader.at_eof()
    writer.close()
    assert (await server.say(STREAM + SITE * (most + 1))).count(b"HTTP/1.1") <= 1


async def test_a_stream_ends_when_its_client_goes_though_more_was_asked_after_it(server: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(STREAM + SITE)
    await reader.readuntil(b"\r\n\r\n")
    assert server.server.server_state.tasks
    writer.close()
    await until(lambda: not server.server.server_state.tasks, what="the stream has ended")
