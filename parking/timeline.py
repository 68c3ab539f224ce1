"""The rules that turn a bay's events into its states and stays.

Theory of operation. Devices have no clock, so an event's time is its message's time minus the age that the
message gives. A message can only be delayed, so an estimate can only be late, never early. Two rules
follow, and both depend on the *set* of messages alone, not on the order in which they came:

* of several copies of one event, the one with the lowest (age, time) tells its time (`canonical`);
* within one session an event is no later than its successor: where the estimates say otherwise, and by no
  more than `REORDER_LIMIT`, the earlier one is brought forward (`ordered`).

A change of which no message came is added where a later message tells of it (`inferred`). Events are then
sorted by (time, session order), and runs of the same state make stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from parking.identity import NETWORK_TIMED
from parking.model import BayEvent, EventKind, Occupancy, Stay

REORDER_LIMIT = timedelta(hours=1)
"""How far two neighbouring estimates may contradict the sequence before the clock is believed instead."""

SEQUENCE_MODULUS = 1 << 16
"""Where the transition sequence of our own frames wraps (SPEC of firmware_protocol)."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with the time at which the timeline holds it: never after `event.event_at`."""

    at: datetime
    event: BayEvent


def canonical(events: Iterable[BayEvent]) -> dict[tuple[str, int, int, int], BayEvent]:
    """The believed copy of each event, by identity."""
    best: dict[tuple[str, int, int, int], BayEvent] = {}
    for event in events:
        known = best.get(event.identity)
        if known is None or event.rank < known.rank:
            best[event.identity] = event
    return best


def inferred(events: Iterable[BayEvent]) -> list[BayEvent]:
    """The events that no message told of: where a device's sequence jumps, the one before the jump's end.

    Its time is the later event's less the duration of the state before. It needs an event of the same
    session from before the jump, and a state of two that can only have been the other one.
    """
    sessions: dict[tuple[str, int], list[BayEvent]] = defaultdict(list)
    told = set()
    for event in events:
        sessions[(event.device, event.session)].append(event)
        told.add(event.identity)
    found = []
    for session in sessions.values():
        for earlier, later in pairwise(_in_order(session)):
            step = (later.seq - earlier.seq) % SEQUENCE_MODULUS
            if step > 1 and later.previous_s is not None and later.state in _OTHER:
                lost = replace(
                    later,
                    seq=(later.seq - 1) % SEQUENCE_MODULUS,
                    event_at=later.event_at - timedelta(seconds=later.previous_s),
                    state=_OTHER[later.state],
                    kind=EventKind.INFERRED,
                    previous_s=None,
                    fault=False,
                )
                # After a reset of the counter the same number may have been told before.
                if lost.identity not in told:
                    found.append(lost)
    return found


_OTHER = {Occupancy.OCCUPIED: Occupancy.VACANT, Occupancy.VACANT: Occupancy.OCCUPIED}


def ordered(events: Iterable[BayEvent]) -> list[Placed]:
    """A bay's events (each identity once) in the order in which they happened."""
    sessions: dict[tuple[str, int], list[BayEvent]] = defaultdict(list)
    for event in events:
        sessions[(event.device, event.session)].append(event)
    keyed = [
        (placed.at, session, rank, placed)
        for session, members in sessions.items()
        for rank, placed in enumerate(_place(_in_order(members)))
    ]
    return [placed for *_, placed in sorted(keyed, key=lambda item: item[:3])]


def _in_order(session: list[BayEvent]) -> list[BayEvent]:
    """One session's events as they happened: by sequence, or by time where the network's clock gives that."""
    if session[0].session >= NETWORK_TIMED:
        return sorted(session, key=lambda event: (event.event_at, event.seq, event.part))
    return _in_sequence(session)


def _in_sequence(session: list[BayEvent]) -> list[BayEvent]:
    """One session's events by sequence, seeing through one wrap of a 16-bit counter."""
    low = min(event.seq for event in session)
    high = max(event.seq for event in session)
    wrapped = high < SEQUENCE_MODULUS and high - low > SEQUENCE_MODULUS // 2
    half = SEQUENCE_MODULUS // 2

    def place(event: BayEvent) -> tuple[int, int]:
        return (event.seq + SEQUENCE_MODULUS if wrapped and event.seq < half else event.seq, event.part)

    return sorted(session, key=place)


def _place(in_sequence: Sequence[BayEvent]) -> list[Placed]:
    """Bring forward each event whose estimate is later than its successor's, from the last to the first."""
    placed: list[Placed] = []
    for event in reversed(in_sequence):
        at = event.event_at
        if placed and at - REORDER_LIMIT <= placed[-1].at < at:
            at = placed[-1].at
        placed.append(Placed(at, event))
    placed.reverse()
    return placed


def runs(timeline: Sequence[Placed]) -> list[Placed]:
    """The events at which the state changed: the first of each run of equal states."""
    firsts = list(timeline[:1])
    firsts += [later for earlier, later in pairwise(timeline) if later.event.state != earlier.event.state]
    return firsts


def stays(timeline: Sequence[Placed]) -> list[Stay]:
    """The stays of one bay, oldest first; the last is open if the bay is occupied now.

    A stay of no length (an arrival and a departure at one instant) is left out.
    """
    changes = runs(timeline)
    found = []
    for index, change in enumerate(changes):
        if change.event.state is not Occupancy.OCCUPIED:
            continue
        before = changes[index - 1].event.state if index else Occupancy.UNKNOWN
        after = changes[index + 1] if index + 1 < len(changes) else None
        if after is not None and after.at <= change.at:
            continue
        found.append(
            Stay(
                started_at=change.at,
                ended_at=after.at if after else None,
                start_seen=before is Occupancy.VACANT,
                end_seen=after is not None and after.event.state is Occupancy.VACANT,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Position:
    """Where a bay's timeline stands: its last event, when the run of that state began, and what is held."""

    last: Placed
    since: datetime
    held: Occupancy | None = None


@dataclass(frozen=True, slots=True)
class Extended:
    """How a timeline went on from a position.

    `closed` is the stay that was open there, now ended (or None); `stays` are those begun since.
    `dropped` says that the open stay turned out to have no length.
    """

    position: Position
    closed: Stay | None
    dropped: bool
    stays: list[Stay]


def held(before: Occupancy | None, changes: Sequence[Placed], *, hold: timedelta) -> Occupancy | None:
    """What is shown instead of the last state until that has lasted for `hold`; None: it is shown at once.

    A state is shown at once if the one before it had lasted, or if it is unknown; else it is held back, and
    what was shown stays. So a device that flaps changes nothing until it rests. `before` is what is held back
    at the first of these changes.
    """
    for earlier, later in pairwise(changes):
        short = later.at - earlier.at < hold
        shown = before if before is not None and short else earlier.event.state
        before = shown if short and later.event.state is not Occupancy.UNKNOWN else None
    return before


def extend(position: Position | None, later: Sequence[Placed], *, hold: timedelta = timedelta()) -> Extended:
    """Go on from `position` with events that all lie after it. `later` is not empty."""
    if position is None:
        first_run, following = None, list(later)
    else:
        first_run = Placed(position.since, position.last.event)
        following = [first_run, *later]
    changes = runs(following)
    found = stays(following)
    end = Position(later[-1], changes[-1].at, held(position.held if position else None, changes, hold=hold))
    if first_run is None or first_run.event.state is not Occupancy.OCCUPIED:
        return Extended(end, None, False, found)
    if len(changes) == 1:
        return Extended(end, None, False, [])
    if changes[1].at <= first_run.at:
        return Extended(end, None, True, found)
    return Extended(end, found[0], False, found[1:])


def is_settled(timeline: Sequence[Placed]) -> bool:
    """Whether the last event is also the last of its session, so that a later sequence must be new."""
    last = timeline[-1].event
    session = [p.event for p in timeline if (p.event.device, p.event.session) == (last.device, last.session)]
    return _in_sequence(session)[-1] is last
