"""What ingestors tell the database of themselves, and who may use which session at the broker."""

from dataclasses import replace
from datetime import UTC, datetime

from parking.db.connect import Connection, connect
from parking.db.ingestors import (
    Condition,
    Session,
    confirm,
    forget_session,
    former_sessions,
    hold,
    holder,
    leave,
    let_go,
    note_session,
    reports,
)
from parking.db.live import load_changes
from tests.support.polling import until

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
WELL = Condition(
    current=True, broker="b:1883", waiting=0, behind_s=0, heard_at=NOON, stored_at=None, trouble=None
)
ILL = replace(WELL, current=False, trouble="no space left on device")


async def test_numbers_are_confirmed_only_while_every_ingestor_is_current(database: Connection) -> None:
    async def confirmed_at() -> datetime | None:
        return (await load_changes(database, {})).confirmation.confirmed_at

    async def say(ingestor: str, condition: Condition) -> None:
        await confirm(database, ingestor=ingestor, started_at=NOON, condition=condition)

    assert await confirmed_at() is None
    await say("one", ILL)
    assert await confirmed_at() == datetime(1970, 1, 1, tzinfo=UTC)  # never
    await say("one", WELL)
    good = await confirmed_at()
    assert good is not None
    assert good > NOON
    await say("one", ILL)
    assert await confirmed_at() == good
    await say("two", ILL)
    assert await confirmed_at() == datetime(1970, 1, 1, tzinfo=UTC)
    await leave(database, ingestor="two")
    assert await confirmed_at() == good
    await leave(database, ingestor="one")
    assert await confirmed_at() is None


async def test_a_report_says_what_the_ingestor_said(database: Connection) -> None:
    await confirm(database, ingestor="one", started_at=NOON, condition=ILL)
    (report,) = await reports(database)
    assert (report.ingestor, report.current, report.broker) == ("one", False, "b:1883")
    assert report.trouble == "no space left on device"
    assert 0 <= report.reported_s < 5
    assert report.heard_s is not None
    assert abs(report.heard_s - report.started_s) < 1  # both at noon
    assert report.stored_s is None


async def test_one_process_at_a_time_may_use_a_session(database: Connection, database_url: str) -> None:
    assert await hold(database, "parking-ingest")
    async with connect(database_url, name="other", autocommit=True) as other:
        assert not await hold(other, "parking-ingest")
        assert await hold(other, "another")
        found = await holder(other, "parking-ingest")
        assert found is not None
        assert found.pid == database.info.backend_pid
        await let_go(database, "parking-ingest")
        assert await holder(other, "parking-ingest") is None
        assert await hold(other, "parking-ingest")
    # The other's connection has ended.
    await until(lambda: hold(database, "parking-ingest"), what="the session is free")


async def test_a_former_session_is_found_once_every_share_of_the_new_number_is_there(
    database: Connection,
) -> None:
    def session(share: int, shares: int, *, base: str = "city", broker: str = "b:1883") -> Session:
        name = f"{base}-{share}-of-{shares}-{broker}"
        return Session(name=name, base=base, share=share, shares=shares, broker=broker)

    for known in (session(1, 1), session(1, 3, base="other"), session(1, 3, broker="c:1883")):
        await note_session(database, known)
    mine = session(1, 2)
    assert await former_sessions(database, mine) == []
    await note_session(database, mine)
    assert await former_sessions(database, mine) == []
    await note_session(database, session(2, 2))
    assert await former_sessions(database, mine) == [session(1, 1)]
    await forget_session(database, session(1, 1).name)
    assert await former_sessions(database, mine) == []
