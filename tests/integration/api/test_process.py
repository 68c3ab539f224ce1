"""`parking api` as a process: it says where it listens, and ends cleanly."""

import socket
import time
from urllib.parse import urlsplit

import httpx

from tests.conftest import StartProcess
from tests.support.polling import PATIENCE_S
from tests.support.processes import ParkingProcess

SOON_S = 8
"""A reader would hold it up for ever; whoever runs it gives it at least ten seconds before it is killed."""


async def url_of(api: ParkingProcess) -> str:
    return (await api.wait_for_output(r"http://127\.0\.0\.1:\d+")).group()


async def test_sigterm_ends_it_soon_with_streams_open(process: StartProcess, city_url: str) -> None:
    api = await process("api", env={"PARKING_DATABASE_URL": city_url, "PARKING_API_PORT": "0"})
    url = await url_of(api)
    await api.wait_for_http(f"{url}/v1/sites")
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as client,
        client.stream("GET", "/v1/stream") as response,
    ):
        lines = response.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        asked_at = time.monotonic()
        code = await api.terminate()
        took = time.monotonic() - asked_at
    assert code == 0, api.output
    assert took < SOON_S
    assert "Traceback" not in api.output


async def test_a_client_that_stops_reading_does_not_hold_up_the_end(
    process: StartProcess, city_url: str
) -> None:
    api = await process("api", env={"PARKING_DATABASE_URL": city_url, "PARKING_API_PORT": "0"})
    url = await url_of(api)
    await api.wait_for_http(f"{url}/v1/sites")
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as deaf:
        deaf.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert deaf.recv(10) == b"HTTP/1.1 2"
        asked_at = time.monotonic()
        assert await api.terminate() == 0, api.output
        assert time.monotonic() - asked_at < SOON_S


async def test_a_port_that_is_taken_is_one_clear_sentence(process: StartProcess, city_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        api = await process("api", env={"PARKING_DATABASE_URL": city_url, "PARKING_API_PORT": port})
        assert await api.wait(15) == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in api.output
    assert "PARKING_API_PORT" in api.output
    assert "Traceback" not in api.output


async def test_without_a_database_it_starts_and_says_what_is_missing(process: StartProcess) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    api = await process("api", env={"PARKING_DATABASE_URL": nowhere, "PARKING_API_PORT": "0"})
    url = await url_of(api)
    ready = await api.wait_for_http(f"{url}/readyz", status=503)
    assert ready.json()["checks"]["database"]["ok"] is False
    assert (await api.wait_for_http(f"{url}/v1/sites", status=503)).headers["retry-after"] == "3"
    assert await api.terminate() == 0, api.output


async def test_without_an_address_of_the_database_it_says_how_to_set_it(process: StartProcess) -> None:
    api = await process("api", env={"PARKING_API_PORT": "0"})
    assert await api.wait(15) == 1
    assert "PARKING_DATABASE_URL is not set" in api.output
    assert "Traceback" not in api.output
