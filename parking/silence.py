"""When devices were silent for longer than their time to live, whatever the order in which they were heard.

Theory of operation. Between two times at which a device was heard lies a gap. If it is longer than the time
to live, the bay was unknown from the time to live after the first until the second: a silent spell. A message
that comes late and was sent within such a gap splits it in two. One that was sent in a shorter gap changes
nothing, so only the long ones are kept, and before the first message one that has no beginning.

Times are microseconds since 1970. A bay is a slot: its index in the table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from parking.columns import NOTHING, Ints, Observations, Positions

Gap = tuple[int, int, int]
"""Heard at, silent from, heard again at."""


@dataclass(frozen=True, slots=True)
class Silences:
    """What a batch tells of silence: gaps that are new, and messages sent before the latest known one.

    A gap whose `from_us` is its `until_us` is a device's first: it was not heard before.
    """

    slot: Ints
    heard_us: Ints
    from_us: Ints
    until_us: Ints
    late_slot: Ints
    late_us: Ints


def no_silences() -> Silences:
    """Nothing new of silence."""
    return Silences(*(np.zeros(0, dtype=np.int64) for _ in fields(Silences)))


def silences(table: Positions, ttl_us: Ints, batch: Observations) -> Silences:
    """The gaps between these messages and after those known. `ttl_us` is of each slot."""
    known = table.seen_at[batch.bay]
    usual = (known != NOTHING) & (batch.seen_us >= known) & (batch.seen_us - known <= ttl_us[batch.bay])
    if usual.all():
        return no_silences()
    rows = np.flatnonzero(np.isin(batch.bay, batch.bay[~usual]))
    rows = rows[np.lexsort((batch.seen_us[rows], batch.bay[rows]))]
    slot, seen = batch.bay[rows], batch.seen_us[rows]
    known = table.seen_at[slot]
    late = (known != NOTHING) & (seen < known)
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = slot[1:] != slot[:-1]
    before = np.where(first, NOTHING, np.concatenate((seen[:1], seen[:-1])))
    before = np.maximum(before, known)
    silent_from = before + ttl_us[slot]
    fresh = before == NOTHING
    gap = np.flatnonzero(fresh | ~late & (seen > silent_from))
    return Silences(
        slot[gap],
        before[gap],
        np.where(fresh, seen, silent_from)[gap],
        seen[gap],
        slot[late],
        seen[late],
    )


def split(gap: Gap, heard: Iterable[int], ttl_us: int) -> list[Gap]:
    """What is left of a gap of one device in which it was heard after all, at these times."""
    start, silent_from, until = gap
    first = silent_from == until  # it has no beginning: it stays, and ends with the first message
    found = []
    for at in sorted(set(heard)):
        if silent_from < at or first:
            found.append((start, min(silent_from, at), at))
        first = False
        start, silent_from = at, at + ttl_us
    if silent_from < until or first:
        found.append((start, silent_from, until))
    return found


def split_all(
    gaps: Sequence[tuple[int, *Gap]], late_slot: Ints, late_us: Ints, ttl_us: Ints
) -> list[tuple[int, *Gap]]:
    """What is left of stored gaps (slot first) in which devices were heard after all."""
    heard = defaultdict(list)
    for slot, at in zip(late_slot.tolist(), late_us.tolist(), strict=True):
        heard[slot].append(at)
    return [
        (slot, *left)
        for slot, *gap in gaps
        for left in split(
            (gap[0], gap[1], gap[2]),
            [at for at in heard[slot] if gap[0] < at < gap[2]],
            int(ttl_us[slot]),
        )
    ]
