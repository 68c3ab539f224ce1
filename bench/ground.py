"""What a run stands on: a broker and a database server, real ones where there are any, else embedded.

They are found as the tests find theirs; PARKING_BENCH_DATABASE_URL and PARKING_BENCH_MQTT_URL, both set, come
first.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.meter import listening_pid
from cli.embedded import EmbeddedBroker
from tests.support.databases import Databases
from tests.support.mosquitto import PrivateMosquitto
from tests.support.services import Services, find_services

DATABASE_VARIABLE = "PARKING_BENCH_DATABASE_URL"
BROKER_VARIABLE = "PARKING_BENCH_MQTT_URL"


@dataclass(frozen=True, slots=True)
class Ground:
    """The addresses, what the servers are, and their processes (None where they cannot be seen)."""

    databases: Databases
    mqtt_url: str
    folder: Path
    database_kind: str
    broker_kind: str
    postmaster: int | None
    broker_pid: int | None


@asynccontextmanager
async def ground(*, broker: bool = True) -> AsyncIterator[Ground]:
    """Find or start the services (without a broker if none is needed); all that was made here goes again."""
    services = _services()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="parking-bench-")))
        stack.callback(services.close)
        server = services.database()
        databases = Databases(server)
        stack.callback(databases.close)
        mqtt_url, broker_kind = await _broker(services, stack) if broker else ("", "none")
        yield Ground(
            databases=databases,
            mqtt_url=mqtt_url,
            folder=folder,
            database_kind=services.database_kind,
            broker_kind=broker_kind,
            postmaster=listening_pid(urlsplit(server.url).port or 5432),
            broker_pid=listening_pid(urlsplit(mqtt_url).port or 1883),
        )


def _services() -> Services:
    database, broker = os.environ.get(DATABASE_VARIABLE), os.environ.get(BROKER_VARIABLE)
    if not database or not broker:
        return find_services()
    return Services(
        {
            "PARKING_TEST_DATABASE_URL": database,
            "PARKING_TEST_DATABASE_KIND": f"the database of {DATABASE_VARIABLE}",
            "PARKING_TEST_MQTT_URL": broker,
            "PARKING_TEST_MQTT_KIND": f"the broker of {BROKER_VARIABLE}",
        }
    )


async def _broker(services: Services, stack: AsyncExitStack) -> tuple[str, str]:
    """A broker of our own where that is possible, so that nobody else's messages are in the way."""
    if services.runs_own_mosquitto:
        return (await stack.enter_async_context(PrivateMosquitto())).url, services.broker_kind
    if services.shared_mqtt_url:
        return services.shared_mqtt_url, services.broker_kind
    return (await stack.enter_async_context(EmbeddedBroker())).url, services.broker_kind
