"""Puts late, repeated and first events of one bay into its known history: the general case of a merge.

The usual case, events that plainly follow the last one, is `parking.columns.merge`; both end
in the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.timeline import Placed, Position, canonical, extend, inferred, is_settled, ordered


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What differs from what was stored. `open_stay` is there while the bay is occupied.

    `position` is None if nothing differs.
    """

    new_events: list[BayEvent]
    old_events: list[BayEvent]
    new_stays: list[Stay]
    old_stays: list[Stay]
    position: Position | None
    open_stay: Stay | None
    settled: bool


def rebuild(
    stored: Sequence[BayEvent],
    found: Sequence[BayEvent],
    known: Sequence[Stay],
    *,
    since: datetime,
    hold: timedelta = timedelta(),
) -> Rebuilt:
    """Merge `found` with a bay's `stored` events: those from `since` on, and the last one before.

    `known` are the stored stays that reach into that time, oldest first, the open one (if any) last.
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
    anchor = _anchor(timeline[earlier[-1]], known) if earlier else None
    if earlier:
        timeline = timeline[earlier[-1] + 1 :]
    if not timeline:
        return Rebuilt(fresh, outdated, [], [], None, None, True)
    extended = extend(anchor, timeline, hold=hold)
    stays = [*([extended.closed] if extended.closed else []), *extended.stays]
    if anchor is not None and anchor.last.event.state is Occupancy.OCCUPIED:
        stays = _with_known_start(stays, extended.dropped, anchor, known)
    ended = [stay for stay in stays if stay.ended_at is not None]
    known_ended = [stay for stay in known if stay.ended_at is not None]
    return Rebuilt(
        new_events=fresh,
        old_events=outdated,
        new_stays=[stay for stay in ended if stay not in known_ended],
        old_stays=[stay for stay in known_ended if stay not in ended],
        position=extended.position,
        open_stay=stays[-1] if stays and stays[-1].ended_at is None else None,
        settled=is_settled(timeline),
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


def _anchor(first: Placed, known: Sequence[Stay]) -> Position:
    """Where the timeline stood at the last event before the part that was read back."""
    if first.event.state is Occupancy.OCCUPIED and known and known[0].started_at <= first.at:
        return Position(first, known[0].started_at)
    return Position(first, first.at)


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
