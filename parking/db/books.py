"""Keeps the books of gate-counted sites: visits, the drift of the count, and the corrections that follow.

Theory of operation. Each quarter of an hour the books go on from where they stood (`gate_books`), over the
passages, the counts by hand and the closures since. All of it follows from what is stored, so when a passage
comes late the books are kept anew from the midnight before it: any order of the same messages ends in the
same corrections. A correction that is no longer due then is marked as superseded and stays on record.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from parking.books import Books
from parking.db.connect import Connection, statement
from parking.db.pairing import known_visits, pair
from parking.db.records import columns
from parking.db.sites import lock_sites, publish_sites
from parking.drift import Correction, Inside
from parking.model import Direction, Snapshot
from parking.occupants import EVERY, Start
from parking.opening import OpeningHours, opening_hours
from parking.tenants import Tenants

STEP: Final = timedelta(minutes=15)
DAY: Final = timedelta(days=1)
_SPARE: Final = 2 * DAY
"""Books are kept for so much longer than a message may be late."""
_CLOSED_FOR: Final = timedelta(hours=1)
_STILL_FOR: Final = timedelta(minutes=30)
"""A site is empty when it has been closed for an hour, and nobody has passed for half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """A site and how its books are kept."""

    id: str
    zone: ZoneInfo
    capacity: int
    window: timedelta
    hours: OpeningHours | None
    empty_when_closed: bool
    redo_from: datetime | None


async def keep_books(
    connection: Connection, *, now: datetime, window: timedelta, late: timedelta
) -> list[Snapshot]:
    """Bring the books of every gate-counted site up to `now`; the snapshots that changed.

    `window` is the pairing window, `late` how late a message may be. Each site is a transaction of its own.
    Does nothing while another process does it.
    """
    ((ours,),) = await _run(connection, "lock_books")
    if not ours:
        return []
    snapshots: list[Snapshot] = []
    try:
        for (site_id,) in await _run(connection, "due", to=_floor(now)):
            snapshots += await keep_site(connection, site_id, now=now, window=window, late=late)
    finally:
        await _run(connection, "unlock_books")
    return snapshots


async def keep_site(
    connection: Connection, site_id: str, *, now: datetime, window: timedelta, late: timedelta
) -> list[Snapshot]:
    """Bring the books of one site up to `now`."""
    async with connection.transaction():
        locked = await lock_sites(connection, [site_id])
        site = await _site(connection, site_id, window)
        await pair(connection, site_id, now=now, window=site.window)
        books, began = await _resume(connection, site)
        since = books.at
        record = await _Record.read(connection, site, since=since, until=now, began=began)
        corrections, kept = record.follow(books, now)
        await _store_corrections(connection, site_id, since, corrections)
        await _run(connection, "drop_kept", site_id=site_id, since=since, before=now - late - _SPARE)
        states = [(at, json.dumps(state)) for at, state in sorted(kept.items())]
        await _run(connection, "keep", site_id=site_id, **columns("kept_to state", states))
        inside = books.count + record.net(books.at, None)
        await _run(
            connection,
            "set_count",
            site_id=site_id,
            inside=inside,
            sd=books.sd,
            missed_share=books.missed_share,
        )
        changed = {site_id: replace(locked[site_id], inside=inside, inside_sd=books.sd)}
        return await publish_sites(connection, changed, bays={}, inside={})


async def _site(connection: Connection, site_id: str, window: timedelta) -> _Site:
    (row,) = await _run(connection, "site", site_id=site_id)
    timezone, capacity, details, redo_from = row
    own = details.get("pairing_window_min")
    text = details.get("opening_hours")
    return _Site(
        id=site_id,
        zone=ZoneInfo(timezone),
        capacity=capacity or 0,
        window=window if own is None else min(window, timedelta(minutes=own)),
        hours=opening_hours(text, timezone) if text else None,
        empty_when_closed=bool(details.get("empty_when_closed")),
        redo_from=redo_from,
    )


async def _resume(connection: Connection, site: _Site) -> tuple[Books, Start]:
    """The books as they stood before what is new, and how counting began."""
    ((at, vehicles),) = await _run(connection, "first_count", site_id=site.id)
    began = Start(at, vehicles)
    kept = await _run(connection, "kept", site_id=site.id, before=site.redo_from)
    if not kept:
        # Nothing before: all of it is kept anew, unless the first midnight is no longer there.
        oldest = await _run(connection, "oldest", site_id=site.id)
        kept = oldest if oldest and oldest[0][0] > at + DAY else []
    books = Books(site.capacity, at=at, count=vehicles, zone=site.zone)
    if kept:
        books.resume(kept[0][1])
    return books, began


class _Record:
    """What is on record of one site since a time, and what it tells at each step."""

    def __init__(
        self,
        site: _Site,
        *,
        passed: Mapping[Direction, Sequence[datetime]],
        by_hand: Mapping[datetime, int],
        closures: Sequence[tuple[datetime, datetime | None]],
        tenants: Tenants,
    ) -> None:
        self._site = site
        self._passed = passed
        self._by_hand = by_hand
        self._closures = closures
        self._tenants = tenants

    @classmethod
    async def read(
        cls, connection: Connection, site: _Site, *, since: datetime, until: datetime, began: Start
    ) -> "_Record":
        """Read it; a pairing window more of the passages, by which vehicles inside are guessed."""
        passed: dict[Direction, list[datetime]] = {way: [] for way in Direction}
        for at, way in await _run(connection, "passed", site_id=site.id, since=since - site.window):
            passed[Direction(way)].append(at)
        by_hand = await _run(connection, "by_hand", site_id=site.id, since=since, until=until)
        closures = await _run(connection, "closures", site_id=site.id, since=since - _CLOSED_FOR)
        seen = []
        if any(_asks(at) for at in _marks(since, until)):
            seen = await known_visits(connection, site.id, since=Tenants.needs(since))
        return cls(
            site,
            passed=passed,
            by_hand=dict(by_hand),
            closures=[(from_at, until_at) for from_at, until_at in closures],
            tenants=Tenants(seen, passed[Direction.IN], window=site.window, began=began),
        )

    def follow(self, books: Books, now: datetime) -> tuple[list[Correction], dict[datetime, dict[str, Any]]]:
        """Keep the books up to `now`: what the rules correct, and the books at midnights and at the end."""
        corrections, kept = [], {}
        for at in sorted({*_marks(books.at, now), *self._by_hand}):
            entries, exits = self._counted(books.at, at)
            due = books.step(at, entries=entries, exits=exits, known=self._known(at))
            if due is not None and at not in self._by_hand:
                corrections.append(due)
            if at == _floor(at, DAY):
                kept[at] = books.state()
        kept[books.at] = books.state()
        return corrections, kept

    def net(self, since: datetime, until: datetime | None) -> int:
        """How many more came than left after a time."""
        entries, exits = self._counted(since, until)
        return entries - exits

    def _counted(self, since: datetime, until: datetime | None) -> tuple[int, int]:
        entries, exits = (
            (len(times) if until is None else bisect_right(times, until)) - bisect_right(times, since)
            for times in (self._passed[Direction.IN], self._passed[Direction.OUT])
        )
        return entries, exits

    def _known(self, at: datetime) -> list[Inside]:
        known = []
        if _asks(at):
            known += self._tenants.inside(at)
        if self._empty(at):
            known.append(Inside.closed())
        if at in self._by_hand:
            known.append(Inside.counted(self._by_hand[at]))
        return known

    def _empty(self, at: datetime) -> bool:
        if not self._site.empty_when_closed or self._counted(at - _STILL_FOR, at) != (0, 0):
            return False
        return all(self._closed(at - quarter * STEP) for quarter in range(_CLOSED_FOR // STEP + 1))

    def _closed(self, at: datetime) -> bool:
        if self._site.hours is not None and not self._site.hours.is_open(at):
            return True
        return any(begin <= at and (end is None or at < end) for begin, end in self._closures)


async def _store_corrections(
    connection: Connection, site_id: str, since: datetime, corrections: Iterable[Correction]
) -> None:
    due = {(each.at, each.rule.value, each.before, each.after, each.reason) for each in corrections}
    stored = {
        tuple(rest): correction_id
        for correction_id, *rest in await _run(connection, "rule_corrections", site_id=site_id, since=since)
    }
    over = [correction_id for each, correction_id in stored.items() if each not in due]
    if over:
        await _run(connection, "supersede", corrections=over)
    if new := sorted(due - stored.keys()):
        names = "corrected_at rule inside_before inside_after reason"
        await _run(connection, "add_corrections", site_id=site_id, **columns(names, new))


async def _run(connection: Connection, name: Any, /, **parameters: Any) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement("counts", name), parameters)
    return await cursor.fetchall() if cursor.description else []


def _floor(at: datetime, step: timedelta = STEP) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return at - (at.astimezone(UTC) - epoch) % step


def _marks(since: datetime, until: datetime) -> list[datetime]:
    """The quarter hours after one time and up to another."""
    first = _floor(since) + STEP
    return [first + number * STEP for number in range(max(0, (until - first) // STEP + 1))]


def _asks(at: datetime) -> bool:
    """Whether the tokens are asked then how many are inside."""
    return at == _floor(at, EVERY)
