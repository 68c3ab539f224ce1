"""The day's curve: lines where something is known, holes where not, and tables that say the same."""

import re
from array import array
from datetime import UTC, datetime, timedelta
from math import nan
from zoneinfo import ZoneInfo

from jinja2 import Environment

from api.pages.curve import BOTTOM, HEIGHT, TOP, Curve, chance_words, curve
from api.pages.language import load_languages
from api.pages.site import About, Page
from parking.db.outlooks import SiteDay
from parking.outlook import Outlook, OutlookPoint

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 6, 3, 12, 0, tzinfo=LONDON)
MIDNIGHT = NOON.replace(hour=0)


def page() -> Page:
    return Page(
        load_languages()[0], "/sites/a", About(publisher="", contact="", navigation_url=""), Environment()
    )


def outlook(*, distrust: str | None = None) -> Outlook:
    points = tuple(
        OutlookPoint(
            at=NOON + timedelta(minutes=minutes), free=40 - minutes / 60, low=30.4, high=50.6, chance=0.998
        )
        for minutes in (5, 30, 60, 120, 360, 840, 1440)
    )
    return Outlook(
        site="a", made_at=NOON, capacity=100, points=points, basis="history", why="As usual.",
        trusted=distrust is None, distrust=distrust,
    )  # fmt: skip


def day(*, begins: datetime = MIDNIGHT) -> SiteDay:
    quarters = [quarter for quarter in range(48) if not 20 <= quarter < 28]
    return SiteDay(
        begins.astimezone(UTC),
        array("f", [nan if slot < 8 else 50.0 for slot in range(96)]),
        array("i", [quarter * 900 for quarter in quarters]),
        array("f", [100.0 if quarter == 0 else 60.0 for quarter in quarters]),
    )


def made(told: Outlook | None, today: SiteDay | None) -> Curve:
    found = curve(page(), told, today, timezone="Europe/London", capacity=100, now=NOON)
    assert found is not None
    return found


def test_lines_have_holes_where_nothing_is_known() -> None:
    found = made(outlook(), day())
    assert found.counted.count("M") == 2, "a spell of two hours without counts is not drawn over"
    assert found.usual.count("M") == 1
    assert len(re.findall("[ML]", found.usual)) == 96 - 8
    assert found.ahead.startswith("M")
    assert len(re.findall("[ML]", found.ahead)) == 5, "what lies after midnight is not in today's plot"
    assert found.band.endswith("Z")


def test_the_top_is_the_capacity_and_the_bottom_nothing_free() -> None:
    found = made(outlook(), day())
    assert found.counted.startswith(f"M44.0 {float(TOP)}")
    top, bottom = found.spaces[-1], found.spaces[0]
    assert (top.label, top.at) == ("100", TOP)
    assert (bottom.label, bottom.at) == ("0", HEIGHT - BOTTOM)


def test_the_tables_say_the_same_in_local_time() -> None:
    found = made(outlook(), day())
    assert [(row.at, row.ahead) for row in found.expected][:3] == [
        ("12:15", "in 15 minutes"),
        ("12:30", "in 30 minutes"),
        ("13:00", "in 1 hour"),
    ]
    assert (found.expected[2].free, found.expected[2].between, found.expected[2].chance) == (
        "39",
        "30 to 51",
        "over 99\u00a0%",
    )
    assert [row.hour for row in found.rows] == [f"{hour:02}:00" for hour in range(24)]
    assert [
        (row.counted, row.usual, row.expected) for row in (found.rows[5], found.rows[8], found.rows[13])
    ] == [
        ("", "50", ""),
        ("60", "50", ""),
        ("", "50", "39 (30 to 51)"),
    ]


def test_the_curve_of_another_day_is_not_shown_as_todays() -> None:
    found = made(outlook(), day(begins=MIDNIGHT - timedelta(days=1)))
    assert (found.counted, found.usual) == ("", "")
    assert found.drawn


def test_nothing_foretold_is_no_section_and_distrust_is_said() -> None:
    assert curve(page(), None, day(), timezone="Europe/London", capacity=100, now=NOON) is None
    assert made(outlook(distrust="The plain count is shown."), None).distrust == "The plain count is shown."


def test_a_chance_is_never_told_as_certain() -> None:
    assert [chance_words(page(), chance) for chance in (0.0, 0.004, 0.5, 0.98, 1.0)] == [
        "0 %",
        "under 1 %",
        "50 %",
        "98 %",
        "over 99 %",
    ]
