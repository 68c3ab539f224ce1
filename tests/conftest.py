"""Fixtures for every test: databases, brokers, processes, shared data. Each starts when asked for."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from cli.embedded import EmbeddedBroker
from tests.support.databases import Databases
from tests.support.mosquitto import PrivateMosquitto
from tests.support.processes import ParkingProcess
from tests.support.services import PROJECT, Services, find_services

Broker = EmbeddedBroker | PrivateMosquitto
StartProcess = Callable[..., Awaitable[ParkingProcess]]

_SERVICES = pytest.StashKey[Services]()


# A machine that others use too is slow at times; that is no fault of what is tested.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SERVICES] = find_services()


def pytest_report_header(config: pytest.Config) -> list[str]:
    found = config.stash[_SERVICES]
    lines = [f"database: {found.database_kind}", f"broker: {found.broker_kind}"]
    if found.database_kind.startswith("embedded"):
        lines.append(
            "the tests marked timescale run on PostgreSQL without it; for the real one: make services"
        )
    if found.broker_kind.startswith("embedded"):
        lines.append("the tests marked mosquitto run on nats-server; for the real one: make services")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "each_database_url" in metafunc.fixturenames:
        main, plain = "database_url", "plain_database_url"
        both = metafunc.config.stash[_SERVICES].plain_is_another
        metafunc.parametrize("each_database_url", [main, plain] if both else [plain], indirect=True)


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Iterator[Services]:
    """What this session runs against."""
    found = pytestconfig.stash[_SERVICES]
    yield found
    found.close()


@pytest.fixture(scope="session")
def databases(services: Services) -> Iterator[Databases]:
    """The maker of databases on the main server: TimescaleDB where there is one."""
    maker = Databases(services.database())
    yield maker
    maker.close()


@pytest.fixture(scope="session")
def plain_databases(services: Services) -> Iterator[Databases]:
    """The maker of databases on PostgreSQL without TimescaleDB."""
    maker = Databases(services.plain_database())
    yield maker
    maker.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh migrated database for this test, on TimescaleDB where there is one."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A fresh database without a schema, for tests of the migrations themselves."""
    url = databases.create_empty()
    yield url
    databases.drop(url)


@pytest.fixture
def plain_database_url(plain_databases: Databases) -> Iterator[str]:
    """A fresh migrated database on PostgreSQL without TimescaleDB."""
    url = plain_databases.create()
    yield url
    plain_databases.drop(url)


@pytest.fixture
def each_database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database; the test runs once on TimescaleDB and once on plain PostgreSQL."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(scope="session")
def admin_database_url(services: Services) -> str:
    """A superuser's address of the main server, to its database `postgres`."""
    return services.database().admin_url


@pytest.fixture
async def broker(services: Services, tmp_path: Path) -> AsyncIterator[Broker]:
    """A broker for this test alone, Mosquitto if possible. `stop()` and `start()` keep port and store."""
    async with (
        PrivateMosquitto() if services.runs_own_mosquitto else EmbeddedBroker(tmp_path / "broker") as own
    ):
        yield own


@pytest.fixture
def mqtt_url(request: pytest.FixtureRequest, services: Services) -> str:
    """The address of a broker: one for this test alone, or the one that the environment names."""
    if services.shared_mqtt_url and not services.runs_own_mosquitto:
        return services.shared_mqtt_url
    own: Broker = request.getfixturevalue("broker")
    return own.url


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Start `parking ...` with `await process("ingest", env={...})`; what still runs at the end is ended."""
    started: list[ParkingProcess] = []

    async def start(*arguments: str, env: Mapping[str, str] | None = None) -> ParkingProcess:
        log = tmp_path / f"parking-{len(started)}-{arguments[0]}.log"
        started.append(ParkingProcess(arguments, env=env or {}, log=log))
        return started[-1]

    yield start
    for running in started:
        await running.reap()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with vectors, schemas and data sets of others: PARKING_SHARED_DIR, by default ../shared."""
    folder = Path(os.environ.get("PARKING_SHARED_DIR", PROJECT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the shared data is not here: {folder} (set PARKING_SHARED_DIR)")
    return folder
