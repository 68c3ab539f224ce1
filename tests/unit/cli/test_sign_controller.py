"""The controller of a sign: shows what is valid, and nothing else, by a clock that nobody can set."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.sign_controller import Controller

# Far from any clock of a machine that runs this.
SERVER_TIME = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def answer(controller: Controller, text: str, *, asked: float, valid_s: float = 60, **more: Any) -> float:
    """An answer of a server with a clock of its own."""
    body = {
        "text": text,
        "valid_until": (SERVER_TIME + timedelta(seconds=valid_s)).isoformat(),
        "poll_after_s": 20,
        "revision": 3,
        "reason": "so it is",
        "something": "new",
        **more,
    }
    date = format_datetime(SERVER_TIME, usegmt=True)
    return controller.answered(json.dumps(body).encode(), etag='"a"', date=date, asked=asked)


def test_it_is_blank_until_it_is_answered_and_after_the_answer_has_ended() -> None:
    controller = Controller()
    assert controller.frame(0).text == ""
    assert answer(controller, "42", asked=100) == 20
    assert [controller.frame(at).text for at in (100, 159.9, 160)] == ["42", "42", ""]
    assert "valid no more" in controller.frame(160).reason


def test_a_failure_keeps_the_answer_while_it_is_valid_and_asks_again_soon() -> None:
    controller = Controller()
    answer(controller, "42", asked=0)
    assert controller.failed("no answer") == 5
    assert controller.frame(30).text == "42"
    assert "no answer" in controller.frame(61).reason


def test_an_unchanged_answer_ends_when_it_said() -> None:
    controller = Controller()
    answer(controller, "42", asked=0)
    assert controller.unchanged() == 20
    assert controller.frame(61).text == ""
    assert controller.etag is None, "it asks for the whole answer when it has none"


def test_a_sign_that_is_no_more_is_blank_at_once() -> None:
    controller = Controller()
    answer(controller, "42", asked=0)
    controller.gone("there is no sign 'x'")
    assert controller.frame(1).text == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'"42"',
        b"<html>",
        b'{"text": 42}',
        b"\xff\xfe",
        b'{"text":"42","valid_until":"tomorrow","poll_after_s":20,"revision":1,"reason":""}',
        b'{"text":"42","valid_until":"2031-05-06T07:09:09Z","poll_after_s":-1,"revision":1,"reason":""}',
        b'{"text":"42","valid_until":"2031-05-06T07:09:09","poll_after_s":1,"revision":1,"reason":""}',
    ],
)
def test_what_is_no_answer_is_refused_and_changes_nothing(body: bytes) -> None:
    controller = Controller()
    answer(controller, "7", asked=0)
    with pytest.raises(ValueError, match="no answer about a sign"):
        controller.answered(body, etag=None, date=format_datetime(SERVER_TIME, usegmt=True), asked=1)
    assert controller.frame(2).text == "7"


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_without_the_servers_time_there_is_no_telling_how_long_it_is_valid(date: str | None) -> None:
    with pytest.raises(ValueError, match="no answer about a sign"):
        Controller().answered(b"{}", etag=None, date=date, asked=0)


EVENTS = st.lists(
    st.tuples(st.floats(0, 50), st.sampled_from(["answer", "fail", "same", "gone"]), st.integers(1, 90)),
    max_size=20,
)


@given(EVENTS)
def test_whatever_happens_a_text_is_never_shown_longer_than_it_is_valid(
    events: list[tuple[float, str, int]],
) -> None:
    controller, now, ends = Controller(), 0.0, 0.0
    for wait_s, what, valid_s in events:
        now += wait_s
        assert (controller.frame(now).text == "") or now < ends
        if what == "answer":
            answer(controller, "42", asked=now, valid_s=valid_s)
            ends = now + valid_s
        elif what == "fail":
            controller.failed("no answer")
        elif what == "same":
            controller.unchanged()
        else:
            controller.gone("gone")
            ends = 0.0
    assert controller.frame(now + 91).text == ""
