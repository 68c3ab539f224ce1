"""The short way for hot reads says exactly what the routes say."""

import itertools
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from api.clock import DatabaseClock
from api.hot import HotReads
from parking.settings import Settings
from tests.support.live import NOW, Hands, everything, street

PATHS = ("/v1/sites", "/v1/sites/queen-street", "/v1/signs/vms-queen-street")
CONDITIONS: tuple[dict[str, str], ...] = ({}, {"If-None-Match": "*"}, {"If-None-Match": '"other"'})
CODINGS = ("", "gzip", "zstd, gzip;q=0.5", "identity;q=0, gzip")
OTHERS = ("/v1/sites/", "/v1/sites/no", "/v1/sites/queen-street/bays", "/v1/signs/")


def loaded_app(*, sites: int = 2) -> FastAPI:
    """The application with some streets, at a time that stands still."""
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    view = app.state.parts.view
    view.clock = DatabaseClock(Hands())
    view.clock.sync(NOW, asked_at=0)
    streets = [street("vvou"), *(street("o", site=f"mews-{n}") for n in range(1, sites))]
    view.replace(everything(*streets, confirmed_s_ago=0))
    return app


@pytest.fixture
def app() -> FastAPI:
    return loaded_app()


@pytest.fixture
def without() -> ASGIApp:
    """The same application without the short way."""
    return cast(ASGIApp, loaded_app().routed)  # type: ignore[attr-defined]


async def get(app: ASGIApp, path: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("path", [*PATHS, *OTHERS])
async def test_it_says_what_the_routes_say(app: FastAPI, without: ASGIApp, path: str) -> None:
    for accept in ("*/*", "application/json", "text/plain", "text/html"):
        for others in itertools.product(CONDITIONS, CODINGS):
            headers = {"Accept": accept, **others[0], "Accept-Encoding": others[1]}
            short, long = await get(app, path, headers), await get(without, path, headers)
            assert short.status_code == long.status_code, headers
            assert sorted(short.headers.multi_items()) == sorted(long.headers.multi_items()), headers
            assert short.content == long.content, headers


async def test_hot_reads_do_not_reach_the_routes(app: FastAPI) -> None:
    async def unreachable(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError(scope["path"])

    parts = app.state.parts
    hot = HotReads(unreachable, parts.answers, parts.metrics, polls=parts.polls)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hot), base_url="http://test") as client:
        for path in PATHS:
            assert (await client.get(path)).status_code == 200
