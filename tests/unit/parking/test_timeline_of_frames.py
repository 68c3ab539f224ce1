"""What the SPEC of our frames asks of a timeline: starts nobody announced, transitions that were lost."""

from datetime import UTC, datetime, timedelta

from parking.model import BayEvent, EventKind, Occupancy
from parking.timeline import inferred, ordered, stays

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def event(
    seq: int,
    minute: float,
    state: Occupancy,
    *,
    boot: int = 1,
    kind: EventKind = EventKind.CHANGE,
    previous_s: int | None = None,
) -> BayEvent:
    at = NOON + timedelta(minutes=minute)
    return BayEvent(
        device="ps-1",
        session=boot,
        seq=seq,
        part=0,
        event_at=at,
        age_s=0,
        state=state,
        kind=kind,
        received_at=at,
        previous_s=previous_s,
    )


def test_a_start_that_nobody_announced_ends_no_stay_and_begins_none() -> None:
    """[Q-6]: whatever the type of the first frame under a new boot id, it is a resynchronisation."""
    for kind in (EventKind.BOOT, EventKind.HEARTBEAT, EventKind.CHANGE):
        found = [
            event(5, 0, Occupancy.OCCUPIED),
            event(0, 20, Occupancy.OCCUPIED, boot=2, kind=kind),
            event(1, 30, Occupancy.VACANT, boot=2),
        ]
        (stay,) = stays(ordered(found))
        assert (stay.started_at, stay.ended_at) == (NOON, NOON + timedelta(minutes=30))


def test_a_lost_transition_is_placed_by_the_duration_of_the_state_after_it() -> None:
    """[Q-7]: *previous* tells when the last lost one happened."""
    before = event(1, 0, Occupancy.VACANT)
    after = event(3, 60, Occupancy.VACANT, previous_s=25 * 60)
    (lost,) = inferred([before, after])
    assert (lost.seq, lost.state, lost.kind) == (2, Occupancy.OCCUPIED, EventKind.INFERRED)
    assert lost.event_at == NOON + timedelta(minutes=35)
    assert inferred([before, event(2, 60, Occupancy.OCCUPIED, previous_s=60)]) == []
