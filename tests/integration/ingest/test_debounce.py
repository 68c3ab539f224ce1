"""A state that follows a short one is published once it has lasted: by the clock, over restarts, and once."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from api.bays import BayTable
from firmware_protocol.codec import encode
from firmware_protocol.frames import FrameType, State, StateFrame
from ingest.source import Message
from ingest.writer import Writer
from parking.db.connect import Connection, connect
from parking.db.live import load_all
from parking.db.report_scope import Question
from parking.db.reports import measure
from parking.model import Snapshot
from parking.reporting.period import parse_period
from parking.reporting.sums import figures
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry
from tests.support.writing import writing_to

HOLD_S = 60.0
VACANT, OCCUPIED, FAULT = State.VACANT, State.OCCUPIED, State.FAULT


class Bay:
    """One bay, its sensor, and ingestors that come and go. Messages tell of what was so long ago."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url = url
        self.connection = connection
        self.seq = 0
        self.published: list[Snapshot] = []

    @asynccontextmanager
    async def ingestor(self, hold_s: float = HOLD_S) -> AsyncIterator[Writer]:
        """One that has just started."""
        async with writing_to(self.url, debounce_s=hold_s) as writer:
            yield writer

    def message(self, state: State, ago_s: int) -> Message:
        """The next change."""
        self.seq += 1
        frame = encode(StateFrame(type=FrameType.EVENT, state=state, boot=1, seq=self.seq, age_s=ago_s))
        topic = "parking/v1/street-0/bay/sensor-0-0/up"
        return Message(topic, frame, time.time_ns() // 1000, False, 1, self.seq)

    async def tell(self, *changes: tuple[State, int], hold_s: float = HOLD_S) -> None:
        """Give these changes (state, seconds ago) to an ingestor, one batch each."""
        async with self.ingestor(hold_s) as writer:
            for state, ago_s in changes:
                await writer.write([self.message(state, ago_s)], self.published.extend)

    async def state(self) -> tuple[str, str, str | None]:
        """What is published, reported and held."""
        found = await rows(
            self.connection, "SELECT state, reported, held FROM bay_state WHERE bay_id = 'street-0-0'"
        )
        return found[0]

    async def revision(self) -> int:
        """The site's."""
        ((revision,),) = await rows(
            self.connection, "SELECT revision FROM site_state WHERE site_id = 'street-0'"
        )
        return int(revision)


@pytest.fixture
async def bay(each_database_url: str) -> AsyncIterator[Bay]:
    await load(each_database_url, small_registry(bays=1, heartbeat_s=86_400))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        yield Bay(each_database_url, connection)


async def test_a_change_after_a_long_state_is_published_at_once(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 0))
    assert await bay.state() == ("occupied", "occupied", None)


async def test_a_change_after_a_short_state_is_held_and_makes_no_revision(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20))
    before = await bay.revision()
    await bay.tell((VACANT, 15), (OCCUPIED, 10), (VACANT, 5))
    assert (await bay.state(), await bay.revision()) == (("occupied", "vacant", "occupied"), before)
    assert len(await rows(bay.connection, "SELECT FROM bay_event")) == 5
    assert len(await rows(bay.connection, "SELECT FROM stay")) == 2


async def test_a_report_is_of_what_was_reported_while_another_state_is_shown(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 3000), (VACANT, 2400), (OCCUPIED, 20), (VACANT, 15))
    assert (await bay.state())[:2] == ("occupied", "vacant")
    since = datetime.now(UTC) - timedelta(days=1)
    period = parse_period(f"{since:%Y-%m-%d}", f"{since + timedelta(days=3):%Y-%m-%d}", "all")
    found = figures((await measure(bay.connection, Question(period=period))).sums, 0, 0)
    assert (found.sessions, found.arrivals, found.departures) == (2, 2, 2)
    assert found.occupied_hours == pytest.approx((600 + 5) / 3600, abs=1 / 3600)


async def test_what_has_lasted_is_published_by_the_clock_by_whichever_ingestor_looks(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20), (VACANT, 15))
    assert (await bay.state())[0] == "occupied"
    async with bay.ingestor(hold_s=15) as writer:
        assert await _turned(writer, bay) == [1]
        assert await bay.state() == ("vacant", "vacant", "occupied")
        assert await _turned(writer, bay) == []


async def test_nothing_is_published_by_the_clock_before_its_time(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20), (VACANT, 15))
    async with bay.ingestor(hold_s=3600) as writer:
        assert writer.held_back == 0  # it knows nothing yet
        assert await _turned(writer, bay) == []
        assert writer.held_back == 1


async def test_what_came_late_and_has_lasted_is_published_at_once(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 400), (VACANT, 395))
    assert await bay.state() == ("vacant", "vacant", "occupied")


async def test_a_fault_is_published_at_once(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20), (FAULT, 15))
    assert await bay.state() == ("unknown", "unknown", None)


async def test_another_time_to_hold_holds_from_the_next_change_on(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20), (VACANT, 15))
    await bay.tell((OCCUPIED, 5), hold_s=0)
    assert await bay.state() == ("occupied", "occupied", None)


async def test_readers_are_not_told_since_when_while_a_state_is_held(bay: Bay) -> None:
    await bay.tell((VACANT, 4000), (OCCUPIED, 20))
    before = await _since(bay.connection)
    assert before is not None
    assert timedelta(seconds=15) < datetime.now(UTC) - before < timedelta(minutes=2)
    await bay.tell((VACANT, 15))
    assert await _since(bay.connection) is None


async def _turned(writer: Writer, bay: Bay) -> list[int]:
    """How many bays are vacant in each snapshot that is published because time has passed."""
    found: list[Snapshot] = []
    take: Callable[[list[Snapshot]], None] = found.extend
    await writer.turn(take)
    return [snapshot.vacant for snapshot in found]


async def _since(connection: Connection) -> datetime | None:
    everything = await load_all(connection)
    return BayTable(everything.bays).now(0).since
