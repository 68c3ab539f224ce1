"""Puts late, repeated and first events of one bay into its known history: the general case of a merge.

The usual case, events that plainly follow the last one, is `parking.columns.merge`; both end
in the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.timeline import Placed, Position, canonical, extend, inferred, is_settled, ordered, runs

Run = tuple[datetime, datetime | None]
"""From when until when a bay was unknown; None if it still is."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What differs from what was stored. `open_stay` is there while the bay is occupied.

    `unknown` are ended runs of unknown. `first_at` is the first event's time if no earlier one is stored.
    `position` is None if nothing differs.
    """

    new_events: list[BayEvent]
    old_events: list[BayEvent]
    new_stays: list[Stay]
    old_stays: list[Stay]
    position: Position | None
    open_stay: Stay | None
    settled: bool
    new_unknown: list[Run]
    old_unknown: list[Run]
    first_at: datetime | None


def rebuild(
    stored: Sequence[BayEvent],
    found: Sequence[BayEvent],
    known: Sequence[Stay],
    unknown: Sequence[Run] = (),
    *,
    since: datetime,
    hold: timedelta = timedelta(),
) -> Rebuilt:
    """Merge `found` with a bay's `stored` events: those from `since` on, and the last one before.

    `known` are the stored stays that reach into that time, oldest first, the open one (if any) last;
    `unknown` likewise the runs of unknown, and perhaps one before.
    """
    before = canonical(stored)
    told = canonical(event for event in (*stored, *found) if event.kind is not EventKind.INFERRED)
    after = told | canonical(inferred(told.values()))
    fresh = [event for identity, event in after.items() if not _same(before.get(identity), event)]
    outdated = [
        event
        for identity, event in before.items()
        if identity not in after or not _same(event, after[identity])
    ]
    timeline = ordered(after.values())
    earlier = [index for index, placed in enumerate(timeline) if placed.event.event_at < since]
    first = timeline[earlier[-1]] if earlier else None
    unknown = [run for run in unknown if run[1] is None or run[1] >= since or _at(first, run)]
    anchor = _anchor(first, known, unknown) if first else None
    if earlier:
        timeline = timeline[earlier[-1] + 1 :]
    if not timeline:
        return Rebuilt(fresh, outdated, [], [], None, None, True, [], [], None)
    extended = extend(anchor, timeline, hold=hold)
    stays = [*([extended.closed] if extended.closed else []), *extended.stays]
    if anchor is not None and anchor.last.event.state is Occupancy.OCCUPIED:
        stays = _with_known_start(stays, extended.dropped, anchor, known)
    ended = [stay for stay in stays if stay.ended_at is not None]
    known_ended = [stay for stay in known if stay.ended_at is not None]
    blind, known_blind = _unknown(anchor, timeline), [run for run in unknown if run[1] is not None]
    return Rebuilt(
        new_events=fresh,
        old_events=outdated,
        new_stays=[stay for stay in ended if stay not in known_ended],
        old_stays=[stay for stay in known_ended if stay not in ended],
        position=extended.position,
        open_stay=stays[-1] if stays and stays[-1].ended_at is None else None,
        settled=is_settled(timeline),
        new_unknown=[run for run in blind if run not in known_blind],
        old_unknown=[run for run in known_blind if run not in blind],
        first_at=None if anchor else timeline[0].at,
    )


def _same(stored: BayEvent | None, event: BayEvent) -> bool:
    """Whether an event is stored as it is. An inferred one is worked out anew each time."""
    if stored is None or stored is event:
        return stored is event
    return (
        stored.kind is event.kind is EventKind.INFERRED
        and stored.event_at == event.event_at
        and stored.state is event.state
    )


def _at(first: Placed | None, run: Run) -> bool:
    """Whether a run that was ended with its bay is the one that goes on since the first event."""
    return first is not None and run[0] <= first.at and (run[1] is None or first.at < run[1])


def _anchor(first: Placed, known: Sequence[Stay], unknown: Sequence[Run]) -> Position:
    """Where the timeline stood at the last event before the part that was read back."""
    if first.event.state is Occupancy.OCCUPIED and known and known[0].started_at <= first.at:
        return Position(first, known[0].started_at)
    if first.event.state is Occupancy.UNKNOWN and unknown and unknown[0][0] <= first.at:
        return Position(first, unknown[0][0])
    return Position(first, first.at)


def _unknown(anchor: Position | None, timeline: Sequence[Placed]) -> list[Run]:
    """The runs of unknown that have ended."""
    changes = runs([*([Placed(anchor.since, anchor.last.event)] if anchor else []), *timeline])
    return [
        (change.at, after.at)
        for change, after in pairwise(changes)
        if change.event.state is Occupancy.UNKNOWN and after.at > change.at
    ]


def _with_known_start(
    stays: list[Stay], dropped: bool, anchor: Position, known: Sequence[Stay]
) -> list[Stay]:
    """The stay that was open at the anchor began before it: whether its start was seen is on record."""
    seen = bool(known) and known[0].started_at == anchor.since and known[0].start_seen
    if stays and stays[0].started_at == anchor.since:
        return [replace(stays[0], start_seen=seen), *stays[1:]]
    if not stays and not dropped:
        return [Stay(started_at=anchor.since, ended_at=None, start_seen=seen, end_seen=False)]
    return stays
