"""The books of gate-counted sites: the same in the end whatever came late; corrections on record; visits."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parking.db.books import keep_books
from parking.db.connect import Connection
from parking.db.counts import correct_by_hand, corrections, count_of
from parking.db.opening import close_site
from parking.db.records import Batch, GateRecord
from parking.db.write import write_batch
from parking.errors import InputError, NotFound
from parking.model import Direction
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SITE = "castle-mews"


def passage(number: int, at: datetime, way: Direction, vehicle: int | None = None) -> GateRecord:
    """One vehicle at a gate; the token tells which."""
    token = None if vehicle is None else vehicle.to_bytes(32, "big")
    return GateRecord(
        camera=f"cm-{way}",
        site=SITE,
        event_at=at,
        event_id=f"p{number}",
        direction=way,
        confidence=0.9,
        token=token,
        received_at=at,
    )


def days_of_traffic(days: int, seed: int) -> list[GateRecord]:
    """Forty vehicles a day, each for some hours; of one exit in eight nobody tells."""
    rng = random.Random(seed)
    found: list[GateRecord] = []
    for vehicle in range(days * 40):
        came = MONDAY + timedelta(seconds=rng.randrange(days * 86_400))
        left = came + timedelta(seconds=rng.randrange(600, 20_000))
        found.append(passage(2 * vehicle, came, Direction.IN, vehicle))
        if rng.random() > 1 / 8 and left < MONDAY + days * DAY:
            found.append(passage(2 * vehicle + 1, left, Direction.OUT, vehicle))
    return sorted(found, key=lambda record: record.event_at)


@pytest.fixture
async def gated(database: Connection, database_url: str) -> Connection:
    """A database whose car park of 100 has counted since Monday's midnight, from ten vehicles inside."""
    await load(database_url, small_registry())
    await database.execute("UPDATE count_correction SET corrected_at = %s", (MONDAY,))
    return database


async def keep(connection: Connection, now: datetime) -> None:
    await keep_books(connection, now=now, window=2 * DAY, late=7 * DAY)


async def write(connection: Connection, records: Sequence[GateRecord]) -> None:
    await write_batch(connection, Batch(gates=list(records)), now=MONDAY)


async def ends(connection: Connection) -> list[list[tuple[Any, ...]]]:
    """All that the books come to, but for when it was known."""
    return [
        await rows(connection, query)
        for query in (
            "SELECT inside, round(inside_sd::numeric, 6), round(missed_share::numeric, 9), free_min, free_max"
            " FROM site_state WHERE inside IS NOT NULL",
            "SELECT corrected_at, rule, inside_before, inside_after, reason FROM count_correction"
            " WHERE superseded_at IS NULL ORDER BY 1, 2",
            "SELECT entered_at, left_at, outcome, closed_at, entry, exit FROM visit ORDER BY 1, 2, 5",
            "SELECT kept_to, state FROM gate_books ORDER BY 1",
        )
    ]


@pytest.mark.parametrize("seed", [2, 5])
async def test_late_passages_end_in_the_same_books(gated: Connection, seed: int) -> None:
    traffic = days_of_traffic(2, seed)
    end = MONDAY + 2 * DAY
    await write(gated, traffic)
    await keep(gated, end)
    at_once = await ends(gated)
    assert len(at_once[1]) > 1
    assert len(at_once[2]) >= 80

    await gated.execute(
        "TRUNCATE gate_event, gate_read, visit, gate_books;"
        "DELETE FROM count_correction WHERE rule <> 'registry';"
        "UPDATE site_state SET inside = 10, inside_sd = NULL, redo_from = NULL WHERE inside IS NOT NULL"
    )
    rng = random.Random(seed)
    late = {record.event_id for record in rng.sample(traffic, len(traffic) // 5)}
    for hour in range(0, 48, 3):
        now = MONDAY + hour * HOUR
        until = now + 3 * HOUR
        await write(gated, [r for r in traffic if now <= r.event_at < until and r.event_id not in late])
        await keep(gated, until)
    rest = [record for record in traffic if record.event_id in late]
    rng.shuffle(rest)
    for start in range(0, len(rest), 10):
        await write(gated, [*rest[start : start + 10], *rest[:2]])
        await keep(gated, end)
    assert await ends(gated) == at_once
    ((superseded,),) = await rows(
        gated, "SELECT count(*) FROM count_correction WHERE superseded_at IS NOT NULL"
    )
    assert superseded > 0  # what was corrected for want of those that came late stays on record


async def test_visits_are_paired_and_settled_with_their_dwell(gated: Connection) -> None:
    way_in, way_out = Direction.IN, Direction.OUT
    await write(
        gated,
        [
            passage(1, MONDAY + HOUR, way_in, 1),
            passage(2, MONDAY + 3 * HOUR, way_out, 1),
            passage(3, MONDAY + 4 * HOUR, way_in, 2),
            passage(4, MONDAY + 6 * HOUR, way_in, 2),
            passage(5, MONDAY + 7 * HOUR, way_out, 3),
            passage(6, MONDAY + 8 * HOUR, way_in),
        ],
    )
    await keep(gated, MONDAY + 9 * HOUR)
    query = "SELECT outcome, dwell FROM visit ORDER BY coalesce(entered_at, left_at)"
    first = [("complete", 2 * HOUR), ("exit_missed", None), ("inside", None), ("entry_missed", None)]
    assert await rows(gated, query) == first
    # When its window has passed, the one inside must have left unseen; nothing else changes any more.
    await gated.execute("UPDATE gate_event SET token = NULL")
    await keep(gated, MONDAY + 3 * DAY)
    assert await rows(gated, query) == [*first[:2], ("exit_missed", None), first[3]]


async def test_a_count_by_hand_is_counted_on_from_and_recorded_once(gated: Connection) -> None:
    now = datetime.now(UTC)
    await gated.execute("UPDATE count_correction SET corrected_at = %s", (now - DAY,))
    passed = [passage(n, now - HOUR * n, Direction.IN) for n in range(1, 5)]
    await write(gated, passed)
    await keep(gated, now)

    async def count(vehicles: int, **more: Any) -> tuple[Any, bool]:
        wanted: dict[str, Any] = {"at": None, "reason": "round", "made_by": "test", "request_id": None}
        async with gated.transaction():
            return await correct_by_hand(gated, site_id=SITE, vehicles=vehicles, **(wanted | more))

    made, new = await count(40, at=now - 2.5 * HOUR, request_id="r1")
    assert (made.rule, made.before, made.after, new) == ("manual", 12, 40, True)
    assert (await count_of(gated, SITE)).inside == 42
    again, new = await count(40, at=now - 2.5 * HOUR, request_id="r1")
    assert (again, new) == (made, False)
    await keep(gated, now + HOUR)
    found = await count_of(gated, SITE)
    assert found.inside == 42
    assert found.sd is not None
    assert "manual" in {each.rule for each in await corrections(gated, SITE, limit=9)}
    assert await rows(gated, "SELECT actor, action, subject FROM audit_log") == [
        ("test", "count.correct", f"site/{SITE}")
    ]
    for vehicles, at in ((201, None), (5, now + HOUR), (5, now - 8 * DAY), (5, now - 2 * DAY)):
        with pytest.raises(InputError):
            await count(vehicles, at=at)
    with pytest.raises(NotFound):
        await count_of(gated, "street-0")


async def test_a_closed_and_empty_car_park_is_counted_from_nothing(
    database: Connection, database_url: str
) -> None:
    registry = small_registry()
    park = registry.sites[-1].model_copy(update={"empty_when_closed": True})
    await load(database_url, registry.model_copy(update={"sites": (park,)}))
    now = datetime.now(UTC)
    await database.execute("UPDATE count_correction SET corrected_at = %s", (now - DAY,))
    await write(database, [passage(1, now - 12 * HOUR, Direction.OUT)])
    async with database.transaction():
        await close_site(
            database, site_id=SITE, from_at=now - 10 * HOUR, until_at=None, reason="works", made_by="test"
        )
    await keep(database, now)
    (last,) = await corrections(database, SITE, limit=1)
    assert (last.rule, last.before, last.after) == ("closure", 9, 0)
    assert now - 9 * HOUR <= last.at < now - 8.5 * HOUR
    assert (await count_of(database, SITE)).inside == 0
