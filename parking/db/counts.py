"""The running count of a gate-counted site, what was corrected, and counts by hand."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.db.sites import lock_sites, publish_sites
from parking.errors import InputError, NotFound
from parking.model import Counting

OLDEST = timedelta(days=7)
"""A count by hand can be entered so much later: as late as a message may be."""
MAX_REASON = 200
_EARLY = timedelta(minutes=2)
"""Clocks of people differ."""
_MOST_TIMES = 2
"""Times its capacity that nobody finds in a car park."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A change of a count that no vehicle made. `superseded_at`: it was due by what was known then."""

    correction_id: int
    at: datetime
    made_at: datetime
    rule: str
    before: int | None
    after: int
    reason: str
    made_by: str
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The running count of a site. `sd`: the standard deviation of its drift; None before books are kept.

    `missed_share` is the estimated share of exits that no camera sees. `entries` and `exits` are today's.
    """

    site_id: str
    capacity: int
    inside: int
    sd: float | None
    missed_share: float | None
    free_min: int
    free_max: int
    revision: int
    kept_to: datetime | None
    entries: int
    exits: int
    as_of: datetime


async def count_of(connection: Connection, site_id: str) -> Count:
    """The count of a site as it is now. Raises NotFound, also for a site that is counted by its bays."""
    row = await _row(connection, "count", site_id=site_id)
    if row is None:
        raise NotFound(f"There is no site with the id {site_id[:100]!r}.")
    counting, capacity, inside, sd, share, free_min, free_max, revision, kept_to, entries, exits, now = row
    if counting != Counting.GATES:
        raise NotFound(f"Site {site_id[:100]!r} is counted by its bays: it has no running count.")
    return Count(
        site_id=site_id,
        capacity=capacity,
        inside=inside,
        sd=sd,
        missed_share=share,
        free_min=free_min,
        free_max=free_max,
        revision=revision,
        kept_to=kept_to,
        entries=entries,
        exits=exits,
        as_of=now,
    )


async def corrections(
    connection: Connection,
    site_id: str,
    *,
    limit: int,
    superseded: bool = False,
    below: int | None = None,
) -> list[Recorded]:
    """What was corrected, the latest first; with `superseded` also what turned out not to be due."""
    cursor = await connection.execute(
        statement("counts", "corrections"),
        {"site_id": site_id, "limit": limit, "superseded": superseded, "below": below},
    )
    return [_recorded(row) for row in await cursor.fetchall()]


async def correct_by_hand(
    connection: Connection,
    *,
    site_id: str,
    vehicles: int,
    at: datetime | None,
    reason: str,
    made_by: str,
    request_id: str | None,
) -> tuple[Recorded, bool]:
    """Record that so many vehicles were inside at a time (now if None), within a transaction.

    The correction, and whether it is new: the same `request_id` at a site makes one. Raises NotFound, and
    InputError where it cannot be.
    """
    locked = await lock_sites(connection, [site_id])
    count = await count_of(connection, site_id)
    known = request_id and await _row(connection, "requested", site_id=site_id, request_id=request_id)
    if known:
        return _recorded(known), False
    when = await _checked(connection, count, vehicles=vehicles, at=at, reason=reason)
    before = await _row(connection, "anchor", site_id=site_id, at=when)
    row = await _row(
        connection,
        "correct",
        site_id=site_id,
        at=when,
        before=before and before[0],
        after=vehicles,
        reason=reason,
        made_by=made_by,
        request_id=request_id,
    )
    assert row is not None, "it was inserted"
    made = _recorded(row)
    await connection.execute(statement("counts", "supersede_later"), {"site_id": site_id, "at": when})
    counted = await _row(connection, "recount", site_id=site_id, at=when)
    assert counted is not None, "its site is locked"
    inside, sd = counted
    changed = {site_id: replace(locked[site_id], inside=inside, inside_sd=sd)}
    await publish_sites(connection, changed, bays={}, inside={})
    await record(
        connection,
        actor=made_by,
        action="count.correct",
        subject=f"site/{site_id}",
        before={"inside": made.before},
        after=asdict(made),
    )
    return made, True


async def _checked(
    connection: Connection, count: Count, *, vehicles: int, at: datetime | None, reason: str
) -> datetime:
    """The time of a count by hand, if all of it can be."""
    if not 0 <= vehicles <= _MOST_TIMES * count.capacity:
        raise InputError(
            f"vehicles: {vehicles} cannot be inside; capacity is {count.capacity}, and twice that is the most"
        )
    if len(reason) > MAX_REASON:
        raise InputError(f"reason: {len(reason)} characters, at most {MAX_REASON}")
    now = count.as_of
    when = now if at is None or now < at <= now + _EARLY else at
    if when > now:
        raise InputError(f"at: {when.isoformat()} is still to come")
    if when < now - OLDEST:
        raise InputError(f"at: {when.isoformat()} is more than {OLDEST.days} days ago")
    began = await _row(connection, "first_count", site_id=count.site_id)
    if began is not None and when <= began[0]:
        raise InputError(f"at: {when.isoformat()} is before counting began, at {began[0].isoformat()}")
    return when


async def _row(connection: Connection, name: LiteralString, /, **parameters: Any) -> tuple[Any, ...] | None:
    cursor = await connection.execute(statement("counts", name), parameters)
    return await cursor.fetchone()


def _recorded(row: tuple[Any, ...]) -> Recorded:
    correction_id, at, made_at, rule, before, after, reason, made_by, superseded_at = row
    return Recorded(
        correction_id=correction_id,
        at=at,
        made_at=made_at,
        rule=rule,
        before=before,
        after=after,
        reason=reason,
        made_by=made_by,
        superseded_at=superseded_at,
    )
