"""A live view filled by hand, and a clock that is moved by hand."""

import pytest

from api.clock import DatabaseClock
from api.live import LiveView
from tests.support.live import NOW, Hands


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def view(hands: Hands) -> LiveView:
    """An empty view at NOW, in which numbers are stale after 15 s."""
    clock = DatabaseClock(hands)
    clock.sync(NOW, asked_at=0)
    return LiveView(clock=clock, stale_after_s=15)
