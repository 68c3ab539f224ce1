"""Clients that mean no good, or no better: long, deep, slow and strange requests to a real server."""

import asyncio
import json
from time import monotonic

import pytest

from api import edge, patience
from parking.access_keys import Scope
from tests.integration.api.conftest import Api, shares_api
from tests.support.access import bearer, key_of
from tests.support.polling import until


async def raw(api: Api, request: bytes) -> bytes:
    """What the server answers to these bytes until it closes, or nothing more comes."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read(100_000)
    finally:
        writer.close()


async def test_long_and_deep_bodies_are_refused_and_all_goes_on(api: Api, city_url: str) -> None:
    key = bearer(await key_of(city_url, Scope.KEYS_WRITE)) | {"Content-Type": "application/json"}
    deep = b'{"name":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    long = json.dumps({"name": "x" * 1_000_000, "scopes": ["reports:read"]}).encode()
    longer = b" " * 9_000_000
    for body, statuses in ((deep, {400, 422}), (long, {422}), (longer, {413})):
        answered = await api.client.post("/v1/keys", content=body, headers=key)
        assert answered.status_code in statuses
        assert answered.headers["content-type"] == "application/problem+json"
        assert len(answered.content) < 2000, "what came is not sent back whole"
    assert (await api.client.get("/v1/sites")).status_code == 200


@shares_api
@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static/..%2f..%2fpyproject.toml",
        "/v1/sites/..%2f..%2fetc%2fpasswd",
        "/v1/sites/%00",
        "/v1/sites/%ff%fe",
        "//evil.example/%2e%2e",
        "/v1/signs/%0d%0aSet-Cookie:%20x=1",
        "/v1/sites/" + "a" * 5000,
    ],
)
async def test_path_tricks_lead_nowhere(shared_api: Api, path: str) -> None:
    answer = await raw(shared_api, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3")), head
    assert b"root:" not in answer
    assert b"[project]" not in answer
    assert b"set-cookie" not in head.lower()
    assert b"Traceback" not in answer


async def test_strange_numbers_are_named_with_their_rule(api: Api) -> None:
    for query in ("lat=nan&lon=0", "lat=inf&lon=0", "lat=91&lon=0", "lat=0&lon=0&limit=1000000000000"):
        refused = await api.client.get(f"/v1/nearby?{query}")
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["rule"]
        assert error["field"].startswith("query.")


async def test_what_is_no_http_is_refused(api: Api) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00\x01", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert (await raw(api, nonsense)).startswith(b"HTTP/1.1 400")
    assert (await api.client.get("/v1/sites")).status_code == 200


async def test_slow_heads_are_cut_off_and_nobody_waits_for_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience.close_late, "__kwdefaults__", {"patience_s": 1.0})
    host, port = api.url.removeprefix("http://").split(":")
    lines = [await asyncio.open_connection(host, int(port)) for _ in range(200)]
    for number, (_, writer) in enumerate(lines):
        writer.write(b"GET /v1/sites HTTP/1.1\r\nHo" if number % 2 else b"")
    began = monotonic()
    assert (await api.client.get("/v1/sites")).status_code == 200
    assert monotonic() - began < 5

    def cut() -> bool:
        return all(reader.at_eof() for reader, _ in lines)

    await until(cut, what="all are cut off")
    for _, writer in lines:
        writer.close()


async def test_a_slow_body_is_given_up(api: Api, city_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "BODY_S", 0.5)
    key = await key_of(city_url, Scope.KEYS_WRITE)
    head = f"POST /v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key.text}\r\n"
    answer = await raw(api, head.encode() + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer
