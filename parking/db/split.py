"""Splits a batch by site, so that its parts can be written at the same time."""

import numpy as np

from parking.columns import take
from parking.db.records import Batch
from parking.db.table import BayTable
from parking.parts import part_of


def split(batch: Batch, table: BayTable, count: int) -> list[Batch]:
    """`count` batches that together are this one. No site is in two of them; rejections are in the first."""
    owner_of = np.array([part_of(site, count) for site in table.sites], dtype=np.int64)
    parts = [Batch() for _ in range(count)]
    parts[0].rejections.extend(batch.rejections)
    for record in batch.bays:
        parts[part_of(record.site, count)].bays.append(record)
    for read in batch.gates:
        parts[part_of(read.site, count)].gates.append(read)
    for frames in batch.frames:
        owner = owner_of[table.site_of[frames.bay]]
        for number, part in enumerate(parts):
            part.frames.append(take(frames, np.flatnonzero(owner == number)))
    return parts
