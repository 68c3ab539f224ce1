"""Sessions of people who have signed in to the pages. Only a hash of what their browser holds is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from parking.access_keys import Presented, Scope, hashed
from parking.db.audit import record
from parking.db.connect import Connection, statement

LASTS_S: Final = 12 * 3600.0
"""A session ends so long after its begin, whatever happens: once a working day one signs in."""
IDLE_S: Final = 2 * 3600.0
"""And so long after it was last used."""
_SCOPES: Final = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has signed in: the name for the audit log, what they may do, and the only sites (None: all)."""

    name: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None


async def open_session(connection: Connection, holder: Holder, *, key: Presented | None = None) -> str:
    """Begin a session of `holder`, who showed `key` if that is how; what their browser must hold is told.

    In a transaction; it is in the audit log. What the browser holds is 256 random bits.
    """
    token = secrets.token_urlsafe(32)
    await connection.execute(statement("sessions", "sweep"), {"idle_s": IDLE_S})
    await connection.execute(
        statement("sessions", "open"),
        {
            "token_hash": _hash(token),
            "key_id": key and key.id,
            "secret_hash": key and hashed(key.secret),
            "holder": None if key else holder.name,
            "scopes": None if key else sorted(holder.scopes),
            "lasts_s": LASTS_S,
        },
    )
    await _record(connection, holder, "session.open", token)
    return token


async def find_session(connection: Connection, token: str) -> Holder | None:
    """Whose session it is; None if it is none or has ended, or the key behind it has."""
    asked = {"token_hash": _hash(token), "idle_s": IDLE_S}
    row = await (await connection.execute(statement("sessions", "find"), asked)).fetchone()
    if row is None:
        return None
    name, scopes, sites, unseen = row
    if unseen:
        await connection.execute(statement("sessions", "seen"), asked)
    known = frozenset(Scope(scope) for scope in scopes if scope in _SCOPES)
    return Holder(name, known, None if sites is None else frozenset(sites))


async def close_session(connection: Connection, holder: Holder, token: str) -> None:
    """End a session, for its holder signs out."""
    await connection.execute(statement("sessions", "close"), {"token_hash": _hash(token)})
    await _record(connection, holder, "session.close", token)


async def _record(connection: Connection, holder: Holder, action: str, token: str) -> None:
    subject = f"session/{_hash(token).hex()[:12]}"
    await record(connection, actor=holder.name, action=action, subject=subject, before=None, after=None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
