"""What comes late: into a chunk that is old, and compressed where the edition can."""

from datetime import UTC, datetime, timedelta

from parking.db.connect import Connection, connect, find_edition, tune_for_batches
from parking.db.records import Batch, BayRecord
from parking.db.write import write_batch
from parking.model import BayObservation, EventKind, Occupancy
from tests.integration.db.conftest import rows
from tests.support.city import load, small_registry

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
AGO = timedelta(days=45)


def told(seq: int, state: Occupancy, at: datetime, *, age: timedelta = timedelta(0)) -> Batch:
    """The first street's first sensor says what began `age` before."""
    seen = BayObservation(
        device="sensor-0-0",
        state=state,
        event_at=at - age,
        seen_at=at,
        session=1,
        seq=seq,
        age_s=int(age.total_seconds()),
        kind=EventKind.HEARTBEAT if age else EventKind.CHANGE,
    )
    return Batch(bays=[BayRecord("street-0-0", "street-0", seen, at)])


async def compress_what_is_old(connection: Connection) -> None:
    """As the policy of the Community edition does after 30 days; the others have no compression."""
    edition = await find_edition(connection)
    if edition.licence == "timescale":
        await connection.execute(
            "SELECT compress_chunk(c) FROM show_chunks('bay_event', older_than => %s::timestamptz) c",
            (NOON - timedelta(days=30),),
        )


async def test_a_car_that_has_stood_for_weeks_is_put_in_its_place_among_old_events(
    each_database_url: str,
) -> None:
    await load(each_database_url, small_registry(heartbeat_s=86_400))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        await tune_for_batches(connection)
        for seq, state in ((1, Occupancy.OCCUPIED), (2, Occupancy.VACANT)):
            at = NOON - AGO + timedelta(hours=seq)
            await write_batch(connection, told(seq, state, at), now=at)
        await compress_what_is_old(connection)
        # All that was said since got lost, but for a heartbeat that tells how old its state is.
        age = AGO - timedelta(hours=3)
        await write_batch(connection, told(3, Occupancy.OCCUPIED, NOON, age=age), now=NOON)
        # And a copy of an old one, which tells its time better.
        better = NOON - AGO + timedelta(hours=2, seconds=-5)
        await write_batch(connection, told(2, Occupancy.VACANT, better), now=NOON)
        assert await rows(connection, "SELECT seq, event_at FROM bay_event ORDER BY seq") == [
            (1, NOON - AGO + timedelta(hours=1)),
            (2, better),
            (3, NOON - AGO + timedelta(hours=3)),
        ]
        assert await rows(connection, "SELECT started_at, ended_at FROM stay ORDER BY started_at") == [
            (NOON - AGO + timedelta(hours=1), better),
            (NOON - AGO + timedelta(hours=3), None),
        ]


async def test_roll_ups_are_exact_over_the_change_of_clocks_and_a_leap_day(each_database_url: str) -> None:
    """A stay over each night; the quarters of a night in local time are 4 more or fewer, and each is full."""
    nights = [
        datetime(2028, 2, 28, 20, tzinfo=UTC),  # into a leap day
        datetime(2028, 2, 29, 20, tzinfo=UTC),
        datetime(2028, 3, 25, 20, tzinfo=UTC),  # the clocks go forward
        datetime(2028, 10, 28, 20, tzinfo=UTC),  # and back
    ]
    hours = timedelta(hours=12)
    await load(each_database_url, small_registry(heartbeat_s=86_400))
    async with connect(each_database_url, name="test", autocommit=True) as connection:
        for number, start in enumerate(nights):
            for seq, state, at in (
                (2 * number + 1, Occupancy.OCCUPIED, start),
                (2 * number + 2, Occupancy.VACANT, start + hours),
            ):
                await write_batch(connection, told(seq, state, at), now=at)
        found = await rows(
            connection, "SELECT quarter_at, occupied_us FROM site_usage WHERE occupied_us > 0 ORDER BY 1"
        )
        quarters = [start + timedelta(minutes=15 * n) for start in nights for n in range(48)]
        assert found == [(quarter, 900_000_000) for quarter in quarters]
        local = await rows(
            connection,
            "SELECT (quarter_at AT TIME ZONE 'Europe/London')::date, sum(occupied_us) / 3600000000"
            " FROM site_usage WHERE occupied_us > 0 GROUP BY 1 ORDER BY 1",
        )
        assert [int(spent) for _, spent in local] == [4, 8 + 4, 8, 4, 8, 3, 9]
