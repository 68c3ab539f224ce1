"""The event log: ids, replay, filters, and when a reader must start over."""

import asyncio
import re

import pytest

from api.events import EventLog, Lost, Position


def texts(chunk: bytes) -> list[str]:
    return re.findall(r"data: (.*)\n\n", chunk.decode())


def test_a_reader_is_told_what_followed_its_last_event() -> None:
    log = EventLog()
    log.publish([("a", b"1"), ("b", b"2")])
    seen = log.locate(str(log.end))
    log.publish([("a", b"3")])
    end, chunk = log.after(seen)
    assert (texts(chunk), end) == (["3"], log.end)
    assert log.after(end) == (end, b"")


def test_each_event_carries_the_id_to_resume_after_it() -> None:
    log = EventLog()
    log.publish([("a", b"1"), ("a", b"2"), ("a", b"3")])
    _, chunk = log.after(Position(log.end.epoch, 0))
    ids = re.findall(r"id: (.*)\n", chunk.decode())
    assert [texts(log.after(log.locate(id))[1]) for id in ids] == [["2", "3"], ["3"], []]


def test_events_are_numbered_one_by_one() -> None:
    log = EventLog()
    log.publish([("a", b"1")])
    log.publish([("a", b"2")])
    assert log.end.number == 2


def test_a_filter_passes_only_its_sites() -> None:
    log = EventLog()
    start = log.end
    log.publish([("a", b"1"), ("b", b"2"), ("a", b"3")])
    end, chunk = log.after(start, frozenset({"a"}))
    assert (texts(chunk), end.number) == (["1", "3"], 3)


def test_a_full_log_forgets_the_oldest_and_says_so() -> None:
    log = EventLog(size=3)
    start = log.end
    log.publish([("a", b"1"), ("a", b"2"), ("a", b"3")])
    assert texts(log.after(start)[1]) == ["1", "2", "3"]
    log.publish([("a", b"4")])
    with pytest.raises(Lost, match="more has happened"):
        log.after(start)
    with pytest.raises(Lost, match="more has happened"):
        log.after(start, frozenset({"a"}))


def test_readers_at_the_same_place_share_what_is_put_together() -> None:
    log = EventLog()
    start = log.end
    log.publish([("a", b"1"), ("b", b"2")])
    assert log.after(start)[1] is log.after(start)[1]


@pytest.mark.parametrize(
    "last_event_id",
    [
        "",
        "-",
        "7",
        "other-1",
        "{epoch}-",
        "{epoch}-x",
        "{epoch}--1",
        "{epoch}-²",
        "{epoch}-2",
        "{epoch}-" + "9" * 5000,
    ],
)
def test_an_id_that_is_not_this_logs_is_lost(last_event_id: str) -> None:
    log = EventLog()
    log.publish([("a", b"1")])
    with pytest.raises(Lost, match="not one of its ids"):
        log.locate(last_event_id.format(epoch=log.end.epoch))


def test_two_processes_have_different_ids() -> None:
    assert EventLog().end.epoch != EventLog().end.epoch


def test_a_restart_tells_connected_and_returning_readers_why() -> None:
    log = EventLog()
    log.publish([("a", b"1")])
    before = log.end
    log.restart("restored from a backup")
    with pytest.raises(Lost, match="restored from a backup"):
        log.after(before)
    with pytest.raises(Lost, match="restored from a backup"):
        log.locate(str(before))


async def test_waiting_ends_with_the_next_event_for_every_reader() -> None:
    log = EventLog()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(log.wait(log.end), name=f"reader {number}")
        await asyncio.sleep(0)
        log.publish([("a", b"1")])


async def test_a_reader_that_is_behind_does_not_wait() -> None:
    log = EventLog()
    start = log.end
    log.publish([("a", b"1")])
    async with asyncio.timeout(5):
        await log.wait(start)


async def test_closing_ends_the_waiting() -> None:
    log = EventLog()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(log.wait(log.end), name="reader")
        await asyncio.sleep(0)
        log.close()
    async with asyncio.timeout(5):
        await log.wait(log.end)
