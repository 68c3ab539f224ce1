"""Pairs entries and exits to visits by their tokens, and keeps what remains when the tokens are gone.

A visit that began longer ago than the pairing window is settled: the token of its entry is removed. The
others are paired anew each time, from all that has a token, so their order of arrival does not matter.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.records import columns
from parking.model import Direction
from parking.plates import KEY_SIZE
from parking.visits import Crossing, Outcome, Visit, visits

_NAMES = "entered_at left_at outcome closed_at entry exit"


async def pair(connection: Connection, site_id: str, *, now: datetime, window: timedelta) -> None:
    """Bring the visits of a site up to `now`, within a transaction. `window` is the longest stay."""
    since = now - window
    cursor = await connection.execute(
        statement("counts", "open_visits"), {"site_id": site_id, "since": since}
    )
    settled: set[tuple[Any, ...]] = set()
    stored: dict[tuple[Any, ...], int] = {}
    due: set[tuple[Any, ...]] = set()
    for visit_id, *rest in await cursor.fetchall():
        entered_at, left_at, outcome, _, entry, exit = row = tuple(rest)
        if entered_at is None or entered_at > since:
            stored[row] = visit_id
            continue
        settled.add((exit, left_at))
        if outcome == Outcome.INSIDE:
            stored[row] = visit_id
            due.add((entered_at, None, Outcome.EXIT_MISSED.value, entered_at + window, entry, None))
    cursor = await connection.execute(
        statement("counts", "crossings"), {"site_id": site_id, "since": since, "until": now}
    )
    crossings = [
        crossing
        for crossing in map(_crossing, await cursor.fetchall())
        if (crossing.passage, crossing.at) not in settled
    ]
    due |= {_row(visit) for visit in visits(crossings, until=now, window=window)}
    if over := [visit_id for row, visit_id in stored.items() if row not in due]:
        await connection.execute(statement("counts", "drop_visits"), {"visits": over})
    if new := due - stored.keys():
        await connection.execute(
            statement("counts", "add_visits"), {"site_id": site_id, **columns(_NAMES, new)}
        )


async def known_visits(connection: Connection, site_id: str, *, since: datetime) -> list[Visit]:
    """The visits that began after a time, in order."""
    cursor = await connection.execute(
        statement("counts", "known_visits"), {"site_id": site_id, "since": since}
    )
    return [
        Visit(outcome=Outcome(outcome), entered_at=entered_at, left_at=left_at, closed_at=closed_at)
        for entered_at, left_at, outcome, closed_at in await cursor.fetchall()
    ]


def _crossing(row: Sequence[Any]) -> Crossing:
    at, direction, camera, event_id, token, former = row
    earlier = former or b""
    days = (earlier[first : first + KEY_SIZE] for first in range(0, len(earlier), KEY_SIZE))
    return Crossing(
        at=at, direction=Direction(direction), passage=f"{camera}/{event_id}", tokens=(token, *days)
    )


def _row(visit: Visit) -> tuple[Any, ...]:
    return (
        visit.entered_at,
        visit.left_at,
        visit.outcome.value,
        visit.closed_at,
        visit.entry,
        visit.exit,
    )
