"""The published numbers at each quarter of an hour: kept as they come, or made from the roll-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from parking.db.connect import Connection, statement
from parking.forecast.series import Closure, Series
from parking.forecast.town import Place
from parking.model import Counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A site with its number; `vouched` says whether an ingestor has just confirmed it, `open` whether the
    registry has it as open at all.
    """

    place: Place
    counting: Counting
    hours: str | None
    open: bool
    occupied: int
    unknown: int
    vouched: bool

    @property
    def taken(self) -> float | None:
        """The spaces taken, if the unknown ones are as the known ones; None where too little is known."""
        capacity = self.place.capacity
        if not self.vouched or capacity == 0 or 2 * self.unknown > capacity:
            return None
        return capacity * self.occupied / (capacity - self.unknown)


async def load_counted(connection: Connection, *, now: datetime) -> list[Counted]:
    """All sites with their numbers."""
    found = []
    for row in await _rows(connection, "places", {"now": now}):
        site, kind, counting, timezone, hours, open_, capacity, occupied, unknown, vouched = row
        found.append(
            Counted(
                place=Place(id=site, kind=kind, timezone=timezone, capacity=capacity),
                counting=Counting(counting),
                hours=hours,
                open=open_,
                occupied=occupied,
                unknown=unknown,
                vouched=vouched,
            )
        )
    return found


async def load_closures(connection: Connection, *, since: datetime) -> dict[str, tuple[Closure, ...]]:
    """When sites were or will be closed, from a time on. A closure without an end lasts for ages."""
    found: dict[str, tuple[Closure, ...]] = {}
    for site, start, end in await _rows(connection, "closures", {"since": since}):
        closure = Closure(start, int(min(end, 1e11)))
        found[site] = (*found.get(site, ()), closure)
    return found


async def take_counts(connection: Connection, sites: Sequence[Counted], *, quarter: datetime) -> None:
    """Keep the numbers that somebody vouches for as those of a quarter of an hour; whoever is first wins."""
    vouched = [one.place.id for one in sites if one.vouched]
    await connection.execute(statement("forecast", "take_counts"), {"sites": vouched, "quarter_at": quarter})


async def backfill(
    connection: Connection, sites: Sequence[Counted], *, since: datetime, until: datetime
) -> int:
    """Make the counts of sites that have hardly any from what is stored of their past; how many that were.

    A spell in which a bay is unknown and that goes on is not in the roll-ups: there it counts as vacant.
    """
    by_id = {one.place.id: one for one in sites}
    made = 0
    for (site,) in await _rows(connection, "uncounted", {"sites": list(by_id), "until": until}):
        one = by_id[site]
        name = "backfill_gates" if one.counting is Counting.GATES else "backfill_bays"
        values = {"site": site, "capacity": one.place.capacity, "since": since, "until": until}
        made += (await connection.execute(statement("forecast", name), values)).rowcount
    return made


async def load_history(
    connection: Connection, sites: Sequence[str], *, since: datetime
) -> Mapping[str, Series]:
    """What share of each site's spaces was taken at its quarter hours, where enough of them was known."""
    rows = await _rows(connection, "history", {"sites": list(sites), "since": since})
    return {
        site: Series(np.array(times, dtype=np.int64), np.array(shares, dtype=np.float64))
        for site, times, shares in rows
    }


async def _rows(connection: Connection, name: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("forecast", name), parameters)
    return await cursor.fetchall()
