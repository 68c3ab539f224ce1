"""Retained messages of signs: at each change, before they run out, again after a reconnect."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from ingest.clock import Clock
from ingest.sign_publisher import Shown, SignPublisher
from ingest.source import Source
from parking.sign_rules import SignRules
from parking.signs import Decision, Why
from tests.support.signs import Shelf

TOPIC = "parking/v1/street/sign/vms"


def shown(text: str, revision: int = 1, *, poll_s: int = 20) -> dict[str, Shown]:
    """One sign that shows this."""
    decision = Decision(lines=(text,), why=Why.SPACES, reason="so it is", revision=revision)
    return {"vms": Shown(TOPIC, decision, SignRules(poll_s=poll_s, valid_s=60))}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def publisher(shelf: Shelf) -> SignPublisher:
    return SignPublisher(cast(Source, shelf), Clock())


def test_a_message_is_published_when_it_changes_and_before_it_runs_out(
    shelf: Shelf, publisher: SignPublisher
) -> None:
    publisher.offer(shown("3"))
    for time_s in (0, 1, 19):
        publisher.publish(time_s)
    assert len(shelf.given) == 1
    publisher.publish(20)
    assert len(shelf.given) == 2
    publisher.offer(shown("3", revision=2))
    publisher.publish(21)
    told = json.loads(shelf.retained[TOPIC])
    assert (told["sign"], told["text"], told["revision"], told["poll_after_s"]) == ("vms", "3", 2, 20)
    left_s = (datetime.fromisoformat(told["valid_until"]) - Clock().now()).total_seconds()
    assert left_s == pytest.approx(60, abs=5)


def test_it_is_published_again_when_it_is_known_to_change(shelf: Shelf, publisher: SignPublisher) -> None:
    changes_at = Clock().now() + timedelta(seconds=6.5)
    (plain,) = shown("3").values()
    publisher.offer({"vms": replace(plain, changes_at=lambda _: changes_at)})
    for time_s in (0, 4):
        publisher.publish(time_s)
    assert len(shelf.given) == 1
    told = json.loads(shelf.retained[TOPIC])
    assert datetime.fromisoformat(told["valid_until"]) == changes_at
    assert told["poll_after_s"] <= 7
    publisher.publish(7)
    assert len(shelf.given) == 2


def test_what_the_broker_does_not_take_stays_due(shelf: Shelf, publisher: SignPublisher) -> None:
    shelf.takes = False
    publisher.offer(shown("3"))
    publisher.publish(0)
    shelf.takes = True
    publisher.publish(1)
    assert TOPIC in shelf.retained


def test_after_a_reconnect_all_is_published_again(shelf: Shelf, publisher: SignPublisher) -> None:
    publisher.offer(shown("3"))
    publisher.publish(0)
    shelf.retained.clear()
    shelf.generation += 1
    publisher.publish(1)
    assert TOPIC in shelf.retained


def test_a_sign_that_is_gone_is_cleared_but_not_when_another_keeper_takes_over(
    shelf: Shelf, publisher: SignPublisher
) -> None:
    publisher.offer(shown("3"))
    publisher.publish(0)
    publisher.offer({})
    publisher.publish(1)
    assert TOPIC in shelf.retained
    publisher.offer(shown("3"))
    publisher.offer({"other": Shown("parking/v1/street/sign/other", shown("3")["vms"].decision, SignRules())})
    publisher.publish(2)
    assert list(shelf.retained) == ["parking/v1/street/sign/other"]
