"""Keys of the API in the database. Every change is in the audit log, in the same transaction."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, LiteralString

import psycopg

from parking.access_keys import AccessKey, Lock, Presented, Scope, hashed, new_key
from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.errors import AccessError, Conflict, NotFound

_SCOPES = frozenset(Scope)


async def create_key(
    connection: Connection,
    *,
    actor: str,
    name: str,
    scopes: frozenset[Scope],
    sites: tuple[str, ...] | None = None,
    expires_s: float | None = None,
) -> tuple[AccessKey, Presented]:
    """Make a key; its secret is told here and never again. Raises AccessError."""
    fresh = new_key()
    try:
        async with connection.transaction():
            await require_sites(connection, sites or ())
            key = await _one(
                connection,
                "create",
                key_id=fresh.id,
                name=name,
                scopes=sorted(scopes),
                sites=None if sites is None else list(sites),
                secret_hash=hashed(fresh.secret),
                created_by=actor,
                expires_s=expires_s,
            )
            await _record(connection, actor, "key.create", None, key)
    except psycopg.errors.UniqueViolation:
        raise Conflict(
            f"name: there is a key with the name {name!r} already",
            hint="Take another name, or see `parking keys rotate`.",
        ) from None
    return key, fresh


async def rotate_key(
    connection: Connection, which: str, *, actor: str, overlap_s: float, expires_s: float | None = None
) -> tuple[AccessKey, Presented]:
    """Give a key (by id or name) a new secret; the old one works for `overlap_s` more.

    `expires_s` from now is its new end; without it the end stays. Raises NotFound, Conflict.
    """
    async with connection.transaction():
        before = await _hold(connection, which)
        if before.revoked_at is not None:
            raise Conflict(f"The key {before.id} is revoked: it gets no new secret", hint="Make a new key.")
        if expires_s is None and before.state(await _now(connection)) == "expired":
            raise Conflict(f"The key {before.id} has expired", hint="Give it a new end: --expires 1y.")
        fresh = new_key(before.id)
        key = await _one(
            connection,
            "rotate",
            key_id=before.id,
            secret_hash=hashed(fresh.secret),
            overlap_s=overlap_s,
            expires_s=expires_s,
        )
        await _record(connection, actor, "key.rotate", before, key)
    return key, fresh


async def revoke_key(connection: Connection, which: str, *, actor: str) -> AccessKey:
    """End a key (by id or name) for good; one that has ended already stays so. Raises NotFound."""
    async with connection.transaction():
        before = await _hold(connection, which)
        if before.revoked_at is not None:
            return before
        key = await _one(connection, "revoke", key_id=before.id)
        await _record(connection, actor, "key.revoke", before, key)
    return key


async def list_keys(connection: Connection) -> tuple[datetime, list[AccessKey]]:
    """The database's time, and all keys, also those that have ended, the newest first."""
    rows = await (await connection.execute(statement("access_keys", "list"))).fetchall()
    return await _now(connection), [_key(row) for row in rows]


async def find_key(connection: Connection, which: str) -> tuple[datetime, AccessKey]:
    """The database's time, and one key, by its id or name. Raises NotFound."""
    async with connection.transaction():
        return await _now(connection), await _hold(connection, which)


async def _now(connection: Connection) -> datetime:
    row = await (await connection.execute(statement("access_keys", "time"))).fetchone()
    assert row is not None, "the query returns one row"
    now: datetime = row[0]
    return now


async def load_locks(connection: Connection) -> dict[str, Lock]:
    """The keys that may open something, by their ids."""
    rows = await (await connection.execute(statement("access_keys", "locks"))).fetchall()
    locks = (Lock(_key(row[:-2]), bytes(row[-2]), row[-1] and bytes(row[-1])) for row in rows)
    return {lock.key.id: lock for lock in locks}


async def mark_used(connection: Connection, ids: Iterable[str]) -> None:
    """Write down that these keys were used just now."""
    await connection.execute(statement("access_keys", "used"), {"ids": sorted(ids)})


async def require_sites(connection: Connection, sites: Iterable[str]) -> None:
    """Raise AccessError for a site that the registry does not have."""
    wanted = list(sites)
    cursor = await connection.execute(statement("access_keys", "known_sites"), {"sites": wanted})
    known = {site for (site,) in await cursor.fetchall()}
    for site in wanted:
        if site not in known:
            raise AccessError(f"sites: the registry has no site {site!r:.80}")


async def _hold(connection: Connection, which: str) -> AccessKey:
    cursor = await connection.execute(statement("access_keys", "hold"), {"id": which.replace("\0", "")})
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(
            f"There is no key with the id or name {which!r:.120}", hint="`parking keys list` has them."
        )
    return _key(row)


async def _one(connection: Connection, query: LiteralString, /, **parameters: Any) -> AccessKey:
    row = await (await connection.execute(statement("access_keys", query), parameters)).fetchone()
    assert row is not None, "it is held"
    return _key(row)


async def _record(
    connection: Connection, actor: str, action: str, before: AccessKey | None, after: AccessKey
) -> None:
    await record(
        connection,
        actor=actor,
        action=action,
        subject=f"key/{after.id}",
        before=before and _told(before),
        after=_told(after),
    )


def _told(key: AccessKey) -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes)}


def _key(row: tuple[Any, ...]) -> AccessKey:
    key_id, name, scopes, sites, created_at, created_by, rotated, former, expires, revoked, used = row
    return AccessKey(
        id=key_id,
        name=name,
        # A scope that only a newer version knows opens nothing here.
        scopes=frozenset(Scope(scope) for scope in scopes if scope in _SCOPES),
        sites=None if sites is None else tuple(sites),
        created_at=created_at,
        created_by=created_by,
        rotated_at=rotated,
        former_until=former,
        expires_at=expires,
        revoked_at=revoked,
        last_used_at=used,
    )
