"""What the stream is told: changes, and numbers that turn stale or fresh again."""

import json
import re

import pytest

from api.events import EventLog, Lost, Position
from api.feed import Announcer
from api.live import LiveView
from api.prepared import Answers
from parking.db.live import Changes, Confirmation
from parking.signs import SignRules
from tests.support.live import NOW, Hands, confirmation, everything, snapshot, street


@pytest.fixture
def log() -> EventLog:
    return EventLog()


@pytest.fixture
def announcer(view: LiveView, log: EventLog) -> Announcer:
    view.replace(everything(street("vvo"), street("uo", site="mews"), confirmed_s_ago=0))
    announcer = Announcer(view, Answers(view, SignRules()), log)
    announcer.announce()
    return announcer


def told(log: EventLog) -> list[tuple[str, int, bool]]:
    """(site, revision, stale) of each event so far."""
    _, chunk = log.after(Position(log.end.epoch, 0))
    bodies = [json.loads(data) for data in re.findall(r"data: (.*)\n", chunk.decode())]
    return [(body["id"], body["revision"], body["stale"]) for body in bodies]


def test_the_first_load_is_no_change(announcer: Announcer, log: EventLog) -> None:
    assert told(log) == []


def test_a_changed_site_is_told_once(announcer: Announcer, view: LiveView, log: EventLog) -> None:
    announcer.announce(view.apply(Changes(confirmation(0), [snapshot("voo", revision=2)], [])))
    announcer.announce()
    assert told(log) == [("queen-street", 2, False)]


def test_turning_stale_and_fresh_again_is_told(
    announcer: Announcer, view: LiveView, log: EventLog, hands: Hands
) -> None:
    hands.seconds = 16
    announcer.announce()
    view.confirm(Confirmation(view.clock.now(), view.clock.now(), 1, 1))
    announcer.announce()
    assert told(log) == [
        ("mews", 1, True),
        ("queen-street", 1, True),
        ("mews", 1, False),
        ("queen-street", 1, False),
    ]


def test_a_mere_confirmation_is_not_an_event(announcer: Announcer, view: LiveView, log: EventLog) -> None:
    view.confirm(Confirmation(NOW, NOW, 1, 1))
    announcer.announce()
    assert told(log) == []


def test_a_restart_is_not_followed_by_an_event_for_each_site(
    announcer: Announcer, view: LiveView, log: EventLog
) -> None:
    before = log.end
    view.replace(everything(street("v", age_s=3600)))
    announcer.restart("restored")
    with pytest.raises(Lost):
        log.after(before)
    assert told(log) == []
