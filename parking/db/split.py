"""Splits a batch by site, so that its parts can be written at the same time."""

import numpy as np

from parking.columns import Ints, take
from parking.db.records import Batch, SealedFrames
from parking.db.table import BayTable
from parking.parts import part_of


def split(batch: Batch, table: BayTable, count: int) -> list[Batch]:
    """`count` batches that together are this one. No site is in two of them; rejections are in the first."""
    owner_of = np.array([part_of(site, count) for site in table.sites], dtype=np.int64)
    parts = [Batch() for _ in range(count)]
    parts[0].rejections.extend(batch.rejections)
    for sealed in batch.sealed:
        owner = owner_of[table.site_of[sealed.frames.bay]]
        for number, part in enumerate(parts):
            part.sealed.append(rows_of(sealed, np.flatnonzero(owner == number)))
    for record in batch.bays:
        parts[part_of(record.site, count)].bays.append(record)
    for read in batch.gates:
        parts[part_of(read.site, count)].gates.append(read)
    for frames in batch.frames:
        owner = owner_of[table.site_of[frames.bay]]
        for number, part in enumerate(parts):
            part.frames.append(take(frames, np.flatnonzero(owner == number)))
    return parts


def rows_of(sealed: SealedFrames, rows: Ints) -> SealedFrames:
    """These rows."""
    chosen = rows.tolist()
    return SealedFrames(
        take(sealed.frames, rows),
        [sealed.seals[row] for row in chosen],
        [sealed.refuse[row] for row in chosen],
    )
