"""The real API, served over HTTP from a real database with a small city in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from api.parts import Parts
from api.server import listen, make_server, url_of
from parking.settings import Settings
from tests.support.city import load, small_registry
from tests.support.databases import Databases
from tests.support.polling import PATIENCE_S, until
from tests.support.services import run_sync


@dataclass(frozen=True, slots=True)
class Api:
    """A running API: a client of it, its parts, its address, and the application itself."""

    client: httpx.AsyncClient
    parts: Parts
    url: str
    app: FastAPI


StartApi = Callable[..., AbstractAsyncContextManager[Api]]


@asynccontextmanager
async def running_api(settings: Settings, *, loaded: bool = True) -> AsyncIterator[Api]:
    """Serve on any free port until the end; wait for the first load unless told otherwise."""
    listener = listen("127.0.0.1", 0)
    server = make_server(settings)
    app = server.config.app
    assert isinstance(app, FastAPI)
    parts: Parts = app.state.parts
    # Not in a task group: a test that fails would cancel the server, which then closes nothing.
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    try:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=url_of(listener), trust_env=False, timeout=PATIENCE_S, limits=limits
        ) as client:
            await until(lambda: server.started or serving.done(), what="the server listens")
            if loaded:
                await until(lambda: parts.view.loaded or serving.done(), what="the first load")
            yield Api(client, parts, url_of(listener), app)
    finally:
        server.should_exit = True
        await serving


shares_api = pytest.mark.asyncio(loop_scope="module")
"""For tests that leave the city as it was, such as those of what is refused: they ask `shared_api`."""


@pytest.fixture
async def city_url(database_url: str) -> str:
    """A database with two streets of four bays, and one gate-counted car park of 100 spaces with 10 taken."""
    await load(database_url, small_registry(bays=4, sites=2))
    return database_url


@pytest.fixture(scope="module")
def shared_city_url(databases: Databases) -> Iterator[str]:
    """That city, once for all tests of a file that leave it as it was."""
    url = databases.create()
    run_sync(load(url, small_registry(bays=4, sites=2)))
    yield url
    databases.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(shared_city_url: str) -> AsyncIterator[Api]:
    """The API on the shared city; it runs while a test that `shares_api` does."""
    async with running_api(Settings(database_url=shared_city_url, rate_per_s=0)) as api:
        yield api


@pytest.fixture
def start_api(city_url: str) -> StartApi:
    """Run the API on that city; settings and `loaded` can be given. No limit: tests ask from one address."""

    def start(*, loaded: bool = True, **settings: object) -> AbstractAsyncContextManager[Api]:
        settings = {"rate_per_s": 0, **settings}
        return running_api(Settings(database_url=city_url, **settings), loaded=loaded)  # type: ignore[arg-type]

    return start


@pytest.fixture
async def api(start_api: StartApi) -> AsyncIterator[Api]:
    """The API on that city."""
    async with start_api() as api:
        yield api
