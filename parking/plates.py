"""Number plates without number plates: folding, daily secret keys, and the tokens that stand for plates.

Theory of operation. A token is HMAC-SHA-256 of the folded plate under a key of its site and UTC day. Keys
are random, live in files outside the database, and are destroyed once no token of theirs may be paired any
longer: a token left behind can then no longer be tried against the (few) plates there are. A stay over
midnight is paired by asking for the tokens that the plate would have had on the days before.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from parking.errors import PlateKeyError

KEY_SIZE: Final = 32
"""Bytes of a key, and of a token."""

_ALIKE: Final = str.maketrans("OQDIZSGB", "00012568")
_DROPPED: Final = re.compile(r"[^A-Z0-9]+")
_SITE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY_FILE: Final = re.compile(r"(?P<site>[A-Za-z0-9._-]{1,64})@(?P<day>\d{4}-\d{2}-\d{2})\.key")
_TEMPORARY: Final = ".new-"
_ABANDONED_AFTER: Final = timedelta(hours=1)


def fold(plate: str) -> str:
    """A plate as a camera may confuse it: upper case, A to Z and 0 to 9 only, look-alikes made one.

    On UK plates O and 0, and I and 1, are drawn the same; cameras also take D and Q for 0, Z for 2, S for
    5, G for 6 and B for 8. Two cars of one car park and day that fold alike are rare; a car that is read
    two ways is not. Accents are dropped. A plate without any of these characters folds to "".
    """
    plain = unicodedata.normalize("NFKD", plate).upper()
    return _DROPPED.sub("", plain).translate(_ALIKE)


class PlateKeys:
    """The keys of each site and UTC day, in files of one folder that only the ingestor's user may read.

    Several processes may share the folder: whoever needs a key first makes it, and all use that one.
    Raises PlateKeyError if the folder or a file cannot be used or is open to others.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[tuple[str, date], bytes] = {}
        self._prepare()

    def token(self, site: str, plate: str, at: datetime) -> bytes:
        """The 32 bytes that stand for a plate at a site on the UTC day of `at`; the same for look-alikes."""
        return _token(self._key(site, _day(at)), plate)

    def tokens(self, site: str, plate: str, at: datetime, *, window: timedelta) -> tuple[bytes, ...]:
        """The tokens that a plate seen at `at` may have had up to `window` before, the latest day first."""
        day, oldest = _day(at), _day(at - window)
        found = [self.token(site, plate, at)]
        while day > oldest:
            day -= timedelta(days=1)
            key = self._existing(site, day)
            if key is not None:
                found.append(_token(key, plate))
        return tuple(found)

    def destroy_old(self, now: datetime, pairing_window: timedelta) -> int:
        """Overwrite and unlink every key whose day ended more than `pairing_window` ago; says how many.

        Overwriting reaches the blocks only where the file system writes in place; elsewhere, keep the
        folder on an encrypted or in-memory file system.
        """
        oldest = _day(now - pairing_window)
        self._known = {(site, day): key for (site, day), key in self._known.items() if day >= oldest}
        destroyed = 0
        try:
            for path in sorted(self._directory.iterdir()):
                match = _KEY_FILE.fullmatch(path.name)
                if match and _parse_day(match["day"]) < oldest:
                    destroyed += _destroy(path)
                elif path.name.startswith(_TEMPORARY) and _abandoned(path):
                    _destroy(path)
        except OSError as error:
            raise self._unusable(error) from error
        return destroyed

    def _prepare(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self._directory.stat().st_mode
        except OSError as error:
            raise self._unusable(error) from error
        if mode & 0o077:
            raise PlateKeyError(
                f"The folder of plate keys {self._directory} is open to other users "
                f"(mode {stat.S_IMODE(mode):o})",
                hint=f"Run: chmod 700 {self._directory}",
            )
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            raise PlateKeyError(
                f"The folder of plate keys {self._directory} is not ours to read and write",
                hint="Give it to the user who runs the ingestor, with mode 700.",
            )

    def _key(self, site: str, day: date) -> bytes:
        key = self._existing(site, day)
        while key is None:
            self._create(self._path(site, day))
            # None again only if someone destroyed it at once: then make another.
            key = self._existing(site, day)
        return key

    def _existing(self, site: str, day: date) -> bytes | None:
        key = self._known.get((site, day))
        if key is None:
            key = self._load(self._path(site, day))
            if key is not None:
                self._known[(site, day)] = key
        return key

    def _path(self, site: str, day: date) -> Path:
        if not _SITE.fullmatch(site):
            raise PlateKeyError(f"{site!r} cannot be the id of a site", hint="Use A-Z a-z 0-9 . _ and -.")
        return self._directory / f"{site}@{day.isoformat()}.key"

    def _load(self, path: Path) -> bytes | None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            key = file.read(KEY_SIZE + 1)
        if mode & 0o077:
            raise PlateKeyError(
                f"The plate key {path} is open to other users (mode {stat.S_IMODE(mode):o})",
                hint="Delete it: a new one is made, and vehicles inside are counted but not paired.",
            )
        if len(key) != KEY_SIZE:
            raise PlateKeyError(
                f"The plate key {path} has not {KEY_SIZE} bytes",
                hint="Delete it: a new one is made, and vehicles inside are counted but not paired.",
            )
        return key

    def _create(self, path: Path) -> None:
        """Make a key under another name and link it into place: others see the whole of it or nothing."""
        temporary = self._directory / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(KEY_SIZE))
                    file.flush()
                    os.fsync(handle)
                with suppress(FileExistsError):
                    os.link(temporary, path)
            finally:
                temporary.unlink()
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> PlateKeyError:
        return PlateKeyError(
            f"The folder of plate keys {self._directory} cannot be used: {error.strerror}",
            hint="Set PARKING_PLATE_KEY_DIR to a folder that only the user of the ingestor can read and "
            "write, on a file system that has hard links.",
        )


def _token(key: bytes, plate: str) -> bytes:
    return hmac.digest(key, fold(plate).encode("ascii"), hashlib.sha256)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.max  # not one of ours: leave it alone


def _abandoned(path: Path) -> bool:
    """Whether a half-made key belongs to a process that died, rather than to one at work."""
    try:
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return datetime.now(UTC) - made > _ABANDONED_AFTER


def _destroy(path: Path) -> int:
    """Overwrite and unlink; 1 if it was there, 0 if another process was first."""
    try:
        with path.open("r+b") as file:
            # Not zeros: who reads it at this moment must not get a key that everyone knows.
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return 0
    return 1
