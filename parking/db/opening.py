"""Opens and closes sites by the clock, and keeps the closures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from parking.db.connect import Connection, statement
from parking.db.records import columns
from parking.db.sites import lock_sites, publish_sites, recount
from parking.errors import ConflictError, InputError, NotFound
from parking.known_changes import SiteTimes
from parking.model import Snapshot
from parking.opening import OpeningHours, opening_hours

MAX_REASON = 200
_NOW = datetime.min.replace(tzinfo=UTC)
LONGEST = timedelta(days=3653)
_LOOK = timedelta(minutes=10)
"""Opening hours are looked at this often at least: another process may have stored what its clock said."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A time in which a site is closed whatever its hours say; `until_at` None until somebody ends it."""

    closure_id: int
    site_id: str
    from_at: datetime
    until_at: datetime | None
    reason: str
    made_by: str
    made_at: datetime


@dataclass(slots=True)
class _Hours:
    hours: OpeningHours
    stored: bool
    look_at: datetime


class OpeningTimes:
    """The opening hours of all sites, and which of them are due to open or to close."""

    def __init__(self) -> None:
        self._sites: dict[str, _Hours] = {}

    async def load(self, connection: Connection) -> None:
        """Read the opening hours anew: the registry has changed."""
        await connection.execute(statement("opening", "without_hours"))
        cursor = await connection.execute(statement("opening", "hours"))
        self._sites = {
            site: _Hours(opening_hours(text, timezone), within, _NOW)
            for site, timezone, text, within in await cursor.fetchall()
        }

    async def turn(self, connection: Connection, *, now: datetime) -> list[Snapshot]:
        """Publish the sites that have opened or closed since. Any number of processes may do so at once."""
        due = self._due(now)
        async with connection.transaction():
            if due:
                values = columns("site_id within_hours", sorted(due.items()))
                await connection.execute(statement("opening", "set_within_hours"), values)
            turned = await publish_turned(connection)
        for site, within in due.items():
            self._sites[site].stored = within
        return turned

    def _due(self, now: datetime) -> Mapping[str, bool]:
        """What the hours say now, where it is not what is stored."""
        due = {}
        for site, known in self._sites.items():
            if now < known.look_at:
                continue
            within = known.hours.is_open(now)
            if within != known.stored:
                due[site] = within
            change = known.hours.next_change(now)
            known.look_at = min(change or now + _LOOK, now + _LOOK)
        return due


async def publish_turned(connection: Connection) -> list[Snapshot]:
    """Publish, within a transaction, the sites whose published status is not what holds now."""
    await connection.execute(statement("opening", "set_closed"))
    cursor = await connection.execute(statement("opening", "turned"))
    sites = [site for (site,) in await cursor.fetchall()]
    if not sites:
        return []
    locked = await lock_sites(connection, sites)
    return await publish_sites(connection, locked, bays=await recount(connection, sites), inside={})


async def close_site(
    connection: Connection,
    *,
    site_id: str,
    from_at: datetime | None,
    until_at: datetime | None,
    reason: str,
    made_by: str,
) -> Closure:
    """Close a site from a time (now if None) until another, or until further notice; within a transaction.

    Raises NotFound, and InputError where the times or the reason cannot be.
    """
    now = await _now(connection)
    begins = now if from_at is None else from_at
    _check(begins, until_at, reason, now=now)
    cursor = await connection.execute(
        statement("opening", "add"),
        {"site_id": site_id, "from_at": begins, "until_at": until_at, "reason": reason, "made_by": made_by},
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"There is no site with the id {site_id[:100]!r}.")
    return await _changed(connection, Closure(*row))


def _check(begins: datetime, until_at: datetime | None, reason: str, *, now: datetime) -> None:
    """Raise InputError where a closure cannot be so."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InputError(f"reason: {len(reason)} characters; it takes 1 to {MAX_REASON}")
    if until_at is not None and until_at <= max(begins, now):
        raise InputError(f"until {until_at.isoformat()} is not after {max(begins, now).isoformat()}")
    if until_at is not None and until_at - begins > LONGEST:
        raise InputError(f"until {until_at.isoformat()} is more than ten years after {begins.isoformat()}")


async def change_closure(
    connection: Connection,
    was: Closure,
    *,
    from_at: datetime | None,
    until_at: datetime | None,
    reason: str,
) -> Closure:
    """Change a closure that `find_closure` gave in this transaction; `from_at` None is now.

    What has been is not changed: raises ConflictError for one that is over, and InputError where one that has
    begun would begin at another time, where it would begin in the past, or where times or reason cannot be.
    """
    now = await _now(connection)
    _require_not_over(was, now)
    begins = now if from_at is None else from_at
    if was.from_at <= now and begins != was.from_at:
        raise InputError(f"from {begins.isoformat()}: it has begun, at {was.from_at.isoformat()}")
    if was.from_at > now > begins:
        raise InputError(f"from {begins.isoformat()} is before now, {now.isoformat()}")
    _check(begins, until_at, reason, now=now)
    values = {"closure_id": was.closure_id, "from_at": begins, "until_at": until_at, "reason": reason}
    row = await (await connection.execute(statement("opening", "change"), values)).fetchone()
    assert row is not None, "its row is locked"
    return await _changed(connection, Closure(*row))


def _require_not_over(closure: Closure, now: datetime) -> None:
    if closure.until_at is not None and closure.until_at <= now:
        raise ConflictError(f"closure {closure.closure_id} was over at {closure.until_at.isoformat()}")


async def find_closure(connection: Connection, closure_id: int) -> Closure:
    """One closure, locked until the transaction ends. Raises NotFound."""
    cursor = await connection.execute(statement("opening", "find"), {"closure_id": closure_id})
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"There is no closure with the id {closure_id}.")
    return Closure(*row)


async def end_closure(connection: Connection, closure_id: int) -> tuple[Closure, Closure | None]:
    """End a closure now, within a transaction: what it was, and what is left of it.

    One that has not begun is removed, and nothing is left of it. Raises NotFound, and ConflictError for one
    that is over: what has been is not changed.
    """
    was, now = await find_closure(connection, closure_id), await _now(connection)
    _require_not_over(was, now)
    if was.from_at >= now:
        await connection.execute(statement("opening", "remove"), {"closure_id": closure_id})
        await _changed(connection, was)
        return was, None
    cursor = await connection.execute(
        statement("opening", "end"), {"closure_id": closure_id, "until_at": now}
    )
    row = await cursor.fetchone()
    assert row is not None, "its row is locked"
    return was, await _changed(connection, Closure(*row))


async def closures(
    connection: Connection,
    *,
    site_id: str | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> list[Closure]:
    """The closures that overlap a time, of one site or of all, the earliest first."""
    cursor = await connection.execute(
        statement("opening", "closures"), {"site_id": site_id, "from_at": from_at, "until_at": until_at}
    )
    return [Closure(*row) for row in await cursor.fetchall()]


async def site_times(connection: Connection) -> dict[str, SiteTimes]:
    """When each site is closed, as far as it is known from now on; sites without such times are left out."""
    hours = await (await connection.execute(statement("opening", "hours"))).fetchall()
    closed: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for closure in await closures(connection, from_at=await _now(connection)):
        closed.setdefault(closure.site_id, []).append((closure.from_at, closure.until_at))
    times = {site: SiteTimes(text, zone, closed.pop(site, ())) for site, zone, text, _ in hours}
    return times | {site: SiteTimes(None, "UTC", of_site) for site, of_site in closed.items()}


async def _changed(connection: Connection, closure: Closure) -> Closure:
    """Publish at once what a closure changes now; what comes later, the ingestor publishes in time."""
    await publish_turned(connection)
    await connection.execute(statement("opening", "notify"))
    return closure


async def _now(connection: Connection) -> datetime:
    row = await (await connection.execute(statement("opening", "time"))).fetchone()
    assert row is not None, "the query returns one row"
    now: datetime = row[0]
    return now
