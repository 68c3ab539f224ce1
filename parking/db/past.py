"""Gives bays and gates a past that no device has told: stays with their roll-ups, passages, counts.

For made-up cities and for tests. It is written as the ingestor writes what has ended, but for the events,
which are not there; reports and forecasts do not need them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from parking.columns import Ints, moment
from parking.db import binary
from parking.db.bay_store import copy_stays
from parking.db.connect import Connection, statement
from parking.db.records import copy_rows
from parking.db.table import BayTable, load_table
from parking.db.usage import EndedStays, add_usage
from parking.errors import InputError
from parking.usage import OCCUPIED_TIME, moments, spans

STAYS: Final = 100_000
"""Stays that are rolled up at a time."""
_PASSAGE_TYPES = ("text", "text", "timestamptz", "text", "text", "float8", "bytea", "bytea", "timestamptz")


async def store_past_stays(
    connection: Connection, bays: Sequence[str], stays: EndedStays, *, since: datetime, until: datetime
) -> None:
    """Store ended stays of these bays (`slot` is an index of `bays`), which were there and known meanwhile.

    All or nothing. Raises InputError if one of them is not in the registry or has been heard of already.
    """
    async with connection.transaction():
        known = {"bays": list(bays), "since": since, "until": until}
        if (await connection.execute(statement("past", "begin"), known)).rowcount != len(bays):
            raise InputError("a past is given to bays of the registry of which nothing has been heard yet")
        await connection.execute(statement("past", "begin_periods"), known)
        await connection.execute(statement("past", "end"), known)
        table = await load_table(connection)
        slots = np.array([table.slots[bay] for bay in bays], dtype=np.int64)
        order = np.argsort(stays.end_us, kind="stable")
        for first in range(0, len(order), STAYS):
            rows = order[first : first + STAYS]
            await _store(connection, table, _rows(stays, rows, slots))


def _rows(stays: EndedStays, rows: Ints, slots: Ints) -> EndedStays:
    names = ("start_us", "end_us", "start_seen", "end_seen")
    return EndedStays(slots[stays.slot[rows]], *(getattr(stays, name)[rows] for name in names))


async def _store(connection: Connection, table: BayTable, stays: EndedStays) -> None:
    await copy_stays(connection, table, stays)
    points = moments(
        stays.slot,
        start_us=stays.start_us,
        end_us=stays.end_us,
        start_seen=stays.start_seen,
        end_seen=stays.end_seen,
        weight=np.ones(len(stays.slot), dtype=np.int64),
    )
    times = spans(stays.slot, stays.start_us, stays.end_us, weight=1, kind=OCCUPIED_TIME)
    await add_usage(connection, table, times, points)


async def store_past_passages(connection: Connection, passages: Sequence[tuple[str, str, str, int]]) -> None:
    """Store passages (site, camera, `in` or `out`, microseconds since 1970) from before counting began.

    Their count is not theirs to change: it goes on from what is on record.
    """
    rows = (
        (camera, site, at, f"past-{number}", direction, None, None, None, at)
        for number, (site, camera, direction, at_us) in enumerate(passages)
        for at in (moment(at_us),)
    )
    await copy_rows(connection, "write", "copy_passages", _PASSAGE_TYPES, rows)


async def store_past_counts(connection: Connection, site: str, quarters_us: Ints, occupied: Ints) -> None:
    """Store the vehicles in a site at quarter hours, for the forecast to learn from."""
    parameters = {
        "site": site,
        "quarter_at": binary.time_column(quarters_us),
        "occupied": binary.int8_column(occupied),
    }
    await connection.execute(statement("past", "keep_counts"), parameters)
