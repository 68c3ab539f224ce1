"""Each figure of a report is what brute force makes of `bay_event`, whatever happened and came how late."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from parking.db.connect import Connection, connect
from parking.db.opening import close_site
from parking.db.records import Batch, BayRecord
from parking.db.registry import import_registry
from parking.db.report_scope import By, Question
from parking.db.reports import Measured, measure
from parking.db.write import write_batch
from parking.model import BayEvent, BayObservation, EventKind, Occupancy
from parking.registry import Registry, parse_registry
from parking.reporting.period import parse_period
from parking.timeline import canonical, ordered
from tests.support.city import RESET

US = timedelta(microseconds=1)
HEARTBEAT_S = 1200
TTL = timedelta(seconds=2.5 * HEARTBEAT_S)
ZONE = ZoneInfo("Europe/London")
SETTINGS = settings(
    max_examples=25,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def town(*, categories: Sequence[str] = ("standard", "disabled"), hours: str | None = None) -> Registry:
    """Two streets, in the first of which the bays have these categories."""
    bays = [(0, number, category) for number, category in enumerate(categories)] + [(1, 0, "standard")]
    streets: list[dict[str, Any]] = [
        {"id": f"street-{s}", "name": f"Street {s}", "kind": "on_street", "counting": "bays", "bays": []}
        for s in range(2)
    ]
    if hours:
        streets[0]["opening_hours"] = hours
    for street, number, category in bays:
        sensor = {"id": f"sensor-{street}-{number}", "heartbeat_s": HEARTBEAT_S}
        streets[street]["bays"].append(
            {"id": f"bay-{street}-{number}", "category": category, "sensor": sensor}
        )
    return parse_registry({"sites": streets}, source="test")


@dataclass
class Truth:
    """What was told, and when which bay was there: the whole input of the brute force."""

    heard: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    """By bay: when its device was heard, and which one."""
    periods: dict[str, list[tuple[str, str, datetime, datetime | None]]] = field(default_factory=dict)
    """By bay: site, category, from when until when."""
    devices: dict[str, list[tuple[str, datetime | None]]] = field(default_factory=dict)
    """By bay: its devices, and until when each was there."""
    closed: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Cell:
    """What brute force adds up."""

    open_us: int = 0
    closed_us: int = 0
    occupied_us: int = 0
    unknown_us: int = 0
    arrivals: int = 0
    departures: int = 0
    sessions: int = 0
    dwelt: int = 0
    dwell_us: int = 0


async def told_events(connection: Connection) -> dict[str, list[BayEvent]]:
    rows = await connection.execute(
        "SELECT bay_id, device_id, session, seq, part, event_at, age_s, state, kind, received_at, previous_s,"
        " fault FROM bay_event"
    )
    found: dict[str, list[BayEvent]] = defaultdict(list)
    for (
        bay,
        device,
        session,
        seq,
        part,
        at,
        age_s,
        state,
        kind,
        received,
        previous_s,
        fault,
    ) in await rows.fetchall():
        found[bay].append(
            BayEvent(
                device=device, session=session, seq=seq, part=part, event_at=at, age_s=age_s,
                state=Occupancy(state), kind=EventKind(kind), received_at=received, previous_s=previous_s,
                fault=fault,
            )
        )  # fmt: skip
    return found


def brute_force(
    truth: Truth, events: dict[str, list[BayEvent]], edges: list[datetime], now: datetime, by: By
) -> dict[str, list[Cell]]:
    """Each figure from its definition: bay by bay, from one moment at which anything changes to the next."""
    cells: dict[str, list[Cell]] = defaultdict(lambda: [Cell() for _ in edges[1:]])
    for bay, periods in truth.periods.items():
        timeline = [(placed.at, placed.event.state) for placed in ordered(canonical(events[bay]).values())]
        site, category, start, end = periods[0]
        first = min([start, *(at for at, _ in timeline[:1]), *(at for at, _ in truth.heard[bay])])
        periods = [(site, category, first, end), *periods[1:]]
        silent = silences(truth, bay, now)
        for site, category, start, end in periods:
            line = cells[{By.ALL: "all", By.SITE: site, By.CATEGORY: category, By.BAY: bay}[by]]
            moments = {start, end or now, now, *edges, *(at for at, _ in timeline)}
            moments |= {at for spell in (*silent, *truth.closed[site]) for at in spell}
            for low, high in pieces(moments, start, min(end or now, now)):
                bucket = bucket_of(low, edges)
                if bucket is None:
                    continue
                cell, long = line[bucket], (high - low) // US
                if within(low, truth.closed[site]):
                    cell.closed_us += long
                    continue
                cell.open_us += long
                state = state_at(timeline, low)
                if within(low, silent) or state is Occupancy.UNKNOWN:
                    cell.unknown_us += long
                elif state is Occupancy.OCCUPIED:
                    cell.occupied_us += long
            count(line, timeline, edges, start, end)
    return cells


def silences(truth: Truth, bay: str, now: datetime) -> list[tuple[datetime, datetime]]:
    """Each device's: from the time to live after it was heard until it was heard again, or left.

    A device that comes back to its bay begins anew: that it was silent before says nothing of the bay then.
    """
    found, came = [], datetime.min.replace(tzinfo=UTC)
    for device, until in truth.devices[bay]:
        left = until or now
        heard = sorted({at for at, of in truth.heard[bay] if of == device and came <= at <= left})
        for at, again in pairwise([*heard, left]):
            if again - at > TTL:
                found.append((at + TTL, again))
        came = left
    return found


def pieces(
    moments: Iterable[datetime], start: datetime, end: datetime
) -> Iterable[tuple[datetime, datetime]]:
    cuts = sorted(at for at in moments if start <= at <= end)
    return pairwise(cuts)


def within(at: datetime, spells: Iterable[tuple[datetime, datetime]]) -> bool:
    return any(start <= at < end for start, end in spells)


def state_at(timeline: list[tuple[datetime, Occupancy]], at: datetime) -> Occupancy:
    return next((state for when, state in reversed(timeline) if when <= at), Occupancy.UNKNOWN)


def bucket_of(at: datetime, edges: list[datetime]) -> int | None:
    place = bisect_right(edges, at) - 1
    return place if 0 <= place < len(edges) - 1 else None


def count(
    line: list[Cell],
    timeline: list[tuple[datetime, Occupancy]],
    edges: list[datetime],
    from_at: datetime,
    until_at: datetime | None,
) -> None:
    """Arrivals, departures and sessions of the period of a bay."""
    runs: list[tuple[datetime, Occupancy]] = []
    for at, state in timeline:
        if not runs or runs[-1][1] is not state:
            runs.append((at, state))
    for number, (start, state) in enumerate(runs):
        end, after = runs[number + 1] if number + 1 < len(runs) else (None, None)
        if state is not Occupancy.OCCUPIED or end == start:
            continue
        seen = number > 0 and runs[number - 1][1] is Occupancy.VACANT
        bucket = bucket_of(start, edges)
        if seen and bucket is not None and from_at <= start and (until_at is None or start < until_at):
            line[bucket].arrivals += 1
        if end is None or not (from_at < end and (until_at is None or end <= until_at)):
            continue
        bucket = bucket_of(end, edges)
        if bucket is None:
            continue
        cell = line[bucket]
        cell.sessions += 1
        cell.departures += after is Occupancy.VACANT
        if seen and after is Occupancy.VACANT:
            cell.dwelt += 1
            cell.dwell_us += (end - start) // US


def cells_of(measured: Measured) -> dict[str, list[Cell]]:
    names = [name for name in Cell.__dataclass_fields__]
    return {
        group: [
            Cell(*(int(getattr(measured.sums, name)[row, bucket]) for name in names))
            for bucket in range(len(measured.edges) - 1)
        ]
        for row, group in enumerate(measured.groups)
    }


def history(base: datetime, hours: float) -> st.SearchStrategy[list[tuple[int, int, int, int]]]:
    """Bay, seconds from the base, state (3: says nothing), age."""
    moment = st.tuples(
        st.integers(0, 2),
        st.integers(0, int(hours * 3600)) | st.integers(0, int(hours * 4)).map(lambda quarter: quarter * 900),
        st.sampled_from([0, 1, 0, 1, 0, 1, 2, 3]),
        st.sampled_from([0, 0, 0, 60, 900, 4000]),
    )
    return st.lists(moment, min_size=1, max_size=30)


BAYS = [("bay-0-0", "street-0"), ("bay-0-1", "street-0"), ("bay-1-0", "street-1")]
STATES = (Occupancy.VACANT, Occupancy.OCCUPIED, Occupancy.UNKNOWN, None)


def records(
    told: Sequence[tuple[int, int, int, int]], base: datetime, *, first_seq: int = 0, session: int = 1 << 40
) -> list[BayRecord]:
    """As a network server tells them: its clock orders them, so any sequence will do."""
    found = []
    for number, (bay, at_s, state, age_s) in enumerate(told):
        name, site = BAYS[bay]
        seen_at = base + timedelta(seconds=at_s)
        observation = BayObservation(
            device=f"sensor{name.removeprefix('bay')}",
            state=STATES[state],
            event_at=seen_at - timedelta(seconds=age_s),
            seen_at=seen_at,
            session=session,
            seq=first_seq + number,
            age_s=age_s,
            fault=state == 2,
        )
        found.append(BayRecord(name, site, observation, seen_at))
    return found


async def store(connection: Connection, batches: list[list[BayRecord]], now: datetime) -> None:
    for rows in batches:
        if rows:
            await write_batch(connection, Batch(bays=list(rows)), now=now)


def cut(rows: list[BayRecord], cuts: list[int]) -> list[list[BayRecord]]:
    edges = sorted({0, *(at % (len(rows) + 1) for at in cuts), len(rows)})
    return [rows[a:b] for a, b in pairwise(edges)]


async def compare(connection: Connection, truth: Truth, question: Question, now: datetime, by: By) -> None:
    measured = await measure(connection, replace(question, by=by), now=now)
    edges = [edge.astimezone(UTC) for edge in measured.edges]
    expected = brute_force(truth, await told_events(connection), edges, now, by)
    found = cells_of(measured)
    wrong = [
        (by.value, name, edge.isoformat(), is_there, should)
        for name in measured.groups
        for edge, is_there, should in zip(edges, found[name], expected[name], strict=False)
        if is_there != should
    ]
    assert not wrong, wrong[:3]
    nothing = [Cell() for _ in edges[1:]]
    assert all(expected[name] == nothing for name in expected.keys() - set(measured.groups))


EACH = [By.ALL, By.SITE, By.CATEGORY, By.BAY]
SPRING = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 0, 0, tzinfo=UTC)
"""The clocks change in the night that follows."""


HOURS = "Mo-Sa 07:10-19:00; Su 01:30-12:00"


@pytest.fixture(params=[None, HOURS], ids=["always", "hours"])
async def streets(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Connection]:
    """Two streets, the first of which has opening hours or not."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        await import_registry(connection, town(hours=request.param))
        yield connection


@SETTINGS
@given(data=st.data())
async def test_each_figure_is_that_of_brute_force(streets: Connection, data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([SPRING, AUTUMN]))
    told = records(data.draw(history(base, 60)), base)
    order = data.draw(st.permutations(range(len(told))))
    batches = cut([told[row] for row in order], data.draw(st.lists(st.integers(0, 40), max_size=6)))
    now = base + timedelta(hours=61)
    await streets.execute(RESET)

    await store(streets, batches, now)

    truth = await facts(streets, told)
    for site, opening in await (await streets.execute(OPENING)).fetchall():
        truth.closed[site] = closed_by_the_clock(opening, base, now)
    for bucket in (data.draw(st.sampled_from(["15min", "hour"])), data.draw(st.sampled_from(["day", "all"]))):
        first = base.date() + timedelta(days=data.draw(st.integers(0, 1)))
        period = parse_period(first.isoformat(), (base.date() + timedelta(days=3)).isoformat(), bucket)
        for by in EACH:
            await compare(streets, truth, Question(period=period), now, by)


OPENING = "SELECT site_id, details->>'opening_hours' FROM site WHERE details ? 'opening_hours'"


def closed_by_the_clock(hours: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Every ten minutes the clock on the wall is looked at: these hours change at no other times."""
    assert hours == HOURS
    step = timedelta(minutes=10)
    found = []
    at = start - timedelta(days=1)
    while at < end:
        wall = at.astimezone(ZONE)
        low, high = (time(1, 30), time(12)) if wall.weekday() == 6 else (time(7, 10), time(19))
        if not low <= wall.time() < high:
            found.append((at, at + step))
        at += step
    return found


async def facts(connection: Connection, told: Sequence[BayRecord]) -> Truth:
    """What was told, and what the registry has on record of bays and devices."""
    truth = Truth()
    for record in told:
        truth.heard[record.bay].append((record.observation.seen_at, record.observation.device))
    rows = await connection.execute(
        "SELECT bay_id, site_id, category, from_at, until_at FROM bay_period ORDER BY bay_id, from_at"
    )
    for bay, *period in await rows.fetchall():
        truth.periods.setdefault(bay, []).append(tuple(period))
    rows = await connection.execute(
        "SELECT bay_id, device_id, until_at FROM device_assignment ORDER BY bay_id, from_at"
    )
    for bay, device, until in await rows.fetchall():
        truth.devices.setdefault(bay, []).append((device, until))
    return truth


CHANGES = ("category", "moved", "swapped", "retired", "back", "closed")


def changed(change: str) -> Registry:
    """The town after a change of its second bay."""
    document = town().model_dump(mode="json", exclude_defaults=True)
    bays = document["sites"][0]["bays"]
    match change:
        case "category":
            bays[1]["category"] = "loading"
        case "moved":
            document["sites"][1]["bays"].append(bays.pop(1))
        case "swapped":
            bays[1]["sensor"]["id"] = "sensor-new"
        case "retired" | "back":
            bays.pop(1)
    return parse_registry(document, source="test")


@settings(SETTINGS, max_examples=10, phases=[Phase.generate])  # its base is the present: nothing repeats
@given(data=st.data())
async def test_bays_that_are_added_moved_changed_and_removed(
    database: Connection, data: st.DataObject
) -> None:
    await database.execute(EMPTY)
    await import_registry(database, town())
    begun = await clock(database)
    early = records(data.draw(history(begun, 29)), begun - timedelta(hours=32))
    late_rows = data.draw(st.sets(st.integers(0, 30), max_size=4))
    await store(database, cut([r for n, r in enumerate(early) if n not in late_rows], [7, 12]), begun)
    change = data.draw(st.sampled_from(CHANGES))
    event(change)
    await import_registry(database, changed(change))
    if change == "back":
        await import_registry(database, town())
    elif change == "closed":
        await close_site(
            database, site_id="street-0", from_at=begun - timedelta(hours=3.3),
            until_at=begun + timedelta(hours=2.2), reason="works", made_by="test",
        )  # fmt: skip
    since = await clock(database)
    after = records(data.draw(history(since, 29)), since + timedelta(hours=2), first_seq=100)
    other = {"swapped": "sensor-new"}.get(change)
    if other:
        after = [with_device(r, other) if r.bay == "bay-0-1" else r for r in after]
    # What an earlier device of the second bay, or nobody any more, tells too late is no longer booked on it.
    gone = {"bay-0-1"} if change in ("swapped", "retired", "back") else set()
    late = [r for n, r in enumerate(early) if n in late_rows and r.bay not in gone]
    missed = [r for n, r in enumerate(early) if n in late_rows and r.bay in gone]
    if change == "retired":
        after = [r for r in after if r.bay != "bay-0-1"]
    if change == "moved":
        moved = {"bay-0-1": "street-1"}
        after, late = ([replace(r, site=moved.get(r.bay, r.site)) for r in rows] for rows in (after, late))
    now = since + timedelta(hours=34)
    await store(database, cut(data.draw(st.permutations([*late, *after])), [4, 9, 16]), now)

    truth = await facts(database, [r for r in [*early, *after] if r not in missed])
    if change == "closed":
        truth.closed["street-0"] = [(begun - timedelta(hours=3.3), begun + timedelta(hours=2.2))]
    first, last = (at.astimezone(ZONE).date() for at in (begun - timedelta(days=2), now + timedelta(days=1)))
    period = parse_period(first.isoformat(), last.isoformat(), data.draw(st.sampled_from(["hour", "day"])))
    for by in EACH:
        await compare(database, truth, Question(period=period), now, by)


def with_device(record: BayRecord, device: str) -> BayRecord:
    return replace(record, observation=replace(record.observation, device=device))


EMPTY = (
    "TRUNCATE site, device, device_assignment, bay_event, ended_stay, site_usage, site_day, silent_spell,"
    " unknown_run, bay_state CASCADE"
)


async def clock(connection: Connection) -> datetime:
    """The database's."""
    row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    assert row is not None
    at: datetime = row[0]
    return at


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection
