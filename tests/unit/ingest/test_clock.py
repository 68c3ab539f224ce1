"""The ingestor's clock: the database's, whatever this machine's does."""

import time

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.clock import Clock

SECOND = 1_000_000


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def test_it_goes_by_the_database_whatever_the_machine_says() -> None:
    clock = Clock()
    now = monotonic_us()
    clock.correct(5 * SECOND, asked_us=now, answered_us=now)
    assert 5 * SECOND <= clock.now_us() < 6 * SECOND
    assert clock.now().year == 1970


@given(st.lists(st.tuples(st.integers(0, SECOND), st.integers(0, SECOND)), min_size=1, max_size=20))
def test_slow_answers_never_move_it_further_than_they_prove(delays: list[tuple[int, int]]) -> None:
    """The database's clock is right all the time; each answer takes a while each way."""
    clock = Clock()
    start, true_us = monotonic_us(), 1_000 * SECOND
    certain = 10**12
    for asking, answering in delays:
        true_us += asking + answering
        clock.correct(
            true_us - answering,
            asked_us=start + true_us - 1_000 * SECOND - asking - answering,
            answered_us=start + true_us - 1_000 * SECOND,
        )
        certain = min(certain, asking + answering)
        error = (clock.now_us() - monotonic_us()) - (1_000 * SECOND - start)
        assert abs(error) <= certain + 1000


def test_a_step_of_the_database_s_clock_is_followed_and_said() -> None:
    clock = Clock()
    now = monotonic_us()
    clock.correct(1_000 * SECOND, asked_us=now, answered_us=now)
    with capture_logs() as lines:
        clock.correct(4_600 * SECOND, asked_us=now, answered_us=now)
    assert [(line["event"], line["by_s"]) for line in lines] == [("the database's clock was moved", 3600.0)]
    assert clock.now_us() >= 4_600 * SECOND
