"""The one transaction of a batch, and the small writes beside it."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from parking.db.connect import Connection
from parking.db.records import Batch, GateRecord, RejectedRecord
from parking.db.write import forget_tokens, write_batch
from parking.model import Direction
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def read(
    event_id: str, *, confidence: float | None = None, token: bytes | None = None, second: int = 0
) -> GateRecord:
    """One read of a vehicle's plate at the entry."""
    at = NOON + timedelta(seconds=second)
    return GateRecord(
        camera="cm-in",
        site="castle-mews",
        event_at=at,
        event_id=event_id,
        direction=Direction.IN,
        confidence=confidence,
        token=token,
        received_at=at,
    )


@pytest.fixture
async def gated(database: Connection, database_url: str) -> Connection:
    """A database whose car park has counted since before noon, from ten vehicles inside."""
    await load(database_url, small_registry())
    await database.execute("UPDATE count_correction SET corrected_at = %s", (NOON - timedelta(hours=1),))
    return database


@pytest.mark.parametrize("confidences", [(None, None, None), (0.87, 0.87, 0.87), (0.87, 0.5, None)])
async def test_one_passage_of_many_reads_is_the_same_in_any_order(
    gated: Connection, confidences: tuple[float | None, ...]
) -> None:
    reads = [
        read("vehicle", confidence=confidence, token=bytes([number]) * 32, second=second)
        for number, confidence, second in zip((3, 1, 2), confidences, (5, 9, 1), strict=True)
    ]
    ends = set()
    for order in itertools.permutations(reads):
        await gated.execute("TRUNCATE gate_event, gate_read")
        new = 0
        for one in [*order, order[0]]:
            written = await write_batch(gated, Batch(gates=[one]), now=NOON)
            new += written.new_passages
        assert new == 1
        ends |= set(await rows(gated, "SELECT event_at, event_id, confidence, token FROM gate_event"))
    assert len(ends) == 1
    assert {end[0] for end in ends} == {NOON + timedelta(seconds=1)}
    assert await rows(gated, "SELECT inside FROM site_state WHERE inside IS NOT NULL") == [(10 + 6,)]


async def test_a_running_count_that_drifts_is_kept_and_what_is_published_stays_true(
    gated: Connection,
) -> None:
    many = [read(str(number)) for number in range(95)]
    await write_batch(gated, Batch(gates=many), now=NOON)
    query = "SELECT inside, vacant, occupied, unknown FROM site_state WHERE site_id = 'castle-mews'"
    assert await rows(gated, query) == [(105, 0, 100, 0)]


async def test_tokens_vanish_after_the_pairing_window_and_passages_stay(gated: Connection) -> None:
    await write_batch(
        gated,
        Batch(gates=[read("old", token=b"x" * 32), read("new", token=b"y" * 32, second=60), read("none")]),
        now=NOON,
    )
    day = timedelta(days=1)
    now = NOON + day + timedelta(seconds=30)
    assert await forget_tokens(gated, now=now, window=day) == 1
    assert await rows(gated, "SELECT event_id, token FROM gate_event ORDER BY 1") == [
        ("new", b"y" * 32),
        ("none", None),
        ("old", None),
    ]
    assert await rows(gated, "SELECT event_id, token FROM gate_read ORDER BY 1") == await rows(
        gated, "SELECT event_id, token FROM gate_event ORDER BY 1"
    )
    assert await forget_tokens(gated, now=now, window=day) == 0


async def test_a_rejection_is_stored_whatever_its_texts_hold(database: Connection) -> None:
    odd = RejectedRecord(
        received_at=NOON, topic="parking/\0/\U0001f697", code="x", detail="a\0b", size=3, payload=b"\0\xff"
    )
    await write_batch(database, Batch(rejections=[odd]), now=NOON)
    assert await rows(database, "SELECT topic, detail, payload FROM rejected_message") == [
        ("parking/\N{REPLACEMENT CHARACTER}/\U0001f697", "a\N{REPLACEMENT CHARACTER}b", b"\0\xff")
    ]
