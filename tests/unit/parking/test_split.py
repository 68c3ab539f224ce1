"""A batch in parts: nothing is lost, nothing doubled, and no site is in two."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from parking.columns import observations
from parking.db.records import Batch, GateRecord, RejectedRecord
from parking.db.split import split
from parking.db.table import BayTable
from parking.model import Direction

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SITES = [f"site-{number}" for number in range(7)]


def frame(bay: int, seq: int) -> tuple[object, ...]:
    """One row of columns."""
    return (bay, 1, seq, 0, 0, 0, 0, 0, -1, 0, 0, False, np.nan, np.nan)


@given(
    st.lists(st.integers(0, 20), max_size=30),
    st.lists(st.sampled_from(SITES), max_size=10),
    st.integers(1, 4),
)
def test_parts_are_the_whole(bays: list[int], gates: list[str], count: int) -> None:
    table = BayTable(sites=SITES, site_of=np.arange(21) % len(SITES))
    batch = Batch(
        frames=[observations([frame(bay, seq) for seq, bay in enumerate(bays)])],
        gates=[
            GateRecord(
                camera="c", site=site, event_at=NOON, event_id=str(number), direction=Direction.IN,
                confidence=None, token=None, received_at=NOON,
            )
            for number, site in enumerate(gates)
        ],
        rejections=[RejectedRecord(received_at=NOON, topic="t", code="c", detail="", size=0, payload=None)],
    )  # fmt: skip
    parts = split(batch, table, count)
    assert len(parts) == count
    found = [list(zip(f.bay.tolist(), f.seq.tolist(), strict=True)) for p in parts for f in p.frames]
    assert sorted(row for part in found for row in part) == sorted((bay, seq) for seq, bay in enumerate(bays))
    assert all(part == sorted(part, key=lambda row: row[1]) for part in found)  # in their order
    assert sorted(g.event_id for p in parts for g in p.gates) == sorted(str(n) for n in range(len(gates)))
    assert [len(part.rejections) for part in parts] == [1] + [0] * (count - 1)
    sites = [
        {table.site(bay) for f in p.frames for bay in f.bay.tolist()} | {g.site for g in p.gates}
        for p in parts
    ]
    assert sum(map(len, sites)) == len(set().union(*sites))
    assert sum(part.observations for part in parts) == batch.observations
