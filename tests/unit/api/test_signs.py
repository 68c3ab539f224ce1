"""The board of signs: what is decided here, what is recalled, and what operators have set."""

from datetime import timedelta
from typing import Any

import pytest

from api.live import LiveView
from api.signs import SignBoard
from parking.db.live import Changes, Confirmation, Everything
from parking.db.opening import Closure
from parking.db.signs import SignFacts, SignState
from parking.sign_rules import Override, SignRules
from parking.signs import Band, LineMemory, SignMessage, Why
from tests.support.live import NOW, Hands, everything, snapshot, street

SLOW: dict[str, Any] = {"thresholds": {"full_increasing": 1, "full_decreasing": 3}}


def remembered(text: str, revision: int = 1) -> SignState:
    """What the keeper has written down of the slow sign."""
    line = LineMemory(
        band=Band.FULL, text=text, why=Why.FULL, reason="was so", revision=revision, changed_at=NOW
    )
    return SignState(sign="slow", text=text, why="full", memory={"": line})


def loaded(states: str, *known: SignState, decided_s_ago: float | None = 0) -> Everything:
    """A street with a sign that remembers."""
    decided_at = None if decided_s_ago is None else NOW - timedelta(seconds=decided_s_ago)
    whole = everything(street(states))
    whole.signs.append(SignFacts(id="slow", sites=("queen-street",), settings=SLOW))
    whole.sign_states.extend(known)
    return Everything(
        Confirmation(NOW, NOW, 1, 1, decided_at), whole.sites, whole.bays, whole.signs, [], whole.sign_states
    )


@pytest.fixture
def board(view: LiveView) -> SignBoard:
    return SignBoard(view, SignRules())


def told(board: SignBoard, view: LiveView, sign: str = "slow") -> SignMessage:
    """What a sign is told now."""
    return board.message(sign, view.clock.now())


def test_a_sign_that_remembers_shows_what_is_written_down(board: SignBoard, view: LiveView) -> None:
    view.replace(loaded("vvoooo", remembered("FULL")))
    assert told(board, view).text == "FULL"
    assert told(board, view, "vms-queen-street").text == "2"


def test_a_newer_number_waits_for_its_decision(board: SignBoard, view: LiveView) -> None:
    view.replace(loaded("vvoooo", remembered("FULL")))
    confirmed = Confirmation(NOW, NOW, 1, 1, NOW)
    view.apply(Changes(confirmed, [snapshot("vvvvoo", revision=2)], []))
    assert (told(board, view).text, told(board, view).revision) == ("FULL", 1)
    view.apply(Changes(confirmed, [], [], [remembered("4", revision=2)]))
    assert (told(board, view).text, told(board, view).revision) == ("4", 2)


@pytest.mark.parametrize("decided_s_ago", [None, 10.5])
def test_without_a_keeper_it_is_blank(board: SignBoard, view: LiveView, decided_s_ago: float | None) -> None:
    view.replace(loaded("vvoooo", remembered("FULL"), decided_s_ago=decided_s_ago))
    assert (told(board, view).text, told(board, view).why) == ("", Why.UNDECIDED)
    assert told(board, view, "vms-queen-street").text == "2"


def test_a_sign_that_was_never_decided_is_blank(board: SignBoard, view: LiveView) -> None:
    view.replace(loaded("vvoooo"))
    assert told(board, view).why is Why.UNDECIDED


def test_an_override_ends_by_itself(board: SignBoard, view: LiveView, hands: Hands) -> None:
    view.replace(loaded("vvoooo", remembered("FULL")))
    until = NOW + timedelta(seconds=5)
    override = Override(text="CLOSED", until=until, reason="a parade", made_by="Ann", made_at=NOW)
    view.apply(
        Changes(
            Confirmation(NOW, NOW, 1, 1, NOW), [], [], [SignState(sign="vms-queen-street", override=override)]
        )
    )
    shown = told(board, view, "vms-queen-street")
    assert (shown.text, shown.valid_until, shown.poll_after_s) == ("CLOSED", until, 5)
    hands.seconds = 5
    assert told(board, view, "vms-queen-street").text == "2"


def test_an_answer_ends_where_a_closure_begins_until_that_is_taken_back(
    board: SignBoard, view: LiveView, hands: Hands
) -> None:
    begins = NOW + timedelta(seconds=30)
    closure = Closure(1, "queen-street", begins, None, "a parade", "Ann", NOW)
    view.replace(everything(street("vvoooo"), closures=[closure]))
    shown = told(board, view, "vms-queen-street")
    assert (shown.text, shown.valid_until) == ("2", begins)
    hands.seconds = 31  # it has begun, and no ingestor has said so yet
    shown = told(board, view, "vms-queen-street")
    assert shown.valid_until == NOW + timedelta(seconds=32)
    view.replace(everything(street("vvoooo")))
    hands.seconds = 0
    assert told(board, view, "vms-queen-street").valid_until == NOW + timedelta(seconds=60)
