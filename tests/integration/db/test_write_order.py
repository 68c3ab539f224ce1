"""Any order, any copies and any split into batches of the same messages end in the same rows."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from parking.db.connect import Connection, connect
from parking.db.records import Batch, BayRecord, GateRecord
from parking.db.table import load_table
from parking.db.write import write_batch
from parking.identity import NETWORK_TIMED
from parking.model import BayEvent, BayObservation, Direction, EventKind, Occupancy
from parking.timeline import canonical, inferred, ordered, runs, stays
from tests.support.city import RESET, Stored, load, read_back, small_registry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the clocks go forward half an hour later
END = NOON + timedelta(hours=4)


@pytest.fixture
async def connection(each_database_url: str) -> AsyncIterator[Connection]:
    await load(each_database_url, small_registry(heartbeat_s=86400))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        yield connection


@st.composite
def bay_records(draw: st.DrawFn) -> BayRecord:
    """A frame of one of two sensors: plausible, or with a clock, an order or a copy that makes no sense."""
    bay = draw(st.integers(0, 1))
    age_s = draw(st.sampled_from([0, 0, 0, 1, 60, 4000, 20000]))
    seen_at = NOON + timedelta(seconds=draw(st.integers(0, 4 * 3600)))
    seq = draw(st.integers(0, 5) | st.sampled_from([65534, 65535]))
    # The state goes with the sequence, as it does in a sensor, in most cases.
    states = list(Occupancy)
    state = states[seq % 2] if draw(st.integers(0, 5)) else draw(st.sampled_from(states))
    observation = BayObservation(
        device=f"sensor-0-{bay}",
        state=state,
        event_at=seen_at - timedelta(seconds=age_s),
        seen_at=seen_at,
        session=draw(st.sampled_from([1, 2, NETWORK_TIMED])),
        seq=seq,
        part=draw(st.sampled_from([0, 0, 0, 1])),
        age_s=age_s,
        previous_s=draw(st.sampled_from([None, 30, 600, 5000])),
        kind=EventKind.HEARTBEAT if age_s else EventKind.CHANGE,
    )
    return BayRecord(f"street-0-{bay}", "street-0", observation, seen_at)


@st.composite
def gate_records(draw: st.DrawFn) -> GateRecord:
    direction = draw(st.sampled_from(Direction))
    at = NOON + timedelta(seconds=draw(st.integers(0, 4 * 3600)))
    return GateRecord(
        camera=f"cm-{direction}",
        site="castle-mews",
        event_at=at,
        event_id=str(draw(st.integers(0, 3))),
        direction=direction,
        confidence=draw(st.sampled_from([None, 0.5, 0.9])),
        token=None,
        received_at=at,
    )


def _distinct(records: list[BayRecord]) -> list[BayRecord]:
    """One state to an identity: a sensor does not send the same sequence number with two states."""
    states: dict[object, Any] = {}
    kept = []
    for record in records:
        seen = record.observation
        state = states.setdefault((seen.device, seen.session, seen.seq, seen.part), seen.state)
        previous_s = states.setdefault(("previous", seen.device, seen.session, seen.seq), seen.previous_s)
        kept.append(replace(record, observation=replace(seen, state=state, previous_s=previous_s)))
    return kept


async def _store(
    connection: Connection, records: list[BayRecord | GateRecord], cuts: list[int], hold: timedelta
) -> Stored:
    await connection.execute(RESET)
    edges = sorted({0, *(cut % (len(records) + 1) for cut in cuts), len(records)})
    for start, end in pairwise(edges):
        batch = Batch()
        for record in records[start:end]:
            if isinstance(record, BayRecord):
                batch.bays.append(record)
            else:
                batch.gates.append(record)
        async with connection.transaction():
            table = await load_table(connection)
        table.hold_us = hold // timedelta(microseconds=1)
        await write_batch(connection, batch, now=END, table=table)
    return await read_back(connection)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_order_copies_and_batches_do_not_matter(connection: Connection, data: st.DataObject) -> None:
    bays = _distinct(data.draw(st.lists(bay_records(), min_size=1, max_size=12)))
    gates = data.draw(st.lists(gate_records(), max_size=5))
    once: list[BayRecord | GateRecord] = [*bays, *gates]
    again = data.draw(st.lists(st.sampled_from(once), max_size=6))
    shuffled = data.draw(st.permutations([*once, *again]))
    cuts = data.draw(st.lists(st.integers(0, 40), max_size=8))
    hold = timedelta(seconds=data.draw(st.sampled_from([0, 60, 3000])))
    event(f"batches: {len(cuts) + 1}")

    at_once = await _store(connection, once, [], hold)
    otherwise = await _store(connection, shuffled, cuts, hold)

    assert otherwise == at_once
    assert at_once.stays == _expected_stays(bays)
    assert {row[0]: row[1] for row in at_once.states if row[2] != "unknown"} == _expected_shown(bays, hold)
    assert _without_unknown(at_once.usage) == _expected_usage(at_once.stays)


def _expected_stays(records: list[BayRecord]) -> list[tuple[object, ...]]:
    """The stays by definition: all events at once, in memory."""
    expected: list[tuple[object, ...]] = []
    for bay in sorted({record.bay for record in records}):
        told = canonical(_event(record) for record in records if record.bay == bay)
        timeline = ordered((told | canonical(inferred(told.values()))).values())
        expected += [(bay, s.started_at, s.ended_at, s.start_seen, s.end_seen) for s in stays(timeline)]
    return expected


def _expected_shown(records: list[BayRecord], hold: timedelta) -> dict[str, str]:
    """What is published by definition: the latest state that is believed. One that follows a short one is
    believed once it has lasted; the first one, one after a long one, and unknown are believed at once.
    """
    shown = {}
    for bay in sorted({record.bay for record in records}):
        told = canonical(_event(record) for record in records if record.bay == bay)
        changes = runs(ordered((told | canonical(inferred(told.values()))).values()))
        for number, change in enumerate(changes):
            ends = changes[number + 1].at if number + 1 < len(changes) else END
            if (
                number == 0
                or change.event.state is Occupancy.UNKNOWN
                or change.at - changes[number - 1].at >= hold
                or ends - change.at >= hold
            ):
                shown[bay] = change.event.state.value
        if changes[-1].event.state is Occupancy.UNKNOWN:
            del shown[bay]
    return shown


def _without_unknown(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The roll-ups but for unknown time, which `test_reports` looks at."""
    return [(*row[:4], 0, *row[5:]) for row in rows if any((row[3], *row[5:]))]


QUARTER = timedelta(minutes=15)


def _expected_usage(stays: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The roll-ups by definition: each ended stay, quarter by quarter."""
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0] * 7)
    for _, start, end, start_seen, end_seen in stays:
        if end is None:
            continue
        quarter = start - (start - EPOCH) % QUARTER
        sums[quarter][2] += start_seen
        last = sums[end - (end - EPOCH) % QUARTER]
        last[3] += end_seen
        last[4] += 1
        if start_seen and end_seen:
            last[5] += 1
            last[6] += (end - start) // timedelta(microseconds=1)
        while quarter < end:
            inside = min(end, quarter + QUARTER) - max(start, quarter)
            sums[quarter][0] += inside // timedelta(microseconds=1)
            quarter += QUARTER
    return [("street-0", "standard", q, *sums[q]) for q in sorted(sums) if any(sums[q])]


def _event(record: BayRecord) -> BayEvent:
    seen = record.observation
    assert seen.state is not None
    return BayEvent(
        device=seen.device, session=seen.session, seq=seen.seq, part=seen.part, event_at=seen.event_at,
        age_s=seen.age_s, state=seen.state, kind=seen.kind, received_at=record.received_at,
        previous_s=seen.previous_s,
    )  # fmt: skip
