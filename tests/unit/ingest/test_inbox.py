"""The inbox between the network thread and the event loop: bounded, in order, and it lets everyone go."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from ingest.inbox import Inbox
from ingest.source import Message
from parking.columns import microseconds
from tests.support.polling import until

NOON_US = microseconds(datetime(2026, 3, 4, 12, tzinfo=UTC))


def message(number: int, *, generation: int = 1) -> Message:
    return Message("parking/v1/s/bay/d/up", b"", NOON_US, False, generation, number)


def numbers(messages: list[Message]) -> list[int]:
    return [message.mid for message in messages]


def _put_all(inbox: Inbox, count: int) -> None:
    for number in range(count):
        inbox.put(message(number))


async def test_messages_of_a_thread_come_in_order_and_never_more_than_the_limit_wait() -> None:
    inbox, count, most_waiting = Inbox(50), 5000, 0
    thread = threading.Thread(target=_put_all, args=(inbox, count))
    thread.start()
    taken: list[Message] = []
    async with asyncio.timeout(20):
        while len(taken) < count:
            most_waiting = max(most_waiting, len(inbox))
            batch = await inbox.take(most=32, wait_s=0.001)
            assert 1 <= len(batch) <= 32
            taken += batch
    thread.join(5)
    assert numbers(taken) == list(range(count))
    assert 0 < most_waiting <= 50


async def test_a_batch_is_handed_over_after_the_wait_though_it_is_not_full() -> None:
    inbox = Inbox(10)
    inbox.put(message(1))
    async with asyncio.timeout(2):
        assert numbers(await inbox.take(most=10, wait_s=0.01)) == [1]


async def test_messages_forgotten_while_a_batch_fills_do_not_make_an_empty_batch() -> None:
    inbox = Inbox(10)
    inbox.put(message(1))
    taking = asyncio.create_task(inbox.take(most=10, wait_s=0.1))
    await asyncio.sleep(0)  # it has seen the first message, and waits for others
    inbox.forget(1)
    inbox.put(message(2, generation=2))
    async with asyncio.timeout(2):
        assert numbers(await taking) == [2]

    inbox.put(message(3, generation=2))
    taking = asyncio.create_task(inbox.take(most=10, wait_s=0.05))
    await asyncio.sleep(0)
    inbox.forget(2)
    done, _ = await asyncio.wait((taking,), timeout=0.2)
    assert not done
    inbox.put(message(4, generation=3))
    async with asyncio.timeout(2):
        assert numbers(await taking) == [4]


@pytest.mark.parametrize("release", ["forget", "close"])
async def test_a_thread_that_waits_for_room_is_let_go_at_the_end_of_its_connection(release: str) -> None:
    inbox = Inbox(3)
    thread = threading.Thread(target=_put_all, args=(inbox, 100), daemon=True)
    thread.start()
    await until(lambda: len(inbox) == 3, what="the inbox is full")

    inbox.forget(1) if release == "forget" else inbox.close()

    await until(lambda: not thread.is_alive(), timeout=2, what="the network thread ended")
    assert len(inbox) == 0


async def test_a_message_of_a_connection_that_has_ended_is_not_taken_in() -> None:
    inbox = Inbox(3)
    inbox.forget(1)
    inbox.put(message(1, generation=1))
    inbox.put(message(2, generation=2))
    assert numbers(await inbox.take(most=10, wait_s=0.001)) == [2]


async def test_a_waiting_consumer_can_be_cancelled_and_loses_nothing() -> None:
    inbox = Inbox(3)
    taking = asyncio.create_task(inbox.take(most=10, wait_s=5))
    await asyncio.sleep(0)
    inbox.put(message(1))
    await asyncio.sleep(0.01)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert numbers(await inbox.take(most=10, wait_s=0.001)) == [1]
