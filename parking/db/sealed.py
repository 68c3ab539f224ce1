"""Sealed frames in the transaction that stores them: new ones go on; others are copies or replays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmware_protocol.window import SPAN, Window
from parking.columns import UNSAID, Ints, Observations, concatenate, moment, take
from parking.db import binary
from parking.db.binary import text_value
from parking.db.connect import Connection, statement
from parking.db.records import Batch, BayRecord, Refuse, RejectedRecord, columns
from parking.db.table import BayTable, TableOutdated, tabulate
from parking.replay import UNUSED, Seal, Verdict, WindowKey, judge

Windows = Mapping[WindowKey, Window]


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a batch's sealed frames amount to: `new` observations, and the `records` among them.

    `used` are observations whose counter was used before; `refused` are replays already. `windows` hold
    once what is new is stored, and stand where `before` did.
    """

    new: Observations
    records: list[BayRecord]
    used: Observations
    used_seals: list[Seal]
    used_refuse: list[Refuse]
    refused: list[RejectedRecord]
    windows: dict[WindowKey, Window]
    numbers: dict[WindowKey, int]


def unseal(table: BayTable, batch: Batch, records: Sequence[BayRecord]) -> Unsealed:
    """Judge a batch's sealed frames by the windows in memory. `records` are those of the batch's that came
    sealed, of bays that are in the table.
    """
    everything = concatenate([*(part.frames for part in batch.sealed), tabulate(table, list(records))])
    seals = [seal for part in batch.sealed for seal in part.seals]
    refuse = [make for part in batch.sealed for make in part.refuse]
    first_record = len(seals)
    for record in records:
        assert record.seal is not None
        assert record.refuse is not None
        seals.append(record.seal)
        refuse.append(record.refuse)
    verdicts, windows = judge(seals, table.windows)
    new, used, behind = (
        [place for place, verdict in enumerate(verdicts) if verdict is kind]
        for kind in (Verdict.NEW, Verdict.USED, Verdict.BEHIND)
    )
    return Unsealed(
        new=take(everything, _rows(new)),
        records=[records[place - first_record] for place in new if place >= first_record],
        used=take(everything, _rows(used)),
        used_seals=[seals[place] for place in used],
        used_refuse=[refuse[place] for place in used],
        refused=[
            refuse[place]("replayed", _behind(seals[place], table.windows, windows)) for place in behind
        ],
        windows=windows,
        numbers={seal.window: seal.key for seal in seals},
    )


async def replays(connection: Connection, table: BayTable, found: Unsealed) -> list[RejectedRecord]:
    """Of the frames whose counter was used, those that are no copies of what is stored by now.

    What tells of no transition could change nothing anyway: it is a copy.
    """
    used = found.used
    told = np.flatnonzero(used.state != UNSAID).tolist()
    if not told:
        return []
    rows = [
        (
            place,
            table.bays[used.bay[place]],
            found.used_seals[place].device,
            moment(used.event_us[place]),
            int(used.session[place]),
            int(used.seq[place]),
            int(used.part[place]),
        )
        for place in told
    ]
    names = "place bay_id device_id event_at session seq part"
    cursor = await connection.execute(statement("sealed", "stored"), columns(names, rows))
    stored = {place for (place,) in await cursor.fetchall()}
    return [
        found.used_refuse[place](
            "replayed",
            f"counter {found.used_seals[place].counter} of {_whose(found.used_seals[place])} was used for "
            "what is not stored",
        )
        for place in told
        if place not in stored
    ]


async def store_windows(connection: Connection, table: BayTable, found: Unsealed) -> None:
    """Write the windows. Raises TableOutdated if another process has changed one of them."""
    keys = sorted(found.windows)
    known = [key for key in keys if key in table.windows]
    for name, those in (
        ("move_windows", known),
        ("add_windows", [k for k in keys if k not in table.windows]),
    ):
        if those:
            cursor = await connection.execute(statement("sealed", name), _parameters(table, found, those))
            if cursor.rowcount != len(those):
                raise TableOutdated


def _parameters(table: BayTable, found: Unsealed, keys: list[WindowKey]) -> dict[str, Any]:
    """These windows as columns, and where they stand in memory."""
    after = [found.windows[key] for key in keys]
    before = [table.windows.get(key, UNUSED) for key in keys]

    def numbers(values: Iterable[int]) -> binary.Int8Column:
        return binary.int8_column(np.fromiter(values, dtype=np.int64))

    return {
        "device_id": binary.text_column(text_value(device) for device, _ in keys),
        "secret_print": numbers(secret_print for _, secret_print in keys),
        "key_number": numbers(found.numbers[key] for key in keys),
        "highest": numbers(window.highest for window in after),
        "used": numbers(_signed(window.used) for window in after),
        "old_highest": numbers(window.highest for window in before),
        "old_used": numbers(_signed(window.used) for window in before),
    }


async def load_windows(
    connection: Connection, devices: Sequence[str] | None = None
) -> dict[WindowKey, Window]:
    """The windows of these devices, or of all."""
    cursor = await connection.execute(statement("sealed", "windows"), {"devices": devices})
    return {
        (device, secret_print): Window(highest, used % (1 << SPAN))
        for device, secret_print, highest, used in await cursor.fetchall()
    }


async def refresh_windows(connection: Connection, table: BayTable, found: Unsealed) -> None:
    """Read anew the windows of these frames' devices, and keep others from changing them."""
    devices = sorted({device for device, _ in found.numbers})
    if devices:
        await connection.execute(statement("sealed", "lock_windows"), {"devices": devices})
        table.windows.update(await load_windows(connection, devices))


def _signed(used: int) -> int:
    """64 bits as PostgreSQL's bigint."""
    return used - (1 << SPAN) if used >> (SPAN - 1) else used


def _rows(places: list[int]) -> Ints:
    return np.array(places, dtype=np.int64)


def _behind(seal: Seal, before: Windows, after: Windows) -> str:
    window = after.get(seal.window) or before.get(seal.window) or UNUSED
    return f"counter {seal.counter} of {_whose(seal)} is far behind the highest, {window.highest}"


def _whose(seal: Seal) -> str:
    return f"key {seal.key} of device {seal.device!r}"
