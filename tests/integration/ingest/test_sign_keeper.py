"""The keeper of the signs on a real database: what it writes down, what it remembers, who takes over."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

import pytest

from ingest.clock import Clock
from ingest.sign_keeper import SignKeeper
from ingest.sign_publisher import SignPublisher
from ingest.source import Source
from parking.sign_rules import SignRules
from tests.support.city import load
from tests.support.ingestor import HandIngestor
from tests.support.polling import until
from tests.support.signs import STREET, Shelf, signed_street, states

HISTORY = "SELECT text, why FROM sign_message WHERE sign_id = %s ORDER BY message_id"


@pytest.fixture
async def street_url(database_url: str) -> str:
    """A database with a street and its signs."""
    await load(database_url, signed_street())
    return database_url


@pytest.fixture
def hand(street_url: str) -> Iterator[HandIngestor]:
    with HandIngestor(street_url) as hand:
        hand.confirm()
        yield hand


@asynccontextmanager
async def keeping(database_url: str, shelf: Shelf, *, stale_after_s: float = 600) -> AsyncIterator[None]:
    """While a keeper runs and publishes to this shelf."""
    publisher = SignPublisher(cast(Source, shelf), Clock())
    keeper = SignKeeper(database_url, publisher, Clock(), defaults=SignRules(), stale_after_s=stale_after_s)
    tasks = [asyncio.create_task(keeper.run()), asyncio.create_task(publisher.run())]
    try:
        yield
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def shown(shelf: Shelf, sign: str) -> dict[str, Any]:
    """What is retained for a sign."""
    payload = shelf.retained.get(f"parking/v1/{STREET}/sign/{sign}")
    body: dict[str, Any] = json.loads(payload) if payload else {}
    return body


async def until_shown(shelf: Shelf, sign: str, text: str) -> dict[str, Any]:
    """Wait until a sign is told this."""
    await until(
        lambda: shown(shelf, sign).get("text") == text, what=lambda: f"{text!r}: {shown(shelf, sign)}"
    )
    return shown(shelf, sign)


async def test_each_change_is_written_down_and_published_with_its_reason(
    hand: HandIngestor, street_url: str
) -> None:
    shelf = Shelf()
    async with keeping(street_url, shelf):
        revision = hand.publish(STREET, states(4))
        told = await until_shown(shelf, "plain", "4")
        assert (told["revision"], told["why"], told["multi"]) == (revision, "spaces", "[jp3][jl3]4")
        hand.publish(STREET, states(0))
        await until_shown(shelf, "plain", "FULL")
        hand.publish(STREET, states(1, unknown=5))
        await until_shown(shelf, "plain", "")
    assert hand.run(HISTORY, ("plain",))[-3:] == [("4", "spaces"), ("FULL", "full"), ("", "untrusted")]


async def test_a_message_is_valid_until_a_closure_begins(hand: HandIngestor, street_url: str) -> None:
    async with keeping(street_url, shelf := Shelf()):
        hand.publish(STREET, states(4))
        await until_shown(shelf, "plain", "4")
        ((begins,),) = hand.run(
            "INSERT INTO closure (site_id, from_at, reason, made_by)"
            " VALUES (%s, now() + interval '40 s', 'a parade', 'Ann') RETURNING from_at",
            (STREET,),
        )
        hand.notify("parking_registry")
        hand.publish(STREET, states(3))
        told = await until_shown(shelf, "plain", "3")
        assert datetime.fromisoformat(told["valid_until"]) == begins


async def test_a_sign_goes_on_where_it_was_after_a_restart(hand: HandIngestor, street_url: str) -> None:
    async with keeping(street_url, shelf := Shelf()):
        hand.publish(STREET, states(1))
        await until_shown(shelf, "slow", "FULL")
    hand.publish(STREET, states(3))
    async with keeping(street_url, shelf := Shelf()):
        await until_shown(shelf, "plain", "3")
        assert shown(shelf, "slow")["text"] == "FULL"
        hand.publish(STREET, states(4))
        await until_shown(shelf, "slow", "4")


async def test_of_two_keepers_one_decides_and_the_other_takes_over(
    hand: HandIngestor, street_url: str
) -> None:
    first, second = Shelf(), Shelf()
    async with keeping(street_url, second):
        await until(lambda: second.retained, what="the first one decides")
        async with keeping(street_url, first):
            hand.publish(STREET, states(5))
            await until_shown(second, "plain", "5")
            assert not first.retained
            # Its connection ends, as when its machine dies.
            hand.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid)"
                " WHERE locktype = 'advisory' AND application_name = 'parking signs'"
            )
            hand.publish(STREET, states(2))

            def told() -> bool:
                return "2" in (shown(first, "plain").get("text"), shown(second, "plain").get("text"))

            await until(told, what="one of them goes on")
    assert hand.run(HISTORY, ("plain",))[-1] == ("2", "spaces")


async def test_numbers_that_nobody_confirms_blank_the_signs_on_record(
    hand: HandIngestor, street_url: str
) -> None:
    hand.publish(STREET, states(4))
    async with keeping(street_url, shelf := Shelf(), stale_after_s=2):

        def told() -> bool:
            hand.confirm()
            return shown(shelf, "plain").get("text") == "4"

        await until(told, what="the number while it is confirmed", every=0.2)
        await until_shown(shelf, "plain", "")
    assert hand.run(HISTORY, ("plain",))[-1] == ("", "stale")


async def test_a_sign_that_is_removed_is_cleared_at_the_broker(hand: HandIngestor, street_url: str) -> None:
    async with keeping(street_url, shelf := Shelf()):
        await until(lambda: shown(shelf, "slow"), what="it is there")
        await load(street_url, signed_street({"id": "plain", "max": 3}))
        await until(lambda: not shown(shelf, "slow"), what="it is gone")
        hand.publish(STREET, states(5))
        await until_shown(shelf, "plain", "3")


async def test_a_round_without_news_writes_no_history(hand: HandIngestor, street_url: str) -> None:
    async with keeping(street_url, shelf := Shelf()):
        hand.publish(STREET, states(4))
        await until_shown(shelf, "plain", "4")
        before = hand.run(HISTORY, ("plain",))
        ((looked_at,),) = hand.run("SELECT decided_at FROM sign_keeper")

        def again() -> bool:
            return hand.run("SELECT decided_at FROM sign_keeper") > [(looked_at,)]

        await until(again, what="another round")
        assert hand.run(HISTORY, ("plain",)) == before
