"""Sites open and close by the clock and by closures; each turn is published, with a new revision."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from parking.db.connect import Connection
from parking.db.live import load_all
from parking.db.opening import OpeningTimes, close_site, closures, end_closure
from parking.db.sites import published
from parking.errors import ConflictError, InputError, NotFound
from parking.model import SiteStatus
from tests.integration.db.conftest import rows
from tests.integration.db.test_registry_import import load, park, street

HOUR = timedelta(hours=1)
WEDNESDAY = datetime(2026, 3, 4, tzinfo=UTC)


async def status(connection: Connection, site: str = "mews") -> tuple[SiteStatus, int]:
    """What is published of a site, and its revision."""
    (snapshot,) = await published(connection, [site])
    return snapshot.status, snapshot.revision


async def test_hours_open_and_close_a_site_once_each_time(database: Connection) -> None:
    await load(database, park(opening_hours="Mo-Su 07:00-19:00"))
    times = OpeningTimes()
    await times.load(database)
    seen = []
    for minutes in range(0, 24 * 60, 10):
        turned = await times.turn(database, now=WEDNESDAY + timedelta(minutes=minutes))
        seen += [(minutes, snapshot.status) for snapshot in turned]
    assert [(minutes, state) for minutes, state in seen if minutes] == [
        (7 * 60, SiteStatus.OPEN),
        (19 * 60, SiteStatus.CLOSED),
    ]


async def test_two_ingestors_that_look_at_once_publish_a_turn_once(
    database: Connection, database_url: str
) -> None:
    await load(database, park(opening_hours="Mo-Su 07:00-19:00"))
    night, morning = WEDNESDAY + 3 * HOUR, WEDNESDAY + 8 * HOUR
    one, other = OpeningTimes(), OpeningTimes()
    for times in (one, other):
        await times.load(database)
        await times.turn(database, now=night)
    _, revision = await status(database)
    turned = [await times.turn(database, now=morning) for times in (one, other)]
    assert list(map(len, turned)) == [1, 0]
    assert await status(database) == (SiteStatus.OPEN, revision + 1)


async def test_a_site_imported_at_night_is_closed_from_the_first(database: Connection) -> None:
    now = datetime.now(UTC)
    never_today = (now + timedelta(days=3)).strftime("%a")[:2]
    await load(database, park(opening_hours=f"{never_today} 10:00-11:00"), street("high", "b1"))
    assert (await status(database))[0] is SiteStatus.CLOSED
    assert (await status(database, "high"))[0] is SiteStatus.OPEN


async def test_a_site_whose_hours_are_taken_away_opens(database: Connection) -> None:
    never_today = (datetime.now(UTC) + timedelta(days=3)).strftime("%a")[:2]
    await load(database, park(opening_hours=f"{never_today} 10:00-11:00"))
    await load(database, park())
    assert (await status(database))[0] is SiteStatus.OPEN


async def test_a_closure_closes_at_once_and_opens_when_it_ends(database: Connection) -> None:
    await load(database, park())
    _, revision = await status(database)
    async with database.transaction():
        closure = await close_site(
            database, site_id="mews", from_at=None, until_at=None, reason="flooded", made_by="test"
        )
    assert await status(database) == (SiteStatus.CLOSED, revision + 1)
    assert (await load_all(database)).closures == [closure]
    async with database.transaction():
        was, left = await end_closure(database, closure.closure_id)
    assert was == closure
    assert left is not None
    assert left.until_at is not None
    assert await status(database) == (SiteStatus.OPEN, revision + 2)
    assert (await load_all(database)).closures == []
    assert await closures(database, site_id="mews") == [left]


async def test_a_closure_to_come_begins_and_is_over_by_itself(database: Connection) -> None:
    await load(database, park())
    ((now,),) = await rows(database, "SELECT clock_timestamp()")
    begins, ends = now + timedelta(seconds=0.4), now + timedelta(seconds=0.8)
    async with database.transaction():
        await close_site(
            database, site_id="mews", from_at=begins, until_at=ends, reason="market", made_by="test"
        )
    times, seen = OpeningTimes(), [SiteStatus.OPEN]
    async with asyncio.timeout(10):
        while len(seen) < 3:
            await times.turn(database, now=now)
            state, _ = await status(database)
            if state is not seen[-1]:
                seen.append(state)
    assert seen == [SiteStatus.OPEN, SiteStatus.CLOSED, SiteStatus.OPEN]


async def test_a_closure_that_has_not_begun_is_taken_back_without_a_trace(database: Connection) -> None:
    await load(database, park())
    soon = datetime.now(UTC) + HOUR
    async with database.transaction():
        closure = await close_site(
            database, site_id="mews", from_at=soon, until_at=soon + HOUR, reason="works", made_by="test"
        )
        assert await end_closure(database, closure.closure_id) == (closure, None)
    assert await closures(database) == []


async def test_what_has_been_is_not_changed(database: Connection) -> None:
    await load(database, park())
    past = datetime.now(UTC) - 2 * HOUR
    async with database.transaction():
        closure = await close_site(
            database, site_id="mews", from_at=past, until_at=None, reason="works", made_by="test"
        )
        await end_closure(database, closure.closure_id)
    with pytest.raises(ConflictError, match="was over at"):
        await end_closure(database, closure.closure_id)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 201}, "201 characters"),
        ({"until_at": datetime(2020, 1, 1, tzinfo=UTC)}, "until 2020-01-01"),
        ({"until_at": datetime(2099, 1, 1, tzinfo=UTC)}, "ten years"),
    ],
)
async def test_a_closure_that_cannot_be_is_refused(
    database: Connection, more: dict[str, object], says: str
) -> None:
    await load(database, park())
    given: dict[str, object] = {"from_at": None, "until_at": None, "reason": "works", **more}
    with pytest.raises(InputError, match=says):
        await close_site(database, site_id="mews", made_by="test", **given)  # type: ignore[arg-type]


async def test_a_site_that_is_not_there_cannot_be_closed(database: Connection) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        await close_site(
            database, site_id="nowhere", from_at=None, until_at=None, reason="works", made_by="test"
        )
