"""A past that no device has told: reports and forecasts on it are as if it had been."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cli.past import give_past
from parking.columns import microseconds
from parking.db.connect import connect
from parking.db.gate_reports import gate_report
from parking.db.past import store_past_stays
from parking.db.report_scope import By, Question
from parking.db.reports import measure
from parking.db.site_counts import backfill, load_counted, load_history
from parking.db.usage import EndedStays
from parking.errors import InputError
from parking.registry import parse_registry
from parking.reporting.period import parse_period
from parking.reporting.sums import figures
from sensors_sim.city import build_city
from tests.support.city import load

CITY = build_city(seed=5, bays=24, sites=3)
UNTIL = datetime.now(ZoneInfo("Europe/London")).replace(minute=0, second=0, microsecond=0)
DAYS = 9
FIRST, LAST = (UNTIL.date() - timedelta(days=back) for back in (7, 0))
"""A week of whole days."""
QUESTION = Question(period=parse_period(str(FIRST), str(LAST), "all"), by=By.ALL)


async def test_reports_tell_the_stays_and_all_of_the_time_is_known(database_url: str) -> None:
    await load(database_url, parse_registry(CITY.registry(), source="test"))
    async with connect(database_url, name="test", autocommit=True) as connection:
        stays = (await give_past(connection, CITY, until=UNTIL, days=DAYS)).stays
        found = figures((await measure(connection, QUESTION)).sums, 0, 0)
    edges = [
        microseconds(datetime(day.year, day.month, day.day, tzinfo=UNTIL.tzinfo)) for day in (FIRST, LAST)
    ]
    inside = np.minimum(stays.end_us, edges[1]) - np.maximum(stays.start_us, edges[0])
    ended = (edges[0] <= stays.end_us) & (stays.end_us < edges[1])
    assert found.occupied_hours == pytest.approx(np.maximum(inside, 0).sum() / 3.6e9)
    assert found.sessions == ended.sum()
    assert found.departures == (ended & stays.end_seen).sum()
    assert found.coverage == 1
    assert found.bay_hours == pytest.approx((edges[1] - edges[0]) / 3.6e9 * CITY.bays)


async def test_gates_tell_their_passages_and_the_count_stays_what_it_is(database_url: str) -> None:
    await load(database_url, parse_registry(CITY.registry(), source="test"))
    (site,) = (site for site in CITY.sites if site.gates)
    async with connect(database_url, name="test", autocommit=True) as connection:
        made = await give_past(connection, CITY, until=UNTIL, days=DAYS)
        (line,) = (await gate_report(connection, Question(period=QUESTION.period))).lines
        cursor = await connection.execute("SELECT inside FROM site_state WHERE site_id = %s", (site.id,))
        assert await cursor.fetchall() == [(site.initial_count,)]
    at_start = np.searchsorted(
        made.quarters_us, microseconds(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UNTIL.tzinfo))
    )
    (counts,) = made.counts.values()
    assert line.inside_at_start == counts[at_start]
    assert line.total.arrivals > 0


async def test_a_forecast_can_learn_from_it_at_bays_and_at_gates(database_url: str) -> None:
    await load(database_url, parse_registry(CITY.registry(), source="test"))
    now = datetime.now(UTC)
    async with connect(database_url, name="test", autocommit=True) as connection:
        await give_past(connection, CITY, until=UNTIL, days=DAYS)
        places = await load_counted(connection, now=now)
        await backfill(connection, places, since=now - timedelta(days=30), until=now)
        known = await load_history(
            connection, [site.id for site in CITY.sites], since=now - timedelta(days=30)
        )
    assert set(known) == {site.id for site in CITY.sites}
    assert all(len(series.times) > (DAYS - 1) * 96 for series in known.values())


async def test_bays_that_have_a_past_are_not_given_another(database_url: str) -> None:
    await load(database_url, parse_registry(CITY.registry(), source="test"))
    none = np.zeros(0, dtype=np.int64)
    no_stays = EndedStays(none, none, none, none.astype(bool), none.astype(bool))
    async with connect(database_url, name="test", autocommit=True) as connection:
        await store_past_stays(connection, CITY.bay_ids, no_stays, since=UNTIL, until=UNTIL)
        with pytest.raises(InputError, match="nothing has been heard"):
            await store_past_stays(connection, CITY.bay_ids[:1], no_stays, since=UNTIL, until=UNTIL)
