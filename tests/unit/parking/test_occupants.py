"""How many vehicles are inside by their tokens."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from parking.drift import Rule
from parking.occupants import MIN_VISITS, Start, inside, stays
from parking.visits import Outcome, Visit

WINDOW = timedelta(hours=24)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
EMPTY = Start(NOW - timedelta(days=10), 0)


def lived(
    *, median_h: float, unseen: float, days: int = 8, a_day: int = 400, seed: int = 1
) -> tuple[list[Visit], int]:
    """Visits as they stand NOW, of vehicles that come all day long, and how many are really inside."""
    rng = np.random.default_rng(seed)
    found, there = [], 0
    for number in range(days * a_day):
        entered = NOW - timedelta(days=days) + timedelta(days=1) * number / a_day
        left = entered + timedelta(hours=float(rng.lognormal(np.log(median_h), 0.5)))
        there += left > NOW
        if left > NOW or left - entered > WINDOW or rng.random() < unseen:
            found.append(_open(entered))
        else:
            found.append(Visit(outcome=Outcome.COMPLETE, entered_at=entered, left_at=left, closed_at=left))
    return found, there


def _open(entered: datetime) -> Visit:
    if NOW - entered <= WINDOW:
        return Visit(outcome=Outcome.INSIDE, entered_at=entered, left_at=None, closed_at=None)
    return Visit(outcome=Outcome.EXIT_MISSED, entered_at=entered, left_at=None, closed_at=entered + WINDOW)


def guess(visits: list[Visit], *, start: Start = EMPTY) -> tuple[float, float, str]:
    known = stays(visits, now=NOW, window=WINDOW)
    assert known is not None
    recent = [visit for visit in visits if visit.entered_at and NOW - visit.entered_at <= WINDOW]
    waiting = [visit.entered_at for visit in recent if visit.outcome is Outcome.INSIDE and visit.entered_at]
    found = inside(waiting, known, entries=len(recent), now=NOW, window=WINDOW, start=start)
    assert found.rule is Rule.MISSED_EXITS
    return found.vehicles, found.sd, found.reason


@pytest.mark.parametrize("median_h", [0.7, 3.0, 8.0])
@pytest.mark.parametrize("unseen", [0.0, 0.12, 0.3])
@pytest.mark.parametrize("seed", [1, 2])
def test_vehicles_that_left_unseen_do_not_stay_for_ever(median_h: float, unseen: float, seed: int) -> None:
    visits, there = lived(median_h=median_h, unseen=unseen, seed=seed)
    vehicles, sd, reason = guess(visits)
    assert abs(vehicles - there) < max(4.0, 0.08 * there)
    assert abs(vehicles - there) < 3 * sd
    assert f"{vehicles:.0f} are still inside" in reason


def test_the_share_never_seen_to_leave_is_found() -> None:
    visits, _ = lived(median_h=1.0, unseen=0.2)
    known = stays(visits, now=NOW, window=WINDOW)
    assert known is not None
    assert known.unseen == pytest.approx(0.2, abs=0.02)
    assert known.longer == 0


def test_stays_beyond_the_window_are_drawn_out_of_those_within() -> None:
    visits, _ = lived(median_h=12.0, unseen=0.0)
    known = stays(visits, now=NOW, window=WINDOW)
    assert known is not None
    assert known.longer == pytest.approx(0.08, abs=0.05)  # of a lognormal stay of 12 h, sigma 0.5
    assert known.beyond_s > 0


def test_who_was_there_at_the_start_leaves_in_time() -> None:
    visits, there = lived(median_h=8.0, unseen=0.1)
    at = [guess(visits, start=Start(NOW - timedelta(hours=hours), 100))[0] for hours in (0, 6, 48)]
    assert at[0] == pytest.approx(there + 100, abs=25)
    assert at[0] > at[1] > at[2]
    assert at[2] == pytest.approx(guess(visits)[0], abs=5)


def test_too_few_visits_tell_nothing() -> None:
    visits, _ = lived(median_h=1.0, unseen=0.0)
    assert stays(visits[: MIN_VISITS // 2], now=NOW, window=WINDOW) is None
    assert stays([], now=NOW, window=WINDOW) is None


def test_in_the_first_days_half_a_window_has_to_do() -> None:
    visits, there = lived(median_h=1.0, unseen=0.1, days=1)
    assert guess(visits)[0] == pytest.approx(there, abs=8)


def test_evening_arrivals_have_stays_of_their_own() -> None:
    rng = np.random.default_rng(3)
    visits = []
    for number in range(4000):
        entered = NOW - timedelta(days=10) + timedelta(days=10) * number / 4000
        hours = 9.0 if entered.hour >= 20 else 0.5
        left = entered + timedelta(hours=hours * float(rng.uniform(0.9, 1.1)))
        visits.append(Visit(outcome=Outcome.COMPLETE, entered_at=entered, left_at=left, closed_at=left))
    known = stays(visits, now=NOW, window=WINDOW)
    assert known is not None
    evening, morning = NOW.replace(hour=21), NOW.replace(hour=9)
    assert known.inside(evening, evening + timedelta(hours=6)) > 0.95
    assert known.inside(morning, morning + timedelta(hours=6)) == 0
