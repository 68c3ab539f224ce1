"""Forecasts over a real database: learned from what is stored, kept, scored, and not shown where bad."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from parking.db.connect import Connection, connect
from parking.db.forecaster import Forecaster, hold
from parking.db.opening import close_site
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry
from tests.support.counts import office
from tests.support.foretelling import past, present, quarters, told

MEWS, STREET = "castle-mews", "street-0"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
START = MONDAY - timedelta(days=21)
EASTER_MONDAY = date(2026, 4, 6)


@pytest.fixture
async def city(each_database_url: str) -> AsyncIterator[Connection]:
    """A car park of 100 spaces with gates, and a street of four bays."""
    await load(each_database_url, small_registry(bays=4))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        yield connection


def count(at: datetime, random: np.random.Generator) -> int:
    """The car park of offices, with some chance in it."""
    return int(np.clip(100 * office(at.date(), at.hour + at.minute / 60) + random.normal() * 2, 0, 100))


async def office_past(city: Connection, until: datetime = MONDAY) -> None:
    random = np.random.default_rng(1)
    await past(city, MEWS, {at: count(at, random) for at in quarters(START, until)}, capacity=100)


async def fitted(city: Connection, now: datetime, occupied: int = 10) -> Forecaster:
    """A forecaster that has learned all there is."""
    forecaster = Forecaster(frozenset({EASTER_MONDAY}))
    await present(city, now, {MEWS: occupied, STREET: 1})
    await forecaster.round(city, now=now)
    while await forecaster.learn(city, now=now) is not None:
        pass
    return forecaster


async def live(
    city: Connection,
    forecaster: Forecaster,
    start: datetime,
    end: datetime,
    counted: Callable[[datetime], int],
) -> None:
    """Let the time go on, a quarter of an hour at a time."""
    for at in quarters(start, end):
        await present(city, at, {MEWS: counted(at), STREET: 1})
        await forecaster.round(city, now=at + timedelta(seconds=1))


async def test_it_tells_what_the_past_of_the_site_teaches(city: Connection) -> None:
    await office_past(city, MONDAY + timedelta(hours=8))
    await fitted(city, MONDAY + timedelta(hours=8, seconds=3))
    found = await told(city, MEWS)
    assert (found["basis"], found["distrust"]) == ("history", None)
    assert found["made_at"] == MONDAY + timedelta(hours=8)
    assert found["why"].startswith("Usually 9")
    free, low, high, chance = found["points"][180]
    assert free == pytest.approx(15, abs=5)
    assert 0 <= low < free < high <= 100
    assert chance > 0.95
    assert found["points"][1440][0] == pytest.approx(90, abs=6)
    assert min(found["points"]) == 5
    usual = (await rows(city, "SELECT day_from, free FROM site_usual WHERE site_id = 'castle-mews'"))[0]
    assert usual[0] == MONDAY
    assert (len(usual[1]), usual[1][48]) == (96, pytest.approx(15, abs=4))


async def test_a_site_without_a_past_is_told_openly_from_its_count(city: Connection) -> None:
    now = MONDAY + timedelta(hours=8)
    await fitted(city, now)
    found = await told(city, MEWS)
    assert found["basis"] == "current_count"
    assert found["why"].startswith("No counts of other days")
    assert max(found["points"]) == 120
    assert found["points"][5][0] == pytest.approx(90, abs=1)


async def test_counts_are_kept_each_quarter_only_while_somebody_vouches_for_them(city: Connection) -> None:
    forecaster = Forecaster(frozenset())
    await forecaster.round(city, now=MONDAY)
    assert await rows(city, "SELECT * FROM site_count") == []
    await present(city, MONDAY, {MEWS: 40})
    for seconds in (900, 930, 960):
        await present(city, MONDAY + timedelta(seconds=seconds), {MEWS: 40 + seconds // 30})
        await forecaster.round(city, now=MONDAY + timedelta(seconds=seconds))
    kept = await rows(
        city, "SELECT quarter_at, occupied, unknown, capacity FROM site_count WHERE site_id = %s", MEWS
    )
    assert kept == [(MONDAY + timedelta(minutes=15), 70, 0, 100)]


async def test_forecasts_are_scored_once_when_their_time_has_come(city: Connection) -> None:
    await office_past(city)
    forecaster = await fitted(city, MONDAY)
    random = np.random.default_rng(2)
    await live(city, forecaster, MONDAY, MONDAY + timedelta(days=1, hours=12), lambda at: count(at, random))
    scores = {
        horizon: (n, error / n, plain / n, inside / n, brier / n)
        for horizon, n, error, plain, inside, brier in await rows(
            city,
            "SELECT horizon_min, sum(n), sum(error), sum(plain_error), sum(inside), sum(brier)"
            " FROM forecast_score WHERE site_id = 'castle-mews' GROUP BY 1",
        )
    }
    last = 36 * 4 - 1
    assert {horizon: n for horizon, (n, *_) in scores.items()} == {
        30: last - 1,
        60: last - 3,
        120: last - 7,
        1440: last - 95,
    }
    for horizon in (60, 120):
        _, error, plain, inside, brier = scores[horizon]
        assert error < plain
        assert 0.6 < inside <= 1
        assert brier < 0.05
    ((wrong, missing),) = await rows(
        city,
        "SELECT count(*) FILTER (WHERE m.truth <> 100 - c.occupied),"
        " count(*) FILTER (WHERE c.site_id IS NULL)"
        " FROM forecast_made m LEFT JOIN site_count c ON (c.site_id, c.quarter_at) = (m.site_id, m.target_at)"
        " WHERE m.scored AND m.site_id = 'castle-mews'",
    )
    assert (wrong, missing) == (0, 0)
    assert (await told(city, MEWS))["distrust"] is None


async def test_a_site_whose_forecasts_are_worse_than_its_count_says_so_and_shows_that(
    city: Connection,
) -> None:
    await office_past(city)
    forecaster = await fitted(city, MONDAY)
    await live(city, forecaster, MONDAY, MONDAY + timedelta(hours=14), lambda at: 50)
    found = await told(city, MEWS)
    assert found["distrust"].startswith("In the last 14 days the forecasts of this place were wrong by ")
    free, low, high, chance = found["points"][60]
    assert free == 50
    assert 45 < low < 50 < high < 55
    assert chance > 0.99
    ((shown,),) = await rows(
        city,
        "SELECT count(*) FROM forecast_made"
        " WHERE site_id = 'castle-mews' AND made_at = %s AND abs(free - 50) > 2",
        MONDAY + timedelta(hours=13, minutes=45),
    )
    assert shown, "it is the forecast that is scored, not what is shown in its place"


async def test_in_a_closure_to_come_nothing_is_free(city: Connection) -> None:
    await office_past(city)
    now = MONDAY
    async with city.transaction():
        ((clock,),) = await rows(city, "SELECT clock_timestamp()")
        await close_site(
            city, site_id=MEWS, from_at=clock + timedelta(hours=1), until_at=clock + timedelta(hours=9),
            reason="market", made_by="test",
        )  # fmt: skip
    await city.execute(
        "UPDATE closure SET from_at = %s, until_at = %s", (now + timedelta(hours=2), now + timedelta(hours=6))
    )
    await fitted(city, now)
    points = (await told(city, MEWS))["points"]
    assert points[180] == (0, 0, 0, 0)
    assert points[90][0] > 80
    assert points[480][0] > 80


async def test_a_past_is_made_from_the_roll_ups_and_open_stays_of_bays(city: Connection) -> None:
    day = MONDAY - timedelta(days=1)
    two = [day + timedelta(hours=10, minutes=15 * quarter) for quarter in range(8)]
    for at in two:
        await city.execute(
            "INSERT INTO site_usage VALUES ('street-0', 'standard', %s, 1800000000, 0, 0)", (at,)
        )
    await city.execute(
        "UPDATE site_usage SET unknown_us = 900000000 WHERE quarter_at >= %s", (day + timedelta(hours=11.5),)
    )
    await city.execute(
        "UPDATE bay_state SET state = 'occupied', reported = 'occupied', since = %s"
        " WHERE bay_id = 'street-0-3'",
        (day + timedelta(hours=13, minutes=7),),
    )
    await fitted(city, MONDAY)
    kept = await rows(
        city, "SELECT quarter_at, occupied, unknown FROM site_count WHERE site_id = 'street-0' ORDER BY 1"
    )
    by_time = {at: occupied for at, occupied, _ in kept}
    assert {at.hour + at.minute / 60: unknown for at, _, unknown in kept if unknown} == {
        11.5: 1,
        11.75: 1,
        12: 1,
    }
    assert by_time[day + timedelta(hours=11)] == 2
    assert by_time[day + timedelta(hours=13)] == 0
    assert by_time[day + timedelta(hours=13, minutes=15)] == 1
    assert by_time[day + timedelta(hours=23)] == 1
    assert [at for at, *_ in kept] == quarters(two[0] + timedelta(minutes=15), MONDAY + timedelta(minutes=15))


async def test_a_past_is_made_from_passages_and_corrections_at_gates(city: Connection) -> None:
    day = MONDAY - timedelta(days=1)
    await city.execute("DELETE FROM count_correction")
    await city.execute(
        "INSERT INTO count_correction (site_id, corrected_at, inside_before, inside_after, rule, made_by)"
        " VALUES (%(site)s, %(first)s, NULL, 10, 'start', 'test'),"
        " (%(site)s, %(second)s, 12, 30, 'count', 'test')",
        {"site": MEWS, "first": day + timedelta(hours=6), "second": day + timedelta(hours=9)},
    )
    passages = [(8, "in"), (8.2, "in"), (8.4, "in"), (8.6, "out"), (9.1, "out"), (10, "in")]
    for number, (hour, direction) in enumerate(passages):
        at = day + timedelta(hours=hour)
        await city.execute(
            "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, received_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (f"cm-{direction}", MEWS, at, str(number), direction, at),
        )
    await fitted(city, MONDAY)
    by_time = dict(await rows(city, "SELECT quarter_at, occupied FROM site_count WHERE site_id = %s", MEWS))
    found = {hour: by_time[day + timedelta(hours=hour)] for hour in (8.25, 8.5, 8.75, 9, 9.25, 10, 10.25, 23)}
    assert found == {8.25: 12, 8.5: 13, 8.75: 12, 9: 30, 9.25: 29, 10: 30, 10.25: 30, 23: 30}


async def test_one_process_at_a_time_makes_forecasts(each_database_url: str) -> None:
    async with connect(each_database_url, name="one", autocommit=True) as one:
        assert await hold(one)
        async with connect(each_database_url, name="other", autocommit=True) as other:
            assert not await hold(other)
            await one.close()
            for _ in range(500):
                if await hold(other):
                    break
            else:
                raise AssertionError("the lock is not free after the first has gone")


async def test_a_site_that_the_registry_no_longer_has_is_forgotten(city: Connection) -> None:
    await fitted(city, MONDAY)
    await city.execute(
        "INSERT INTO site_forecast VALUES ('gone', %s, 1, 'usual', '', NULL, '{}', '{}', '{}', '{}', '{}')",
        (MONDAY,),
    )
    await Forecaster(frozenset()).round(city, now=MONDAY + timedelta(minutes=15))
    assert [site for (site,) in await rows(city, "SELECT site_id FROM site_forecast ORDER BY 1")] == [
        MEWS,
        STREET,
    ]
