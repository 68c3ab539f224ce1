"""The made-up past of a city: stays that fit together, and gates that end where the city begins."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sensors_sim.city import build_city
from sensors_sim.past import past

LONDON = ZoneInfo("Europe/London")
UNTIL = datetime(2026, 3, 2, 9, 30, tzinfo=LONDON)
CITY = build_city(seed=3, bays=40, sites=3)
DAYS = 8


@pytest.fixture(scope="module")
def made():  # type: ignore[no-untyped-def]
    """Eight days of a small city."""
    return past(CITY, until=UNTIL, days=DAYS)


def test_stays_of_a_bay_follow_each_other_and_end_by_the_end(made) -> None:  # type: ignore[no-untyped-def]
    stays = made.stays
    assert set(stays.bay.tolist()) == set(range(CITY.bays))
    assert (stays.end_us > stays.start_us).all()
    same = stays.bay[1:] == stays.bay[:-1]
    assert (stays.start_us[1:][same] > stays.end_us[:-1][same]).all()
    end_us = round(UNTIL.timestamp()) * 1_000_000
    assert stays.end_us.max() == end_us
    assert (stays.end_us[~stays.end_seen] == end_us).all()
    assert (stays.start_us[~stays.start_seen] == end_us - DAYS * 86_400_000_000).all()


def test_by_day_more_happens_than_by_night(made) -> None:  # type: ignore[no-untyped-def]
    hour = made.stays.start_us // 3_600_000_000 % 24
    assert np.isin(hour, range(8, 20)).sum() > 5 * np.isin(hour, range(6)).sum()


def test_counts_at_gates_follow_the_passages_and_end_with_the_initial_count(made) -> None:  # type: ignore[no-untyped-def]
    (number,) = (n for n, site in enumerate(CITY.sites) if site.gates)
    site, counts = CITY.sites[number], made.counts[number]
    assert (made.passages.site == number).all()
    net = np.array([1 if gate.direction == "in" else -1 for gate in site.gates])[made.passages.gate]
    after = made.passages.at_us > made.quarters_us[-1]
    assert counts[-1] + net[after].sum() == site.initial_count
    between = np.histogram(made.passages.at_us, bins=made.quarters_us + 1, weights=net)[0]
    assert (np.diff(counts) == between).all()
    assert counts.min() >= 0
    assert counts.max() <= site.capacity


def test_the_past_is_not_the_days_to_come_and_is_the_same_each_time() -> None:
    one, same = (past(CITY, until=UNTIL, days=1).stays for _ in range(2))
    assert (one.start_us == same.start_us).all()
