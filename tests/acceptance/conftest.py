"""Servers of their own for the tests that break them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.acceptance.rig import Rig, loaded_town
from tests.conftest import StartProcess
from tests.support.mosquitto import PrivateMosquitto
from tests.support.postgres import PrivatePostgres, Template, postgres_template
from tests.support.services import Services


class Town(Protocol):
    """Makes a loaded town on this test's own broker; `loaded_town` says with what."""

    def __call__(self, **options: Any) -> AbstractAsyncContextManager[Rig]: ...


@pytest.fixture(scope="session")
def own_servers(services: Services) -> None:
    """Whether a test can have a Mosquitto and a TimescaleDB that it may break."""
    if not services.runs_own_mosquitto:
        pytest.skip("needs servers of its own out of the Debian root of `make services` (root on Debian)")


@pytest.fixture(scope="session")
def template(own_servers: None) -> Iterator[Template]:
    """The data folder that every private database begins with."""
    with postgres_template() as made:
        yield made


@pytest.fixture
async def postgres(template: Template) -> AsyncIterator[PrivatePostgres]:
    """A TimescaleDB for this test alone."""
    async with PrivatePostgres(template) as own:
        yield own


@pytest.fixture
async def mosquitto(own_servers: None) -> AsyncIterator[PrivateMosquitto]:
    """A Mosquitto for this test alone."""
    async with PrivateMosquitto() as own:
        yield own


@pytest.fixture
def loaded(mosquitto: PrivateMosquitto, tmp_path: Path, process: StartProcess) -> Town:
    """Makes a loaded town: `async with loaded(database_url=...) as rig`."""

    def make(**options: Any) -> AbstractAsyncContextManager[Rig]:
        return loaded_town(mqtt_url=mosquitto.url, folder=tmp_path, start=process, **options)

    return make
