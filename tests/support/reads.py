"""Reads of plates for the tests of passages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from parking.lanes import PLATE_HELD
from parking.model import Motion
from parking.passages import SAME_PLATE, Read
from parking.plates import fold

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def read(plate: str | None = "J77ABC", seconds: float = 0, event_id: str = "", **more: Any) -> Read:
    """One read, so many seconds after noon; by default with an id of its own."""
    folded = fold(plate) if plate else None
    values: dict[str, Any] = {
        "camera": "cm-in-1",
        "at": NOON + timedelta(seconds=seconds),
        "event_id": event_id or f"e{seconds}",
        "folded": folded,
        "token": folded.encode() if folded else None,
        "confidence": 0.9,
    }
    return Read(**(values | more))


PLATES = st.sampled_from(["J77ABC", "J77ABD", "J77XBD", "LK21XYZ", "LK21XY", "T06KLM", None])
READS = st.lists(
    st.builds(
        read,
        PLATES,
        st.integers(0, int((PLATE_HELD - SAME_PLATE).total_seconds())),
        st.sampled_from(["a", "b", "c", "d", "e"]) | st.uuids().map(str),
        camera=st.sampled_from(["cm-in-1", "cm-out-1"]),
        confidence=st.sampled_from([None, 0.5, 0.9]),
        motion=st.sampled_from([None, *Motion]),
    ),
    max_size=12,
)
"""Reads in which much is the same, none too late to be joined."""
