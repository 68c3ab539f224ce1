"""Stores silent spells, and finds those that overlap what bays did."""

from typing import Any

import numpy as np

from parking.columns import Ints
from parking.db import binary
from parking.db.binary import text_value
from parking.db.connect import Connection, statement
from parking.db.table import BayTable
from parking.db.usage import Owners
from parking.silence import Silences, split_all
from parking.usage import UNKNOWN_TIME, Spans, overlaps, spans


async def store_silences(connection: Connection, table: BayTable, found: Silences) -> list[Spans]:
    """Store new silent spells, and split those in which a device was heard after all.

    Gives what that changes in the sums. Comes before stays and runs of unknown are changed: it looks at those
    that are stored.
    """
    await _add(connection, table, found.slot, found.heard_us, found.from_us, found.until_us)
    new = spans(found.slot, found.from_us, found.until_us, weight=1, kind=UNKNOWN_TIME)
    changed = [new.take(new.end_us > new.start_us)] if len(new) else []
    if len(found.late_slot):
        changed += await _split(connection, table, found)
    return [part for part in changed if len(part)]


async def _split(connection: Connection, table: BayTable, found: Silences) -> list[Spans]:
    parameters = {**_ids(table, found.late_slot), "heard_at": binary.time_column(found.late_us)}
    cursor = await connection.execute(statement("usage", "gaps"), parameters)
    gaps = [(table.slots[bay], *gap) for bay, *gap in await cursor.fetchall()]
    if not gaps:
        return []
    left = split_all([(s, a, b, c) for s, a, b, c in gaps], found.late_slot, found.late_us, table.ttl_us)
    slot, heard, silent_from, until = _columns(gaps)
    await connection.execute(
        statement("usage", "delete_gaps"), {**_ids(table, slot), "heard_at": binary.time_column(heard)}
    )
    new_slot, new_heard, new_from, new_until = _columns(left)
    await _add(connection, table, new_slot, new_heard, new_from, new_until)
    old = spans(slot, silent_from, until, weight=-1, kind=UNKNOWN_TIME)
    new = spans(new_slot, new_from, new_until, weight=1, kind=UNKNOWN_TIME)
    # A device's first gap is empty, and what is left of it is not: look at what overlaps either.
    runs = await _runs(connection, table, old.then(new))
    back = overlaps(runs, runs.owner, slot, silent_from, until)
    again = Spans(back.owner, back.start_us, back.end_us, -back.weight, back.kind)
    return [
        old.take(old.end_us > old.start_us),
        new.take(new.end_us > new.start_us),
        again,
        overlaps(runs, runs.owner, new_slot, new_from, new_until),
    ]


async def silent_parts(connection: Connection, bays: Owners, runs: Spans) -> Spans:
    """The times of these runs in which their devices were silent, to be taken off."""
    if not len(runs):
        return runs
    owner, start, end = runs.owner, runs.start_us, runs.end_us
    cursor = await connection.execute(statement("usage", "spells_within"), _times(bays, owner, start, end))
    number = {bays.bays[slot]: slot for slot in owner.tolist()}
    rows = {(number[bay], start, end) for bay, start, end in await cursor.fetchall()}
    slot, silent_from, until = _columns(sorted(rows), 3)
    return overlaps(runs, runs.owner, slot, silent_from, until)


async def _runs(connection: Connection, table: BayTable, spells: Spans) -> Spans:
    """The stored stays and runs of unknown that overlap these spells, each once."""
    parameters = _times(table, spells.owner, spells.start_us, spells.end_us)
    cursor = await connection.execute(statement("usage", "runs_within"), parameters)
    rows = {(table.slots[bay], start, end, kind) for bay, start, end, kind in await cursor.fetchall()}
    slot, start, end, kind = _columns(sorted(rows))
    return spans(slot, start, end, weight=1, kind=kind)


async def _add(
    connection: Connection, bays: Owners, slot: Ints, heard: Ints, silent_from: Ints, until: Ints
) -> None:
    if len(slot):
        parameters = _times(bays, slot, silent_from, until)
        parameters["heard_at"] = binary.time_column(heard)
        await connection.execute(statement("usage", "add_gaps"), parameters)


def _times(bays: Owners, slot: Ints, from_us: Ints, until_us: Ints) -> dict[str, Any]:
    times = {"from_at": binary.time_column(from_us), "until_at": binary.time_column(until_us)}
    return {**_ids(bays, slot), **times}


def _ids(bays: Owners, slot: Ints) -> dict[str, Any]:
    return {"bay_id": binary.text_column([text_value(bays.bays[number]) for number in slot.tolist()])}


def _columns(rows: Any, width: int = 4) -> Any:
    return np.array(rows, dtype=np.int64).reshape(-1, width).T
