"""Reads who came and went, without telling anybody apart."""

from dataclasses import dataclass
from datetime import datetime

from parking.db.connect import Connection, statement


@dataclass(frozen=True, slots=True)
class Movement:
    """A vehicle that was seen to come to a space of this category, or to leave it."""

    site: str
    category: str
    at: datetime
    arrival: bool


async def load_movements(
    connection: Connection, *, since: datetime, until: datetime, withheld: frozenset[str]
) -> list[Movement]:
    """All from `since` until before `until`, in no order; none of the categories `withheld`.

    Departures after a stay of more than a week are left out: they would cost a look at every stay there was.
    """
    arguments = {"since": since, "until": until, "withheld": sorted(withheld)}
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("open_data", "movements"), arguments)
    return [Movement(*row) async for row in cursor]
