"""What a driver reads of a site, and that it is never more than is known."""

from dataclasses import replace
from datetime import timedelta

import pytest
from jinja2 import Environment

from api.live import LiveView
from api.pages.language import Language, load_languages
from api.pages.site import About, Page, code
from api.pages.words import SiteList, site_list
from parking.model import SiteStatus
from tests.support.live import NOW, everything, street


def in_language(language: Language) -> Page:
    """A page to put words on; nothing is rendered."""
    return Page(language, "/sites", About(publisher="", contact="", navigation_url=""), Environment())


def listed(view: LiveView, language: int = 0) -> SiteList:
    """The list of sites, in English or another language."""
    return site_list(view, in_language(load_languages()[language]), NOW)


@pytest.mark.parametrize(
    ("states", "tone", "headline", "detail"),
    [
        ("vvo", "free", "2 free", "of 3 spaces"),
        ("vou", "free", "1 free", "of 3 spaces, 1 not known"),
        ("oo", "full", "Full", "of 2 spaces"),
        ("ou", "unknown", "None known free", "of 2 spaces, 1 not known"),
        ("uu", "unknown", "Not known", "none of 2 spaces reports"),
        ("", "unknown", "Not known", "none of 0 spaces reports"),
    ],
)
def test_a_fresh_number_in_words(view: LiveView, states: str, tone: str, headline: str, detail: str) -> None:
    view.replace(everything(street(states)))
    (line,) = listed(view).lines
    assert (line.tone, line.headline, line.detail) == (tone, headline, detail)


@pytest.mark.parametrize(
    ("states", "age", "detail"),
    [
        ("vvo", timedelta(minutes=5), "no news since 11:55, when 2 of 3 spaces were known to be free"),
        ("uu", timedelta(minutes=5), "no news since 11:55"),
        (
            "o",
            timedelta(days=2),
            "no news since 12:00 on 27 February, when 0 of 1 space was known to be free",
        ),
    ],
)
def test_a_stale_number_is_not_known_but_what_was_last_known_is_said(
    view: LiveView, states: str, age: timedelta, detail: str
) -> None:
    view.replace(everything(street(states, age_s=age.total_seconds())))
    page = listed(view)
    assert page.stale
    assert [(line.tone, line.headline, line.detail) for line in page.lines] == [
        ("unknown", "Not known", detail)
    ]


def test_a_closed_site_is_closed_however_old_the_number(view: LiveView) -> None:
    (facts, number), bays = street("v", age_s=3600)
    view.replace(everything(((facts, replace(number, status=SiteStatus.CLOSED)), bays)))
    assert listed(view).lines[0].headline == "Closed"


def test_times_are_told_in_the_sites_own_zone(view: LiveView) -> None:
    (facts, number), bays = street("v", age_s=60)
    for zone, clock in (("Europe/Athens", "13:59"), ("No/Such", "11:59"), ("../etc/passwd", "11:59")):
        view.replace(everything(((replace(facts, timezone=zone), number), bays)))
        assert listed(view).clock == clock


def test_sites_are_listed_by_name(view: LiveView) -> None:
    view.replace(everything(street("v", site="b"), street("v", site="A"), street("v", site="c")))
    assert [line.name for line in listed(view).lines] == ["A", "B", "C"]


def test_without_sites_there_is_nothing_old(view: LiveView) -> None:
    view.replace(everything())
    page = listed(view)
    assert (page.lines, page.as_of, page.stale) == ([], None, False)


def test_code_in_texts_is_marked_and_all_else_escaped() -> None:
    assert code("a `b<c>` & d") == "a <code>b&lt;c&gt;</code> &amp; d"
