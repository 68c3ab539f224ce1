"""What is old goes, in chunks or in steps; what the present needs, and what must be kept, stays."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import pytest
from typer.testing import CliRunner

from cli.main import app
from parking.db.audit import record
from parking.db.connect import Connection, connect
from parking.db.retention import Cleared, clear, clear_if_due, clear_now
from parking.retention import KEPT, kept_days
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = kept_days({"bay_event": 60, "ended_stay": 60, "gate_event": 60, "site_count": 100, "site_usage": 400})
QUIET, BUSY = "street-0-0", "street-0-1"


@pytest.fixture
async def city(each_database_url: str) -> AsyncIterator[Connection]:
    """A street of two bays and a car park, with a past of 200 days."""
    await load(each_database_url, small_registry())
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        await past(connection)
        yield connection


async def past(city: Connection) -> None:
    """A busy bay with a stay a day, one quiet for 100 days, passages, counts and rejections."""
    noons = [NOW - ago * DAY + timedelta(hours=9) for ago in range(200, 0, -1)]
    hour = timedelta(hours=1)
    await events(city, BUSY, [(at, "occupied") for at in noons] + [(at + hour, "vacant") for at in noons])
    await events(city, QUIET, [(at, ("occupied", "vacant")[n % 2]) for n, at in enumerate(noons[:100])])
    await many(
        city,
        "INSERT INTO ended_stay VALUES (%s, 'street-0', %s, %s, true, true)",
        # The last began long before the limit and ended after it.
        [*((BUSY, at, at + hour) for at in noons), (QUIET, NOW - 150 * DAY, NOW - 40 * DAY)],
    )
    await many(
        city,
        "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, received_at)"
        " VALUES ('cm-in', 'castle-mews', %s, 'e', 'in', %s)",
        [(at, at) for at in noons],
    )
    for statement in (
        "INSERT INTO site_count VALUES ('castle-mews', %s, 100, 10, 0)",
        "INSERT INTO site_usage VALUES ('street-0', 'standard', %s, 900000000, 1, 1)",
        "INSERT INTO rejected_message (received_at, topic, code, detail, size) VALUES (%s, 't', 'c', 'd', 1)",
    ):
        await many(city, statement, [(at,) for at in noons])
    await city.execute(
        "UPDATE bay_state SET reported = 'occupied', state = 'occupied', since = %s, event_at = %s"
        " WHERE bay_id = %s",
        (NOW - 101 * DAY, NOW - 101 * DAY, QUIET),
    )


async def many(city: Connection, statement: LiteralString, values: Sequence[tuple[Any, ...]]) -> None:
    async with city.transaction(), city.cursor() as cursor:
        await cursor.executemany(statement, values)


async def events(city: Connection, bay: str, seen: Sequence[tuple[datetime, str]]) -> None:
    await many(
        city,
        "INSERT INTO bay_event (bay_id, device_id, site_id, event_at, session, seq, part, state, fault, kind,"
        " age_s, received_at) VALUES (%s, 'd', 'street-0', %s, 1, 1, 0, %s, false, 'change', 0, %s)",
        [(bay, at, state, at) for at, state in seen],
    )


async def contents(city: Connection) -> dict[str, list[Any]]:
    """Everything in the tables that are cleared."""
    found: dict[str, list[Any]] = {}
    for table, query in {
        "bay_event": "SELECT bay_id, event_at FROM bay_event ORDER BY 1, 2",
        "ended_stay": "SELECT bay_id, started_at, ended_at FROM ended_stay ORDER BY 1, 2",
        "gate_event": "SELECT event_at FROM gate_event ORDER BY 1",
        "site_count": "SELECT quarter_at FROM site_count ORDER BY 1",
        "site_usage": "SELECT quarter_at, occupied_us, arrivals FROM site_usage ORDER BY 1",
        "rejected_message": "SELECT received_at FROM rejected_message ORDER BY 1",
        "stay": "SELECT bay_id, started_at FROM stay WHERE ended_at IS NULL",
        "count_correction": "SELECT site_id, inside_after FROM count_correction",
        "audit_log": "SELECT audit_id, hash FROM audit_log ORDER BY 1",
    }.items():
        found[table] = await rows(city, query)
    return found


def chunk_grace(done: list[Cleared], table: str) -> timedelta:
    """How much more than asked may be left, since a chunk goes whole or not at all."""
    widest = {"bay_event": DAY, "ended_stay": 7 * DAY, "gate_event": 30 * DAY, "site_count": 30 * DAY}
    one = next(one for one in done if one.table == table)
    return widest.get(table, timedelta()) if one.chunks else timedelta()


async def test_what_is_old_goes_and_what_is_young_stays(city: Connection) -> None:
    before = await contents(city)
    done = await clear(city, DAYS, now=NOW)
    after = await contents(city)
    for table, days in {"gate_event": 60, "site_count": 100, "rejected_message": 60}.items():
        limit = NOW - days * DAY
        kept = [row for row in before[table] if row[0] >= limit]
        assert after[table][-len(kept) :] == kept
        assert len(after[table]) < len(before[table])
        assert after[table][0][0] >= limit - chunk_grace(done, table)
    busy = [at for bay, at in after["bay_event"] if bay == BUSY]
    assert NOW - 60 * DAY - chunk_grace(done, "bay_event") <= busy[0] < NOW - 58 * DAY
    assert busy[-119:] == [at for bay, at in before["bay_event"] if bay == BUSY][-119:]


async def test_the_last_event_of_a_quiet_bay_and_what_goes_on_stay(city: Connection) -> None:
    async with city.transaction():
        await record(city, actor="test", action="test", subject="test", before=None, after={"a": 1})
    before = await contents(city)
    await clear(city, DAYS, now=NOW)
    after = await contents(city)
    last = max(at for bay, at in before["bay_event"] if bay == QUIET)
    assert [at for bay, at in after["bay_event"] if bay == QUIET] == [last]
    assert (QUIET, NOW - 150 * DAY, NOW - 40 * DAY) in after["ended_stay"]
    for table in ("stay", "site_usage", "count_correction", "audit_log"):
        assert after[table] == before[table], table
    assert after["stay"] == [(QUIET, NOW - 101 * DAY)]


async def test_old_silence_goes_but_for_what_still_has_to_be_summed(city: Connection) -> None:
    ever, hour = datetime.min.replace(tzinfo=UTC), timedelta(hours=1)
    old, young = NOW - 90 * DAY, NOW - 20 * DAY
    await city.execute("DELETE FROM silent_spell")
    await many(
        city,
        "INSERT INTO silent_spell VALUES (%s, %s, %s, %s)",
        [(bay, at, at + hour, at + 2 * hour) for bay in (QUIET, BUSY) for at in (old, young)],
    )
    first = "INSERT INTO silent_spell VALUES (%s, '-infinity', %s, %s)"
    await many(city, first, [(BUSY, NOW - 200 * DAY, NOW - 200 * DAY)])
    days = {"silent_spell": 60}
    (said,) = await clear(city, days, now=NOW, dry_run=True)
    (done,) = await clear(city, days, now=NOW)
    left = await rows(
        city,
        "SELECT bay_id, CASE WHEN heard_at > '-infinity' THEN heard_at ELSE %s END FROM silent_spell"
        " ORDER BY 1, 2",
        ever,
    )
    # In the quiet bay a stay goes on since before the old spell.
    assert left == sorted([(QUIET, old), (QUIET, young), (BUSY, ever), (BUSY, young)])
    assert said.rows == done.rows == 1


async def test_days_go_only_where_that_is_wanted(city: Connection) -> None:
    await many(
        city,
        "INSERT INTO site_day VALUES ('street-0', 'standard', %s, 1, 0, 1, 1, 1, 1, 1)",
        [((NOW - ago * DAY).date(),) for ago in range(500, 0, -1)],
    )
    await clear(city, kept_days({}), now=NOW)
    assert await rows(city, "SELECT count(*) FROM site_day") == [(500,)]
    await clear(city, {"site_day": 400}, now=NOW)
    assert await rows(city, "SELECT min(day) FROM site_day") == [((NOW - 399 * DAY).date(),)]


async def test_a_dry_run_says_what_would_go_and_removes_nothing(city: Connection) -> None:
    before = await contents(city)
    said = await clear(city, DAYS, now=NOW, dry_run=True)
    assert await contents(city) == before
    assert await rows(city, "SELECT * FROM retention") == []
    async with connect(_url(city), name="test", autocommit=True) as other:
        done = await clear(other, DAYS, now=NOW)
    assert said == done
    assert {one.table for one in said if one.rows or one.chunks} == {
        "bay_event", "ended_stay", "gate_event", "site_count", "rejected_message",
    }  # fmt: skip
    after = await contents(city)
    for one in done:
        if one.rows:
            assert len(before[one.table]) - len(after[one.table]) == one.rows


async def test_a_second_run_finds_nothing_and_the_next_day_a_days_worth(city: Connection) -> None:
    await clear(city, DAYS, now=NOW)
    after = await contents(city)
    for later, expected in ((timedelta(), 0), (DAY, 1)):
        async with connect(_url(city), name="test", autocommit=True) as other:
            done = {one.table: one for one in await clear(other, DAYS, now=NOW + later)}
        assert done["rejected_message"].rows == expected
        assert done["bay_event"].chunks <= expected
    last = await contents(city)
    assert [row for row in last["bay_event"] if row[0] == QUIET] == [
        row for row in after["bay_event"] if row[0] == QUIET
    ]


async def test_it_is_done_when_it_is_due_and_by_one_at_a_time(city: Connection) -> None:
    usual = kept_days({})
    assert 0 in usual.values(), "something is kept for ever"
    async with connect(_url(city), name="test", autocommit=True) as other:
        assert await clear_if_due(other, usual, every=DAY) is not None
    async with connect(_url(city), name="test", autocommit=True) as other:
        assert await clear_if_due(other, usual, every=DAY) is None
        assert await clear_if_due(other, usual, every=timedelta()) is not None
    await rows(city, "SELECT pg_advisory_lock(4207850, 3)")
    async with connect(_url(city), name="test", autocommit=True) as other:
        assert await clear_now(other, DAYS, dry_run=False) is None


async def test_every_table_can_be_cleared(city: Connection) -> None:
    """Statements of tables that are empty here, or kept for ever by default, work too."""
    least = kept_days({one.table: one.least for one in KEPT})
    done = await clear(city, least, now=NOW + 1000 * DAY)
    assert {one.table for one in done if one.until is not None} == {one.table for one in KEPT}
    assert (await contents(city))["site_usage"] == []


async def test_the_command_tells_a_person_and_a_machine(
    city: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKING_DATABASE_URL", _url(city))
    monkeypatch.setenv("PARKING_KEEP_DAYS", '{"rejected_message": 16}')
    runner = CliRunner()
    before = await contents(city)
    told = await asyncio.to_thread(runner.invoke, app, ["maintain", "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "site_usage        kept for ever" in told.output
    body = json.loads(
        (await asyncio.to_thread(runner.invoke, app, ["maintain", "--dry-run", "--json"])).output
    )
    assert body["dry_run"] is True
    assert next(one for one in body["tables"] if one["table"] == "rejected_message")["keep_days"] == 16
    assert await contents(city) == before


def _url(city: Connection) -> str:
    info = city.info
    return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
