"""Balances what the broker acknowledged to a publisher against what the database holds."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from parking.db.connect import Connection, connect
from parking.errors import DatabaseUnavailable
from parking.model import BayEvent, EventKind, Occupancy, Stay
from parking.timeline import canonical, ordered, stays
from parking.usage import QUARTER_US, moments, spans, usage
from tests.support.polling import until
from tests.support.steady import Told
from tests.support.traffic import INSIDE_AT_START, Identity, identity

EARLY_S, LATE_S = 1.5, 3.0
"""How far an event's time may lie outside the time in which its message was on its way: ages and waits count
whole seconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Books:
    """What must be stored."""

    events: dict[Identity, str] = field(default_factory=dict)
    on_the_way: dict[Identity, tuple[float, float]] = field(default_factory=dict)
    passages: set[tuple[str, str]] = field(default_factory=set)
    malformed: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By topic: the code, and how often it was sent, so how often at most it may be on record."""

    def __str__(self) -> str:
        return f"{len(self.events)} events, {len(self.passages)} passages, {len(self.malformed)} rejections"


def books(ledger: Iterable[Told]) -> Books:
    """What these acknowledged messages amount to."""
    found = Books()
    for told in ledger:
        message = told.message
        for known, state in message.events:
            found.events[known] = state
            found.on_the_way[known] = (told.sent_at, told.acknowledged_at)
        if message.passage:
            found.passages.add(message.passage)
        if message.rejected_as:
            found.malformed[message.topic] = (message.rejected_as, told.times)
    return found


async def wait_until_stored(expected: Books, database_url: str, *, timeout: float = 40) -> None:
    """Wait until as much is stored as must be, or more."""
    seen: list[int] = []
    wanted = (len(expected.events), len(expected.passages), len(expected.malformed))

    async def complete() -> bool:
        # Anew each time, since it may be the database that is broken.
        with suppress(DatabaseUnavailable, psycopg.OperationalError):
            async with connect(database_url, name="test", autocommit=True) as connection:
                (row,) = await _rows(
                    connection,
                    "SELECT (SELECT count(*) FROM bay_event), (SELECT count(*) FROM gate_event),"
                    " (SELECT count(DISTINCT topic) FROM rejected_message)",
                )
                seen[:] = row
        return bool(seen) and all(found >= wish for found, wish in zip(seen, wanted, strict=True))

    await until(complete, timeout=timeout, every=0.2, what=lambda: f"{expected} stored, but {seen}")


async def assert_balanced(
    expected: Books, connection: Connection, *, late_s: float = LATE_S, ways: int = 1
) -> None:
    """All that was acknowledged is stored, once, and everything that follows from it is right.

    An event's time may lie up to `late_s` after the broker acknowledged its message. A rejection may be on
    record once for each of the `ways` by which its message may have come.
    """
    events = await _events(connection)
    told = {identity(*event.identity): str(event.state) for rows in events.values() for event in rows}
    assert sum(map(len, events.values())) == len(told), "an identity was stored twice"
    _assert_same(told, expected.events)
    wrong = _wrong_times(events, expected, late_s)
    assert not wrong, f"{len(wrong)} events have wrong times: {_some(wrong.items())}"
    await _assert_passages(connection, expected)
    await _assert_rejections(connection, expected, ways)
    await _assert_stays(connection, events)
    await _assert_states(connection, events)


async def _rows(connection: Connection, query: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query)).fetchall()


async def _events(connection: Connection) -> dict[str, list[BayEvent]]:
    rows = await _rows(
        connection,
        "SELECT bay_id, device_id, session, seq, part, event_at, age_s, state, kind, received_at, previous_s,"
        " fault FROM bay_event",
    )
    found: dict[str, list[BayEvent]] = defaultdict(list)
    for bay, device, session, seq, part, at, age_s, state, kind, received_at, previous_s, fault in rows:
        found[bay].append(
            BayEvent(
                device=device, session=session, seq=seq, part=part, event_at=at, age_s=age_s,
                state=Occupancy(state), kind=EventKind(kind), received_at=received_at, previous_s=previous_s,
                fault=fault,
            )
        )  # fmt: skip
    return found


def _assert_same(stored: dict[Identity, str], told: dict[Identity, str]) -> None:
    lost, invented = told.keys() - stored.keys(), stored.keys() - told.keys()
    assert not lost, f"{len(lost)} of {len(told)} events are lost: {_some(lost)}"
    assert not invented, f"{len(invented)} events were never told: {_some(invented)}"
    assert stored == told


def _wrong_times(events: dict[str, list[BayEvent]], expected: Books, late_s: float) -> dict[Identity, float]:
    """Seconds by which an event lies outside the time in which its message was on its way."""
    found = {}
    for event in (event for rows in events.values() for event in rows):
        sent_at, acknowledged_at = expected.on_the_way[identity(*event.identity)]
        at = event.event_at.timestamp()
        off = min(at - sent_at + EARLY_S, 0) or max(at - acknowledged_at - late_s, 0)
        if off:
            found[identity(*event.identity)] = off
    return found


async def _assert_passages(connection: Connection, expected: Books) -> None:
    rows = await _rows(connection, "SELECT camera_id, event_id FROM gate_event")
    assert Counter(rows) == Counter(expected.passages)
    ((inside,),) = await _rows(connection, "SELECT inside FROM site_state WHERE inside IS NOT NULL")
    net = Counter(camera for camera, _ in expected.passages)
    assert inside == INSIDE_AT_START + net["cm-in"] - net["cm-out"]


async def _assert_rejections(connection: Connection, expected: Books, ways: int) -> None:
    rows = await _rows(connection, "SELECT topic, code, count(*) FROM rejected_message GROUP BY 1, 2")
    codes = {topic: code for topic, (code, _) in expected.malformed.items()}
    good = [(topic, code) for topic, code, _ in rows if codes.get(topic) != code]
    assert not good, f"{len(good)} good messages were rejected: {_some(good)}"
    assert {topic: code for topic, code, _ in rows} == codes
    doubled = {topic: number for topic, _, number in rows if number > expected.malformed[topic][1] * ways}
    assert not doubled, f"{len(doubled)} of {len(codes)} rejections are on record too often: {_some(doubled)}"


async def _assert_stays(connection: Connection, events: dict[str, list[BayEvent]]) -> None:
    """Stays and roll-ups are those that the rules make of the stored events, all at once in memory."""
    found = {bay: stays(ordered(canonical(rows).values())) for bay, rows in events.items()}
    rows = await _rows(connection, "SELECT bay_id, started_at, ended_at, start_seen, end_seen FROM stay")
    stored: dict[str, list[Stay]] = defaultdict(list)
    for bay, start, end, start_seen, end_seen in sorted(rows, key=lambda row: row[:2]):
        stored[bay].append(Stay(started_at=start, ended_at=end, start_seen=start_seen, end_seen=end_seen))
    assert {bay: rows for bay, rows in found.items() if rows} == stored
    rows = await _rows(
        connection,
        "SELECT site_id, quarter_at, arrivals, departures, sessions, dwelt, dwell_us FROM site_usage"
        " WHERE (arrivals, departures, sessions, dwelt) <> (0, 0, 0, 0)",
    )
    sites = dict(await _rows(connection, "SELECT bay_id, site_id FROM bay"))
    assert set(rows) == _usage([(sites[bay], stay) for bay, all_of in found.items() for stay in all_of])


def _usage(found: list[tuple[str, Stay]]) -> set[tuple[Any, ...]]:
    ended = [(site, stay, stay.ended_at) for site, stay in found if stay.ended_at is not None]
    sites = sorted({site for site, *_ in ended})
    points = moments(
        np.array([sites.index(site) for site, *_ in ended], dtype=np.int64),
        start_us=np.array([_us(stay.started_at) for _, stay, _ in ended], dtype=np.int64),
        end_us=np.array([_us(end) for *_, end in ended], dtype=np.int64),
        start_seen=np.array([stay.start_seen for _, stay, _ in ended], dtype=np.bool_),
        end_seen=np.array([stay.end_seen for _, stay, _ in ended], dtype=np.bool_),
        weight=np.ones(len(ended), dtype=np.int64),
    )
    nothing = np.zeros(0, dtype=np.int64)
    told = usage(spans(nothing, nothing, nothing, weight=1, kind=0), points)
    sums = (told.arrivals, told.departures, told.sessions, told.dwelt, told.dwell_us)
    columns = (told.group, told.quarter, *sums)
    return {
        (sites[group], _EPOCH + timedelta(microseconds=quarter * QUARTER_US), *sums)
        for group, quarter, *sums in zip(*(column.tolist() for column in columns), strict=True)
    }


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


async def _assert_states(connection: Connection, events: dict[str, list[BayEvent]]) -> None:
    """Every bay stands where its last event left it, and each site's number counts its bays."""
    last = {bay: str(ordered(canonical(rows).values())[-1].event.state) for bay, rows in events.items()}
    stored = {bay: (site, state) for bay, site, state in await _rows(
        connection, "SELECT bay_id, site_id, state FROM bay_state"
    )}  # fmt: skip
    assert {bay: state for bay, (_, state) in stored.items()} == {
        bay: last.get(bay, "unknown") for bay in stored
    }
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for site, state in stored.values():
        counted[site][state] += 1
    rows = await _rows(
        connection, "SELECT site_id, vacant, occupied, unknown FROM site_state WHERE inside IS NULL"
    )
    assert {site: numbers for site, *numbers in rows} == {
        site: [states["vacant"], states["occupied"], states["unknown"]] for site, states in counted.items()
    }


def _some(things: Iterable[Any]) -> list[Any]:
    return sorted(map(str, things))[:5]
