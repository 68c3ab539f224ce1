"""A TimescaleDB for one test alone, from the Debian root of `make services`, that the test may break."""

import asyncio
import secrets
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from cli.embedded import GuardedProcess
from cli.embedded.ports import LOOPBACK
from cli.embedded.process import ServiceFailed
from cli.embedded.service import EmbeddedService, new_password
from parking.db.migrate import migrate
from tests.support.services import DEBIAN_ROOT, PROJECT, run_sync
from tests.support.signals import kill_family
from tests.support.volume import PRIVATE_MOUNTS, Volume, can_mount

_IN_ROOT = PROJECT / "deploy" / "services" / "in-root.sh"
_CONFIG = PROJECT / "deploy" / "postgres" / "postgresql.conf"
_BIN = "/usr/lib/postgresql/17/bin"
_HOMES = DEBIAN_ROOT / "postgres-of-tests"
_ADMIN = "postgres"
_LOOK_S = 0.2


class _Server(EmbeddedService):
    """A server of the data folder in `home`, with the configuration that we ship."""

    name = "PostgreSQL of this test"
    user = "parking"

    def __init__(self, home: Path, password: str, *, volume_mb: int | None = None) -> None:
        super().__init__()
        self._home = home
        self._password = password
        self.log = home / "postgres.log"
        """What the server writes, over all its lives."""
        self._volume = (
            Volume(home / "volume", megabytes=volume_mb, log=home / "volume.log") if volume_mb else None
        )

    @property
    def url(self) -> str:
        """The address with the role that applications use, and its password."""
        return self._url(self.user, "parking")

    @property
    def admin_url(self) -> str:
        """A superuser's address."""
        return self._url(_ADMIN, "postgres")

    @property
    def data(self) -> Path:
        """The data folder as this process reaches it."""
        return (self._volume.path if self._volume else self._home) / "data"

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def _prepare(self, private: Path) -> GuardedProcess:
        data = _inside(self._home / "volume" / "data" if self._volume else self.data)
        shutil.copy(_CONFIG, self._home / "postgresql.conf")
        settings = {
            "config_file": _inside(self._home / "postgresql.conf"),
            "hba_file": f"{data}/pg_hba.conf",
            "ident_file": f"{data}/pg_ident.conf",
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            # In the data folder, so that a server that is killed leaves nothing in /dev/shm.
            "dynamic_shared_memory_type": "mmap",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return GuardedProcess(
            [
                *(self._volume.enter if self._volume else ()),
                *_in_root("postgres", f"{_BIN}/postgres", "-D", data, *options),
            ],
            log=self.log,
            stop=((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)),
            remove=(private,),
        )

    async def _answers(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self.admin_url, connect_timeout=2)
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True


@dataclass(frozen=True, slots=True)
class Template:
    """A data folder with one migrated database, `parking`, of the role `parking`."""

    data: Path
    password: str


@contextmanager
def postgres_template() -> Iterator[Template]:
    """Make the template once a session: initdb and migrating take seconds, a copy a fraction of one."""
    home = _make_home()
    password = new_password()
    try:
        secret = home / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        _run("root", "chown", "-R", "postgres:postgres", _inside(home))
        _run(
            *("postgres", f"{_BIN}/initdb", "-D", _inside(home / "data"), "-U", _ADMIN),
            *("--pwfile", _inside(secret), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            "--no-sync",
        )
        run_sync(_fill(_Server(home, password), password))
        yield Template(home / "data", password)
    finally:
        shutil.rmtree(home)


async def _fill(server: _Server, password: str) -> None:
    async with server:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE parking LOGIN PASSWORD {}").format(sql.Literal(password)))
            connection.execute("CREATE DATABASE parking OWNER parking")
        await migrate(server.url)


class PrivatePostgres(_Server):
    """The real database, alone. Its data outlives every end of the server, but not the context.

    With `volume_mb` the data lies on a volume of so many megabytes.
    """

    def __init__(self, template: Template, *, volume_mb: int | None = None) -> None:
        super().__init__(_make_home(), template.password, volume_mb=volume_mb)
        self._template = template

    @property
    def volume(self) -> Volume:
        """The volume of limited size."""
        assert self._volume is not None, "made with volume_mb"
        return self._volume

    async def __aenter__(self) -> Self:
        if self._volume:
            await self._volume.__aenter__()
        await asyncio.to_thread(_copy, self._template.data, self.data)
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if self._volume:
            await self._volume.__aexit__(kind, error, trace)
        shutil.rmtree(self._home)

    async def end(self, number: signal.Signals) -> None:
        """End it: SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one."""
        self.process.send_signal(number)
        await self.stop()

    async def kill(self) -> None:
        """SIGKILL the server and all who work for it."""
        kill_family(self.process.pid)
        await self.stop()


@asynccontextmanager
async def kept_running(server: PrivatePostgres) -> AsyncIterator[None]:
    """While open, a server that ends by itself is started again, over and over, as an init system would."""

    async def keep() -> None:
        while True:
            if server.process.returncode is not None:
                await server.stop()
                with suppress(ServiceFailed):
                    await server.start()
            await asyncio.sleep(_LOOK_S)

    task = asyncio.create_task(keep(), name="keep PostgreSQL running")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _make_home() -> Path:
    home = _HOMES / secrets.token_hex(8)
    home.mkdir(parents=True)
    return home


def _copy(data: Path, to: Path) -> None:
    """Copy a data folder, owners and all."""
    subprocess.run(["cp", "-a", data, to], check=True)


def _inside(path: Path) -> str:
    """A path in the Debian root as it is called there."""
    return f"/{path.relative_to(DEBIAN_ROOT)}"


def _in_root(user: str, *command: str) -> list[str | Path]:
    mounts = [*PRIVATE_MOUNTS, "env", "IN_PRIVATE_MOUNTS=1"] if can_mount() else []
    return [*mounts, _IN_ROOT, DEBIAN_ROOT, user, *command]


def _run(user: str, *command: str) -> None:
    done = subprocess.run(_in_root(user, *command), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
