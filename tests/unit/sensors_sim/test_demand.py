"""Arrivals and departures in columns."""

from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from sensors_sim.city import City, build_city
from sensors_sim.demand import BLOCK_S, Arrivals, Changes, Demand, Plan, plan
from sensors_sim.profiles import HOUR_S, PROFILES, Use

WEDNESDAY = datetime(2025, 3, 5)
DAY_S = 86_400


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(seed=2, bays=3000, sites=60)


@pytest.fixture(scope="module")
def wednesday(city: City) -> Plan:
    return plan(city, WEDNESDAY, DAY_S)


def _occupancy(city: City, day: Plan, use: Use) -> NDArray[np.float64]:
    """Share of the spaces of this use that are taken at each full hour."""
    state = day.initial.copy()
    found = []
    hours = (day.changes.at // HOUR_S).astype(int)
    for hour in range(24):
        found.append(state[city.use == use].mean())
        rows = hours == hour
        state[day.changes.space[rows]] = day.changes.occupied[rows]
    return np.array(found)


def test_the_same_seed_gives_the_same_day(city: City, wednesday: Plan) -> None:
    again = plan(city, WEDNESDAY, DAY_S)
    assert np.array_equal(again.changes.at, wednesday.changes.at)
    assert np.array_equal(again.changes.space, wednesday.changes.space)


def test_a_shorter_plan_is_the_beginning_of_a_longer_one(city: City, wednesday: Plan) -> None:
    short = plan(city, WEDNESDAY, 5000)
    assert np.array_equal(short.changes.at, wednesday.changes.at[wednesday.changes.at < 5000])


def test_changes_of_a_space_alternate_and_leave_the_gap_between_them(city: City) -> None:
    day = plan(city, WEDNESDAY, DAY_S, gap_s=150.0)
    order = np.lexsort((day.changes.at, day.changes.space))
    space, at, taken = day.changes.space[order], day.changes.at[order], day.changes.occupied[order]
    same = space[1:] == space[:-1]
    assert (taken[1:][same] != taken[:-1][same]).all()
    assert np.diff(at)[same].min() >= 150.0
    firsts = np.flatnonzero(np.append(True, ~same))
    assert (taken[firsts] != day.initial[space[firsts]]).all()


def test_streets_are_busy_by_day_and_quiet_at_night(wednesday: Plan) -> None:
    hours = np.bincount((wednesday.changes.at // HOUR_S).astype(int), minlength=24)
    assert hours[9:19].min() > 5 * hours[1:5].max()


def test_shops_fill_by_day_homes_by_night_and_stations_in_the_morning(city: City, wednesday: Plan) -> None:
    shops, homes, station = (
        _occupancy(city, wednesday, use) for use in (Use.SHOPPING, Use.RESIDENTIAL, Use.STATION)
    )
    assert shops[13] > 0.55 > 0.2 > shops[4]
    assert homes[22] > 0.7 > 0.5 > homes[11]
    assert station[9] > 0.8 > station[4]


def test_an_office_rests_on_sunday(city: City, wednesday: Plan) -> None:
    sunday = plan(city, datetime(2025, 3, 9), DAY_S)
    assert _occupancy(city, sunday, Use.OFFICE)[11] < 0.3
    assert _occupancy(city, wednesday, Use.OFFICE)[11] > 0.6


def test_dwell_has_the_median_of_its_kind_of_place(city: City, wednesday: Plan) -> None:
    order = np.lexsort((wednesday.changes.at, wednesday.changes.space))
    space, at = wednesday.changes.space[order], wednesday.changes.at[order]
    taken = wednesday.changes.occupied[order]
    stays = (space[1:] == space[:-1]) & taken[:-1] & (city.use[space[:-1]] == Use.SHOPPING)
    median = np.median(np.diff(at)[stays])
    assert median == pytest.approx(PROFILES[Use.SHOPPING].dwell_median_s, rel=0.05)


def test_arrivals_come_at_the_rate_of_the_hour() -> None:
    rng = np.random.default_rng(1)
    count = 200_000
    noon = np.full(count, 12.0 * HOUR_S)
    came = Arrivals().next(
        noon, use=np.full(count, Use.SHOPPING, dtype=np.int8), wait=rng.standard_exponential(count)
    )
    rate = PROFILES[Use.SHOPPING].weekday[12]
    assert (came - noon < HOUR_S).mean() == pytest.approx(1 - np.exp(-rate), abs=0.005)
    assert (came >= noon).all()


def test_a_car_park_starts_with_the_registered_count(city: City, wednesday: Plan) -> None:
    for site in city.sites:
        if site.gates:
            inside = wednesday.initial[site.first : site.first + site.capacity].sum()
            assert inside == site.initial_count


def test_nothing_changes_while_the_city_settles(city: City) -> None:
    demand = Demand(city, WEDNESDAY.replace(hour=10), gap_s=150.0, settle_s=360.0)
    first = demand.block()
    assert first.at.min() >= 360.0
    assert demand.until == BLOCK_S


def test_rows_can_be_picked() -> None:
    changes = Changes(np.array([1, 2]), np.array([0.5, 1.5]), np.array([True, False]))
    assert len(changes.where(changes.at > 1)) == 1
