"""When bays were there, in which site and of which category; and what ends when a device leaves a bay."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from parking.columns import microseconds
from parking.db.connect import Connection, statement
from parking.db.silence import silent_parts
from parking.db.usage import add_usage, any_bays
from parking.usage import OCCUPIED_TIME, UNKNOWN_TIME, Spans, moments, spans


async def keep_periods(connection: Connection, *, sites: Collection[str], at: datetime) -> None:
    """Begin and end the periods of bays that are new, gone, or of another site or category since `at`."""
    for name in ("end_periods", "begin_periods", "outdate_states"):
        await connection.execute(statement("periods", name), {"sites": list(sites), "at": at})


async def recount_days(connection: Connection, sites: Sequence[str]) -> None:
    """Sum the quarters of these sites by days anew: their days begin at other times than before."""
    if sites:
        await connection.execute(statement("usage", "hold_quarters"))
        for name in ("forget_days", "count_days"):
            await connection.execute(statement("usage", name), {"sites": list(sites)})


async def end_watches(connection: Connection, *, sites: Collection[str], at: datetime) -> None:
    """End what goes on in bays that are retired or lose their device: stays, faults and silence.

    Nobody sees these ends: a vehicle was there at least until now.
    """

    async def run(name: str) -> list[tuple[Any, ...]]:
        cursor = await connection.execute(statement("periods", name), {"sites": list(sites), "at": at})
        return await cursor.fetchall()

    silent, stays, faults = [await run(n) for n in ("end_silence", "end_stays", "end_unknown_runs")]
    bays = any_bays(sorted({bay for bay, *_ in (*silent, *stays, *faults)}))
    if not bays.bays:
        return
    slots = {bay: slot for slot, bay in enumerate(bays.bays)}

    def times(rows: list[tuple[Any, ...]], kind: int) -> Spans:
        columns = [(slots[bay], microseconds(start), microseconds(end)) for bay, start, end, *_ in rows]
        owner, start, end = np.array(columns, dtype=np.int64).reshape(-1, 3).T
        return spans(owner, start, end, weight=1, kind=kind)

    ended = times(stays, OCCUPIED_TIME)
    runs = ended.then(times(faults, UNKNOWN_TIME))
    points = moments(
        ended.owner,
        start_us=ended.start_us,
        end_us=ended.end_us,
        start_seen=np.array([seen for *_, seen in stays], dtype=np.bool_),
        end_seen=np.zeros(len(stays), dtype=np.bool_),
        weight=ended.weight,
    )
    parts = await silent_parts(connection, bays, runs)
    await add_usage(connection, bays, runs.then(parts, times(silent, UNKNOWN_TIME)), points)
