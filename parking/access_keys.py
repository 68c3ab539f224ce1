"""Keys of the API: what each lets its holder do, how it is written, and what is kept of it."""

import hashlib
import re
import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from parking.errors import AccessError


class Scope(StrEnum):
    """What a caller of the API may do. Open reads need none."""

    REPORTS_READ = "reports:read"
    COUNTS_WRITE = "counts:write"
    SIGNS_WRITE = "signs:write"
    REGISTRY_WRITE = "registry:write"
    CAMERAS_PUSH = "cameras:push"
    MAINTENANCE_READ = "maintenance:read"
    MAINTENANCE_WRITE = "maintenance:write"
    HEALTH_READ = "health:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    WEBHOOKS_WRITE = "webhooks:write"


MEANING: Final = {
    Scope.REPORTS_READ: "read reports and exports",
    Scope.COUNTS_WRITE: "correct the count of a gate-counted site by hand",
    Scope.SIGNS_WRITE: "override what signs show",
    Scope.REGISTRY_WRITE: "change the registry and close sites or bays",
    Scope.CAMERAS_PUSH: "send plate reads over HTTP",
    Scope.MAINTENANCE_READ: "read which devices need a visit",
    Scope.MAINTENANCE_WRITE: "say that a note of a driver was dealt with",
    Scope.HEALTH_READ: "read the operators' view of the system",
    Scope.KEYS_WRITE: "make, rotate and revoke keys",
    Scope.AUDIT_READ: "read the log of changes",
    Scope.WEBHOOKS_WRITE: "say which changes are sent where",
}
"""Each scope in words: its holder may ..."""

PREFIX: Final = "pk_"
_ID_CHARACTERS: Final = 10
_SECRET_BYTES: Final = 32
_KEY: Final = re.compile(rf"{PREFIX}([a-z2-7]{{{_ID_CHARACTERS}}})_([a-z2-7]{{52}})")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_SITE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class Presented(NamedTuple):
    """A key as a caller shows it. Its secret is text of 256 random bits: kept nowhere, never logged."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Presented({self.id!r}, ...)"

    @property
    def text(self) -> str:
        """The key as its holder keeps it: `pk_<id>_<secret>`."""
        return f"{PREFIX}{self.id}_{self.secret}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """What is known of a key. `sites` None: all; `former_until`: the secret before still works till then."""

    id: str
    name: str
    scopes: frozenset[Scope]
    sites: tuple[str, ...] | None
    created_at: datetime
    created_by: str
    rotated_at: datetime | None
    former_until: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


@dataclass(frozen=True, slots=True)
class Lock:
    """What a presented key is held against: the hash of its secret, and of the one before the rotation."""

    key: AccessKey
    secret_hash: bytes
    former_hash: bytes | None

    def opens(self, secret: str, now: datetime) -> bool:
        """Whether this secret is the key's and the key is good now; takes the same time for any secret."""
        given = hashed(secret)
        fits = secrets.compare_digest(given, self.secret_hash)
        if self.former_hash is not None and self.key.former_until is not None:
            fits |= secrets.compare_digest(given, self.former_hash) and now < self.key.former_until
        return fits and self.key.state(now) == "valid"


def new_key(key_id: str | None = None) -> Presented:
    """A key that nobody had before; with `key_id` a new secret for that one."""
    return Presented(key_id or _random(8)[:_ID_CHARACTERS], _random(_SECRET_BYTES))


def parse_key(text: str) -> Presented | None:
    """The parts of a key, None if it is none of ours."""
    match = _KEY.fullmatch(text)
    return Presented(match[1], match[2]) if match else None


def hashed(secret: str) -> bytes:
    """What is kept of a secret. Nobody can guess 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def checked_name(name: str) -> str:
    """A name by which people know the holder. Raises AccessError."""
    if not _NAME.fullmatch(name) or name != name.strip():
        raise AccessError(
            f"name: must be 1 to 100 characters, none of them control characters, no space at either end "
            f"(found {name!r:.120})"
        )
    return name


def checked_scopes(scopes: Iterable[str]) -> frozenset[Scope]:
    """Scopes from their names. Raises AccessError that names the one that is none."""
    found = set()
    for scope in scopes:
        try:
            found.add(Scope(scope))
        except ValueError:
            raise AccessError(f"scopes: {scope!r:.60} is none; there are {', '.join(Scope)}") from None
    if not found:
        raise AccessError("scopes: give at least one", hint=f"There are {', '.join(Scope)}.")
    return frozenset(found)


def checked_sites(sites: Iterable[str]) -> tuple[str, ...] | None:
    """Ids of sites that a key is bound to, None for no bounds. Raises AccessError."""
    unique = tuple(sorted(set(sites)))
    for site in unique:
        if not _SITE.fullmatch(site):
            raise AccessError(f"sites: an id has 1 to 200 characters (found {site!r:.60})")
    return unique or None


def _random(count: int) -> str:
    return b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()
