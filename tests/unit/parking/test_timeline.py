"""The rules of a bay's timeline depend on the set of messages alone, and going on equals starting over."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parking.identity import NETWORK_TIMED
from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.timeline import (
    REORDER_LIMIT,
    SEQUENCE_MODULUS,
    Position,
    canonical,
    extend,
    is_settled,
    ordered,
    runs,
    stays,
)

NOON = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def follows(position: Position, event: BayEvent) -> bool:
    """Whether an event is plainly new: later in the same session, and not before the last one's time."""
    last = position.last
    return (
        event.device == last.event.device
        and event.session == last.event.session
        and (event.seq, event.part) > (last.event.seq, last.event.part)
        and event.seq - last.event.seq <= SEQUENCE_MODULUS // 2
        and event.event_at >= last.at
    )


def event(
    seq: int,
    minute: float,
    state: Occupancy = Occupancy.OCCUPIED,
    *,
    session: int = 1,
    age_s: int = 0,
    device: str = "d",
    part: int = 0,
) -> BayEvent:
    """An event so many minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    return BayEvent(
        device=device,
        session=session,
        seq=seq,
        part=part,
        event_at=at,
        age_s=age_s,
        state=state,
        kind=EventKind.CHANGE,
        received_at=at + timedelta(seconds=age_s),
    )


@st.composite
def events(draw: st.DrawFn) -> BayEvent:
    """Any event; the sequence and the clock need not agree."""
    return event(
        draw(st.integers(0, 6) | st.sampled_from([65534, 65535, 2**32 - 1])),
        draw(st.sampled_from([0, 0.5, 1, 2, 30, 59, 61, 120]) | st.floats(0, 200)),
        draw(st.sampled_from(Occupancy)),
        session=draw(st.sampled_from([1, 2, NETWORK_TIMED])),
        age_s=draw(st.sampled_from([0, 1, 60, 7200])),
        device=draw(st.sampled_from(["d", "e"])),
        part=draw(st.integers(0, 1)),
    )


def told(copies: list[BayEvent]) -> list[BayEvent]:
    """Copies of one event tell one state."""
    states: dict[object, Occupancy] = {}
    return [one for one in copies if states.setdefault(one.identity, one.state) is one.state]


many = st.lists(events(), min_size=1, max_size=12).map(told)


@given(many, st.randoms(use_true_random=False))
def test_order_and_copies_do_not_matter(found: list[BayEvent], chance: object) -> None:
    shuffled = [*found, *found[:3]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = canonical(found), canonical(shuffled)
    assert {one: best.rank for one, best in first.items()} == {one: best.rank for one, best in second.items()}
    timelines = [
        [(p.at, p.event.identity, p.event.rank) for p in ordered(c.values())] for c in (first, second)
    ]
    assert timelines[0] == timelines[1]
    assert stays(ordered(first.values())) == stays(ordered(second.values()))


@given(many)
def test_events_are_ordered_and_placed_no_later_than_they_claim(found: list[BayEvent]) -> None:
    unique = canonical(found)
    timeline = ordered(unique.values())
    assert len(timeline) == len(unique)
    assert all(earlier.at <= later.at for earlier, later in pairwise(timeline))
    assert all(placed.at <= placed.event.event_at for placed in timeline)


@given(many)
def test_stays_never_overlap_and_only_the_last_may_be_open(found: list[BayEvent]) -> None:
    made = stays(ordered(canonical(found).values()))
    for earlier, later in pairwise(made):
        assert earlier.ended_at is not None
        assert earlier.ended_at <= later.started_at
    assert all(stay.ended_at is None or stay.ended_at > stay.started_at for stay in made)


@given(many)
def test_the_open_stay_is_that_of_an_occupied_bay(found: list[BayEvent]) -> None:
    timeline = ordered(canonical(found).values())
    made = stays(timeline)
    is_open = bool(made) and made[-1].ended_at is None
    assert is_open == (timeline[-1].event.state is Occupancy.OCCUPIED)
    if is_open:
        assert made[-1].started_at == runs(timeline)[-1].at


@given(many, st.lists(st.integers(1, 12), max_size=5))
def test_going_on_from_any_position_equals_starting_over(found: list[BayEvent], cuts: list[int]) -> None:
    timeline = ordered(canonical(found).values())
    edges = sorted({0, *(cut for cut in cuts if cut < len(timeline)), len(timeline)})
    position: Position | None = None
    kept: list[Stay] = []
    for start, end in pairwise(edges):
        extended = extend(position, timeline[start:end])
        if extended.dropped:
            kept.pop()
        if extended.closed is not None:
            # Whether the arrival was seen is known from before the position.
            assert extended.closed.started_at == kept[-1].started_at
            kept[-1] = Stay(
                started_at=kept[-1].started_at,
                ended_at=extended.closed.ended_at,
                start_seen=kept[-1].start_seen,
                end_seen=extended.closed.end_seen,
            )
        kept += extended.stays
        position = extended.position
    assert kept == stays(timeline)
    assert position == Position(timeline[-1], runs(timeline)[-1].at)


@given(many, events())
def test_what_follows_a_settled_timeline_goes_to_its_end(found: list[BayEvent], one: BayEvent) -> None:
    timeline = ordered(canonical(found).values())
    position = Position(timeline[-1], runs(timeline)[-1].at)
    known = {placed.event.identity for placed in timeline}
    if one.identity in known or not is_settled(timeline) or not follows(position, one):
        return
    longer = ordered([*(placed.event for placed in timeline), one])
    assert longer[-1].event is one
    assert [placed.event for placed in longer[:-1]] == [placed.event for placed in timeline]


def test_the_copy_sent_soonest_after_the_event_tells_its_time() -> None:
    soon, late = event(1, 5, age_s=2), event(1, 3, age_s=600)
    assert canonical([late, soon]) == canonical([soon, late]) == {soon.identity: soon}


def test_an_event_that_seems_later_than_its_successor_is_brought_forward() -> None:
    held_up, after = event(1, 10), event(2, 4, Occupancy.VACANT)
    assert [(placed.at, placed.event.seq) for placed in ordered([after, held_up])] == [
        (after.event_at, 1),
        (after.event_at, 2),
    ]


def test_a_contradiction_beyond_the_limit_is_decided_by_the_clock() -> None:
    minutes = REORDER_LIMIT.total_seconds() / 60 + 1
    assert [placed.event.seq for placed in ordered([event(1, minutes), event(2, 0)])] == [2, 1]


def test_a_sequence_that_wraps_goes_on() -> None:
    found = [event(seq, minute) for minute, seq in enumerate((65534, 65535, 0, 1))]
    assert [placed.event.seq for placed in ordered(reversed(found))] == [65534, 65535, 0, 1]


def test_the_networks_clock_outweighs_a_counter_that_was_reset() -> None:
    found = [event(seq, minute, session=NETWORK_TIMED) for seq, minute in ((500, 0), (0, 10), (1, 20))]
    timeline = ordered(reversed(found))
    assert [(placed.event.seq, placed.at) for placed in timeline] == [(e.seq, e.event_at) for e in found]
    # A copy of 500 would look new if the bay went on from 1 without a look at what is stored.
    assert not is_settled(timeline)
    assert is_settled(timeline[1:])


def test_arrival_and_departure_at_one_instant_are_no_stay() -> None:
    found = [event(1, 0, Occupancy.VACANT), event(2, 5), event(3, 5, Occupancy.VACANT)]
    assert stays(ordered(found)) == []


def test_what_was_not_seen_is_not_claimed() -> None:
    found = [event(1, 0), event(2, 5, Occupancy.UNKNOWN), event(3, 9, Occupancy.VACANT), event(4, 10)]
    assert [(stay.start_seen, stay.end_seen) for stay in stays(ordered(found))] == [
        (False, False),
        (True, False),
    ]
