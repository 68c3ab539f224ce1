"""Files that hold secrets: mode 600, owned as their folder is, written whole or not at all."""

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from parking.errors import AccessError


def replace_private(path: Path, content: str | bytes) -> None:
    """Put this content in the place of a file; its owner is its folder's owner. Raises AccessError."""
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with _created(fresh) as file:
            _give_to_owner(file.fileno(), path.parent)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise _cannot("written", path, error) from error


def create_private(path: Path, content: str | bytes) -> None:
    """Make a file of our own that does not exist yet. Raises AccessError."""
    data = content.encode() if isinstance(content, str) else content
    try:
        with _created(path) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise AccessError(f"{path} exists already", hint="Name another file, or remove this one.") from error
    except OSError as error:
        raise _cannot("written", path, error) from error


def append_private(path: Path, line: str) -> None:
    """Add a line to a file. Raises AccessError."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "ab") as file:
            _give_to_owner(number, path.parent)
            file.write(line.encode() + b"\n")
    except OSError as error:
        raise _cannot("written", path, error) from error


def read_private(path: Path) -> str:
    """The text of a file, empty if there is none. Raises AccessError."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot("read", path, error) from error


def private_folder(path: Path, owner: tuple[int, int] | None = None) -> None:
    """Make a folder that only its owner, by default us, can enter; an existing one is left as it is."""
    try:
        path.mkdir(mode=0o700, parents=True)
        if owner is not None:
            os.chown(path, *owner)
    except FileExistsError:
        if not path.is_dir():
            raise AccessError(f"{path} is not a folder") from None
    except OSError as error:
        raise _cannot("made", path, error) from error


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def _give_to_owner(number: int, folder: Path) -> None:
    """The broker reads its files again after it has given up root, so they must be its own."""
    owner, present = os.stat(folder), os.fstat(number)
    if (owner.st_uid, owner.st_gid) != (present.st_uid, present.st_gid):
        os.fchown(number, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _cannot(done: str, path: Path, error: Exception) -> AccessError:
    reason = getattr(error, "strerror", None) or str(error)
    hint = "Run it as root or as the account of the broker." if isinstance(error, PermissionError) else None
    return AccessError(f"{path} cannot be {done}: {reason}", hint=hint)
