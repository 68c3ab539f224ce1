"""The folder with the broker's passwords and access rules, and the record of who was given what."""

import fcntl
import getpass
import json
import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cli.private_files import append_private, private_folder, read_private, replace_private
from parking.access import access_file
from parking.errors import AccessError
from parking.passwords import read_passwords, write_passwords
from parking.settings import Settings

PASSWORDS: Final = "passwords"
RULES: Final = "access"
JOURNAL: Final = "journal.jsonl"
RELOAD_S: Final = 30


class Did(StrEnum):
    """What happened to a credential."""

    CREATED = "created"
    ROTATED = "rotated"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    at: str
    did: Did
    user: str
    by: str


class BrokerFolder:
    """What is in the folder. `users` are the broker's own hashes by user name; see `locked`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_dir():
            raise AccessError(f"{path} is not there", hint="`parking broker config` makes it.")
        try:
            self.users = read_passwords(read_private(path / PASSWORDS))
        except AccessError as error:
            raise AccessError(f"{path / PASSWORDS}: {error.message}", hint=error.hint) from error

    def save(self, did: Did, users: Iterable[str]) -> None:
        """Write `users` as they are now and the rules that follow, and put down what was done to which."""
        replace_private(self.path / RULES, access_file(self.users))
        replace_private(self.path / PASSWORDS, write_passwords(self.users))
        at, by = datetime.now(UTC).isoformat(timespec="seconds"), os.environ.get("SUDO_USER") or _account()
        entries = [json.dumps(asdict(Entry(at, did, user, by))) for user in users]
        if entries:
            append_private(self.path / JOURNAL, "\n".join(entries))

    def journal(self) -> Iterator[Entry]:
        """What happened, in order. Raises AccessError where a line is spoilt."""
        lines = read_private(self.path / JOURNAL).splitlines()
        for number, line in enumerate(lines, 1):
            try:
                fields = json.loads(line)
                yield Entry(fields["at"], Did(fields["did"]), fields["user"], fields["by"])
            except (ValueError, KeyError, TypeError) as error:
                raise AccessError(f"{self.path / JOURNAL}: line {number} cannot be read: {error}") from error


@contextmanager
def locked(path: Path) -> Iterator[BrokerFolder]:
    """The folder while nobody else changes it."""
    BrokerFolder(path)
    try:
        number = os.open(path, os.O_RDONLY)
        fcntl.flock(number, fcntl.LOCK_EX)
    except OSError as error:
        raise AccessError(f"{path} cannot be locked: {error.strerror}") from error
    try:
        yield BrokerFolder(path)
    finally:
        os.close(number)


def prepare_folder(path: Path, owner: tuple[int, int] | None) -> None:
    """Make the folder and its files where they are missing."""
    private_folder(path, owner)
    with locked(path) as folder:
        folder.save(Did.CREATED, ())


def folder_of(asked: Path | None, settings: Settings) -> Path:
    """The folder that was asked for, or the one of the settings. Raises AccessError."""
    found = asked or settings.broker_folder
    if found is None:
        raise AccessError(
            "Which folder holds the broker's passwords is not known",
            hint="Set PARKING_BROKER_FOLDER or give --folder; `parking broker config` makes one.",
        )
    return found


def tell_broker(settings: Settings) -> str:
    """Make the broker read its files anew, if it is known how; says what came of it. Raises AccessError."""
    if not settings.broker_reload:
        return "Not yet in force: make the broker read its files anew (systemctl reload mosquitto)."
    try:
        done = subprocess.run(
            shlex.split(settings.broker_reload), capture_output=True, text=True, timeout=RELOAD_S
        )
        problem = done.stderr.strip()[:500] or f"exit code {done.returncode}" if done.returncode else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        raise AccessError(
            f"The files are written, but the broker was not told: {problem}",
            hint="It goes on with the old ones until it reads its files anew. See PARKING_BROKER_RELOAD.",
        )
    return "The broker was told to read its files anew."


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
