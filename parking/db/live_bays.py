"""All bays with what is published of them, read in columns: as rows a large city took a second to read."""

import asyncio
from dataclasses import dataclass, fields

from numpy import float64
from numpy.typing import NDArray

from parking.columns import Bools, Ints
from parking.db.binary import array_values, times_us
from parking.db.connect import Connection, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class BayColumns:
    """All bays, a place in each column for each of them, those of a site side by side in the order of sites.

    `lons` and `lats` are degrees (WGS 84), NaN without a location; `max_stay_min` is 0 where nothing is said;
    `since_us` is in microseconds since 1970, NEVER_US where it is not told. `states` are `Occupancy`.
    """

    ids: list[str]
    sites: list[str]
    categories: list[str]
    lons: NDArray[float64]
    lats: NDArray[float64]
    max_stay_min: Ints
    states: list[str]
    since_us: Ints
    faults: Bools
    revisions: Ints


async def load_bays(connection: Connection) -> BayColumns:
    """All bays in use."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("live", "bays"))
    assert cursor.pgresult is not None, "the query was executed"
    # As they came: psycopg would make an object of each value.
    values = [cursor.pgresult.get_value(0, column) for column in range(cursor.pgresult.nfields)]
    # In a thread, for a large city's texts take long enough to hold up other work of the event loop.
    return await asyncio.to_thread(_columns, values)


def no_bays() -> BayColumns:
    """What is known before anything is."""
    return _columns([None] * len(fields(BayColumns)))


def _columns(values: list[bytes | None]) -> BayColumns:
    ids, sites, categories, lons, lats, max_stay_min, states, since, faults, revisions = values
    return BayColumns(
        ids=_texts(ids),
        sites=_texts(sites),
        categories=_texts(categories),
        lons=array_values(lons, ">f8"),
        lats=array_values(lats, ">f8"),
        max_stay_min=array_values(max_stay_min, ">i4"),
        states=_texts(states),
        since_us=times_us(since),
        faults=array_values(faults, "?"),
        revisions=array_values(revisions, ">i8"),
    )


def _texts(lines: bytes | None) -> list[str]:
    """Ids and words, none of which has a line break."""
    return [] if lines is None else lines.decode().split("\n")
