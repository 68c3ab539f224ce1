"""Overstays are what brute force makes of the events: each stay for as long as it is known, and no longer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parking.db.connect import Connection, connect
from parking.db.registry import import_registry
from parking.db.report_scope import By, Question
from parking.db.use_reports import overstay_report
from parking.model import BayEvent
from parking.reporting.period import parse_period
from parking.timeline import canonical, ordered, stays
from tests.integration.db.test_reports import (
    SETTINGS,
    SPRING,
    TTL,
    history,
    records,
    store,
    told_events,
    town,
)
from tests.support.city import RESET

LIMITS = {"bay-0-0": timedelta(minutes=60), "bay-0-1": timedelta(minutes=240)}
"""That of its site, and its own; the third bay has none."""
QUESTION = Question(period=parse_period("2026-03-28", "2026-03-31"), by=By.BAY)

Known = dict[tuple[str, datetime], tuple[datetime, timedelta]]
"""By bay and beginning: until when a stay is known, and how far it is over its limit."""


@pytest.fixture
async def limited(database_url: str) -> AsyncIterator[Connection]:
    async with connect(database_url, name="test", autocommit=True) as connection:
        await import_registry(connection, town())
        await connection.execute(
            "UPDATE site SET details = details || '{\"max_stay_min\": 60}' WHERE site_id = 'street-0'"
        )
        await connection.execute(
            "UPDATE bay SET details = details || '{\"max_stay_min\": 240}' WHERE bay_id = 'bay-0-1'"
        )
        yield connection


def brute_force(
    events: Mapping[str, Sequence[BayEvent]], heard: Mapping[str, datetime], now: datetime
) -> tuple[int, Known]:
    """How many stays have a limit, and those that are over it."""
    found: Known = {}
    number = 0
    for bay, limit in LIMITS.items():
        for stay in stays(ordered(canonical(events.get(bay, ())).values())):
            if stay.started_at < SPRING:
                continue  # before the period
            number += 1
            until = stay.ended_at
            if until is None:
                silent = heard[bay] + TTL < now
                until = max(heard[bay], stay.started_at) if silent else now
            if until - stay.started_at > limit:
                found[bay, stay.started_at] = until, until - stay.started_at - limit
    return number, found


@settings(SETTINGS, max_examples=15)
@given(told=history(SPRING, 60), ends_h=st.sampled_from([60.1, 61, 70]))
@example(told=[(0, 3600, 1, 0)], ends_h=61)  # a sensor that dies with a vehicle before it
@example(told=[(0, 3600, 1, 0), (0, 7500, 1, 0)], ends_h=61)  # and one that has seen it for too long
@example(told=[(0, 210_000, 1, 0), (0, 215_000, 1, 0)], ends_h=60)  # and one that still speaks
async def test_overstays_are_those_of_brute_force(
    limited: Connection, told: list[tuple[int, int, int, int]], ends_h: float
) -> None:
    now = SPRING + timedelta(hours=ends_h)
    await limited.execute(RESET)
    rows = records(told, SPRING)
    await store(limited, [rows], now)

    report = await overstay_report(limited, QUESTION, limit=1000, now=now)

    heard = {
        bay: max(row.observation.seen_at for row in rows if row.bay == bay) for bay in {r.bay for r in rows}
    }
    number, expected = brute_force(await told_events(limited), heard, now)
    found = {
        (one.bay, one.started_at): (one.known_until, timedelta(seconds=one.over_s)) for one in report.longest
    }
    assert found == expected
    assert sum(line.stays for line in report.lines) == number
    assert sum(line.overstays for line in report.lines) == len(expected)
    over_h = sum(over.total_seconds() for _, over in expected.values()) / 3600
    assert sum(line.over_hours for line in report.lines) == pytest.approx(over_h)
