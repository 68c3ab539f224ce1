"""Splits a batch by site, so that its parts can be written at the same time."""

from zlib import crc32

import numpy as np

from parking.columns import take
from parking.db.records import Batch
from parking.db.table import BayTable


def split(batch: Batch, table: BayTable, count: int) -> list[Batch]:
    """`count` batches that together are this one. No site is in two of them; rejections are in the first."""
    part_of = np.array([_part(site, count) for site in table.sites], dtype=np.int64)
    parts = [Batch() for _ in range(count)]
    parts[0].rejections.extend(batch.rejections)
    for record in batch.bays:
        parts[_part(record.site, count)].bays.append(record)
    for read in batch.gates:
        parts[_part(read.site, count)].gates.append(read)
    for frames in batch.frames:
        owner = part_of[table.site_of[frames.bay]]
        for number, part in enumerate(parts):
            part.frames.append(take(frames, np.flatnonzero(owner == number)))
    return parts


def _part(site: str, count: int) -> int:
    return crc32(site.encode()) % count
