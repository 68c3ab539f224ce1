"""What is told in columns is what each forecast says of itself; closed moments have nothing free."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.forecast.calibration import LEVELS
from parking.forecast.forecast import Basis, Forecast, Reason
from parking.forecast.summary import MINUTES, TOLD, summary
from parking.forecast.town import MOST_SITES, Place, Town
from tests.support.counts import counts, epoch, office

OPEN = np.zeros(len(MINUTES), dtype=np.bool_)


def forecasts(levels: list[np.ndarray | None], capacity: int, basis: Basis = Basis.HISTORY) -> list[Forecast]:
    return [
        Forecast("a", 60 * minutes, capacity, basis, Reason("on a Monday at this time", 3.0), level)
        for minutes, level in zip(MINUTES, levels, strict=True)
    ]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 9999), st.integers(1, 300))
def test_the_columns_are_what_each_forecast_says(seed: int, capacity: int) -> None:
    random = np.random.default_rng(seed)
    levels = [
        np.sort(random.normal(random.uniform(-0.2, 1.2), random.uniform(0, 0.3), len(LEVELS)))
        for _ in MINUTES
    ]
    made = forecasts(list(levels), capacity)
    points = summary(made, closed=OPEN).points
    assert points.minutes == list(MINUTES)
    assert points.free.tolist() == pytest.approx([one.free for one in made])
    pairs = zip(points.low.tolist(), points.high.tolist(), strict=True)
    for (low, high), one in zip(pairs, made, strict=True):
        assert (low, high) == pytest.approx(one.interval(0.8))
    assert points.chance.tolist() == pytest.approx([one.chance(1) for one in made], abs=1e-6)


def test_moments_of_which_nothing_is_known_are_left_out_and_closed_ones_have_nothing_free() -> None:
    flat = np.full(len(LEVELS), 0.5)
    levels: list[np.ndarray | None] = [flat if minutes <= 120 else None for minutes in MINUTES]
    shut = np.array([minutes in (30, 1440) for minutes in MINUTES])
    told = summary(forecasts(levels, 10), closed=shut)
    assert told.points.minutes == [minutes for minutes in MINUTES if minutes <= 120 or minutes == 1440]
    by_minute = dict(zip(told.points.minutes, told.points.free.tolist(), strict=True))
    assert (by_minute[30], by_minute[1440], by_minute[60]) == (0, 0, 5)
    assert (told.basis, MINUTES[TOLD]) == (Basis.CLOSED, 30)


def test_a_large_town_is_cut_into_groups_and_a_change_makes_one_of_them_anew() -> None:
    def place(number: int, capacity: int = 10, zone: str = "Europe/London") -> Place:
        return Place(id=f"s{number:03}", kind="on_street", timezone=zone, capacity=capacity)

    town = Town()
    many = [place(number) for number in range(230)] + [place(900, zone="Europe/Dublin"), place(901, 0)]
    town.arrange(many)
    assert [len(group.places) for group in town.groups] == [1, 77, 77, 76]
    assert max(len(group.places) for group in town.groups) <= MOST_SITES
    before = list(town.groups)
    town.arrange([place(0, capacity=11), *many[1:]])
    assert [old is new for old, new in zip(before, town.groups, strict=True)] == [True, False, True, True]


def test_a_group_learns_from_shares_and_tells_of_every_site() -> None:
    town = Town()
    monday = date(2026, 3, 2)
    town.arrange(
        [
            Place(id=name, kind="off_street", timezone="UTC", capacity=size)
            for name, size in (("a", 50), ("b", 90))
        ]
    )
    (group,) = town.groups
    assert town.unfitted() is group
    at = epoch(monday + timedelta(days=21), 8)
    past = counts(office, start=monday, days=22, capacity=1000, every_s=900)
    shares = type(past)(past.times, past.occupied / 1000).between(0, at)
    assert group.foretell(at, lambda site, moments: OPEN) == []
    group.fit({"a": shares, "b": shares}, {}, frozenset())
    assert town.unfitted() is None
    group.update({"a": (at, 5.0), "b": (at, 9.0), "elsewhere": (at, 1.0)})
    told = {one.site: one for one in group.foretell(at, lambda site, moments: OPEN)}
    later = MINUTES.index(240)
    assert told["a"].points.free[later] == pytest.approx(0.15 * 50, abs=2)
    assert told["b"].points.free[later] == pytest.approx(0.15 * 90, abs=3)
    begins, usual = group.usual(at)
    assert begins == epoch(monday + timedelta(days=21), 0)
    assert usual["b"][48] == pytest.approx(0.15 * 90, abs=3)
