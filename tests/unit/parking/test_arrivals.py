"""The chance on arrival by the forecast, and by the plain rule for what it does not reach or know."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.arrivals import ForecastChances
from parking.chance import Asked, Chance, TurnoverChances
from parking.outlook import NoForecasts, Outlook, OutlookPoint

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLAIN = TurnoverChances()


class Foretold:
    """One site of 20 spaces: `free` in five minutes, `later` in an hour."""

    def __init__(self, free: float, later: float, *, basis: str = "history", trusted: bool = True) -> None:
        points = tuple(
            OutlookPoint(
                at=NOW + timedelta(minutes=minutes),
                free=n,
                low=max(n - 3, 0),
                high=n + 3,
                chance=min(n / 4, 1),
            )
            for minutes, n in ((5, free), (60, later))
        )
        self.outlook = Outlook(
            site="s", made_at=NOW, capacity=20, points=points, basis=basis, why="", trusted=trusted
        )

    def of(self, site_id: str) -> Outlook | None:
        return self.outlook if site_id == "s" else None


def asked(vacant: int, occupied: int, unknown: int = 0, *, minutes: float, site: str = "s") -> Asked:
    return Asked(
        site=site,
        kind="on_street",
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        as_of=NOW,
        arrival=NOW + timedelta(minutes=minutes),
    )


def chance(foretold: Foretold, one: Asked) -> Chance:
    found = ForecastChances(foretold, PLAIN).chance(one)
    assert found is not None
    return found


def test_of_all_spaces_it_is_what_is_foretold_for_the_arrival() -> None:
    found = chance(Foretold(8, 2), asked(10, 10, minutes=60))
    assert found == Chance(0.5, 0.5, "0 to 5 free expected then")


@pytest.mark.parametrize(
    ("basis", "trusted", "words"),
    [
        ("similar_sites", True, "0 to 5 free expected then, as at places like it"),
        ("current_count", True, "0 to 5 free expected then, with little to go by"),
        ("history", False, "0 to 5 free expected then, if it stays as it is now"),
    ],
)
def test_what_it_rests_on_is_said(basis: str, trusted: bool, words: str) -> None:
    assert chance(Foretold(8, 2, basis=basis, trusted=trusted), asked(10, 10, minutes=60)).why == words


def test_of_some_spaces_it_is_how_full_they_will_be() -> None:
    empty, full = (chance(Foretold(8, later), asked(0, 2, minutes=60)) for later in (18, 1))
    assert full.low < 0.3 < 0.7 < empty.low
    assert empty.low == empty.high
    assert full.why == "some 95 % of all spaces taken then"


def test_unknown_spaces_raise_only_the_upper_bound() -> None:
    found = chance(Foretold(8, 2), asked(1, 9, 10, minutes=60))
    assert found.low < found.high
    assert found.low <= 0.5 <= found.high


@pytest.mark.parametrize(
    ("minutes", "site"),
    [(0, "s"), (4, "s"), (90, "s"), (30, "elsewhere")],
    ids=["now", "soon", "late", "other"],
)
def test_where_nothing_is_foretold_the_plain_rule_tells(minutes: float, site: str) -> None:
    one = asked(3, 17, minutes=minutes, site=site)
    assert chance(Foretold(8, 2), one) == PLAIN.chance(one)
    assert ForecastChances(NoForecasts(), PLAIN).chance(one) == PLAIN.chance(one)


def test_of_spaces_that_nobody_knows_nothing_is_told() -> None:
    assert ForecastChances(Foretold(8, 2), PLAIN).chance(asked(0, 0, 20, minutes=30)) is None


@given(
    free=st.floats(0, 20),
    vacant=st.integers(0, 20),
    occupied=st.integers(0, 20),
    unknown=st.integers(0, 20),
    minutes=st.floats(0, 60),
)
def test_a_chance_lies_between_nought_and_one(
    free: float, vacant: int, occupied: int, unknown: int, minutes: float
) -> None:
    found = ForecastChances(Foretold(free, free), PLAIN).chance(
        asked(vacant, occupied, unknown, minutes=minutes)
    )
    if found is None:
        assert vacant + occupied == 0
    else:
        assert 0 <= found.low <= found.high <= 1
