"""Answers prepared once: the same bytes until something in them changes, and an ETag that tells."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.clock import DatabaseClock
from api.live import LiveView
from api.prepared import Answers
from parking.db.live import Changes
from parking.db.signs import SignFacts
from parking.model import SiteStatus
from parking.signs import SignRules
from tests.support.live import NOW, Hands, confirmation, everything, snapshot, street


@pytest.fixture
def answers(view: LiveView) -> Answers:
    view.replace(everything(street("vvo"), street("uo", site="mews"), confirmed_s_ago=0))
    return Answers(view, SignRules())


def test_an_answer_is_prepared_once_while_nothing_changes(answers: Answers, hands: Hands) -> None:
    first = answers.site("queen-street")
    hands.seconds = 10
    assert answers.site("queen-street") is first


def test_the_etag_changes_with_the_number(answers: Answers, view: LiveView) -> None:
    before = answers.site("queen-street")
    view.apply(Changes(confirmation(0), [snapshot("voo", revision=2)], []))
    after = answers.site("queen-street")
    assert json.loads(after.body)["vacant"] == 1
    assert after.etag != before.etag


def test_the_etag_changes_when_time_alone_makes_the_number_stale(answers: Answers, hands: Hands) -> None:
    site, sites, bays = answers.site("mews"), answers.sites(), answers.bays("mews")
    hands.seconds = 15.1
    for before, after in (
        (site, answers.site("mews")),
        (bays, answers.bays("mews")),
    ):
        assert json.loads(after.body)["stale"]
        assert after.etag != before.etag
    assert [one["stale"] for one in json.loads(answers.sites().body)["sites"]] == [True, True]
    assert answers.sites().etag != sites.etag


def test_all_sites_say_the_same_as_each_site(answers: Answers) -> None:
    each = [json.loads(answers.site(site).body) for site in ("queen-street", "mews")]
    assert json.loads(answers.sites().body) == {"sites": each, "as_of": each[0]["as_of"]}


def test_the_list_is_as_old_as_its_oldest_number(view: LiveView) -> None:
    view.replace(everything(street("v", age_s=10), street("v", site="mews", age_s=20)))
    as_of = json.loads(Answers(view, SignRules()).sites().body)["as_of"]
    assert datetime.fromisoformat(as_of) == NOW - timedelta(seconds=20)


def test_times_are_rfc_3339_in_utc(answers: Answers) -> None:
    assert json.loads(answers.site("mews").body)["as_of"] == "2026-03-01T12:00:00Z"


def test_a_sign_shows_its_number_for_a_minute_and_blanks_when_the_number_is_stale(
    answers: Answers, hands: Hands
) -> None:
    assert json.loads(answers.sign("vms-queen-street").body) == {
        "sign": "vms-queen-street",
        "text": "2",
        "valid_until": "2026-03-01T12:01:00Z",
        "poll_after_s": 20,
        "revision": 1,
        "reason": "3 of 3 spaces report",
        "why": "spaces",
        "multi": "[jp3][jl3]2",
    }
    hands.seconds = 15.1
    assert answers.sign("vms-queen-street").text == b""


def test_what_a_sign_may_show_moves_on_with_time(answers: Answers, hands: Hands) -> None:
    hands.seconds = 5
    assert json.loads(answers.sign("vms-mews").body)["valid_until"] == "2026-03-01T12:01:05Z"
    hands.seconds = 7
    assert json.loads(answers.sign("vms-mews").body)["valid_until"] == "2026-03-01T12:01:07Z"


def test_an_answer_about_a_site_that_was_removed_is_forgotten(answers: Answers, view: LiveView) -> None:
    answers.site("mews")
    view.replace(everything(street("vvo")))
    assert [site["id"] for site in json.loads(answers.sites().body)["sites"]] == ["queen-street"]


STATES = st.text("vou", max_size=30)


@given(
    states=st.lists(STATES, min_size=1, max_size=4),
    closed=st.lists(st.booleans(), min_size=4, max_size=4),
    age_s=st.integers(0, 40),
    trust=st.floats(0, 1),
)
def test_a_sign_shows_a_number_only_if_open_fresh_and_trusted_and_then_the_right_one(
    states: list[str], closed: list[bool], age_s: int, trust: float
) -> None:
    hands = Hands()
    clock = DatabaseClock(hands)
    clock.sync(NOW, asked_at=0)
    view = LiveView(clock=clock, stale_after_s=15)
    loaded = everything(*(street(one, site=f"s{n}", age_s=age_s) for n, one in enumerate(states)))
    loaded.signs.append(SignFacts(id="all", sites=tuple(f"s{n}" for n in range(len(states)))))
    view.replace(loaded)
    for n, shut in enumerate(closed[: len(states)]):
        if shut:
            _close(view, f"s{n}")
    text = Answers(view, SignRules(trust=trust)).sign("all").text.decode()
    spaces = "".join(one for one, shut in zip(states, closed, strict=False) if not shut)
    known = len(spaces) - spaces.count("u")
    if text.isdigit():
        assert age_s <= 15
        assert known >= trust * len(spaces)
        assert int(text) == spaces.count("v") > 0
    elif text == "FULL":
        assert age_s <= 15
        assert known >= trust * len(spaces)
        assert "v" not in spaces
    elif text == "CLOSED":
        assert all(closed[: len(states)])
    else:
        assert text == ""


def _close(view: LiveView, site: str) -> None:
    live = view.sites[site]
    live.snapshot = replace(live.snapshot, status=SiteStatus.CLOSED)


def test_a_sign_decides_by_its_own_settings(view: LiveView) -> None:
    loaded = everything(street("v" * 40 + "o"), confirmed_s_ago=0)
    settings = {"most": 30, "poll_s": 45, "multi": "[fo2]"}
    loaded.signs.append(SignFacts(id="own", sites=("queen-street",), settings=settings))
    view.replace(loaded)
    told = json.loads(Answers(view, SignRules(poll_s=20)).sign("own").body)
    assert (told["text"], told["poll_after_s"], told["multi"]) == ("30", 45, "[fo2]30")
