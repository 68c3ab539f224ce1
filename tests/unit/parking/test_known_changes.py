"""What a sign is told holds until `valid_until`: through closing times, closures, schedules and overrides."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parking.known_changes import AHEAD, LAG, Interval, SiteTimes, next_change, schedule_times
from parking.model import SiteStatus
from parking.opening import opening_hours
from parking.sign_rules import Hours, Mode, Override, SignRules
from parking.signs import SignMessage, decide, message_of
from tests.support.snapshots import snapshot_of

ZONE = "Europe/London"
MINUTE = timedelta(minutes=1)
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When the clocks in London go back."""
SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
HOURS = st.sampled_from([None, "Mo-Su 00:30-01:45", "Mo-Fr 07:00-19:00", "Mo-Su 23:00-02:15", "24/7", "off"])
MOMENTS = st.builds(
    lambda base, minutes: base + minutes * MINUTE,
    st.sampled_from([AUTUMN, SPRING, datetime(2026, 6, 3, 18, 0, tzinfo=UTC)]),
    st.integers(-180, 180),
)


@st.composite
def closures(draw: st.DrawFn) -> list[Interval]:
    """Some closures, of which some have no end."""
    found: list[Interval] = []
    for start in draw(st.lists(MOMENTS, max_size=3)):
        lasts = draw(st.none() | st.integers(1, 200))
        found.append((start, None if lasts is None else start + lasts * MINUTE))
    return found


def closed(hours: str | None, ends: list[Interval], at: datetime) -> bool:
    """By the definition."""
    shut = any(start <= at and (end is None or at < end) for start, end in ends)
    return shut or (hours is not None and not opening_hours(hours, ZONE).is_open(at))


def status(hours: str | None, ends: list[Interval], at: datetime) -> SiteStatus:
    return SiteStatus.CLOSED if closed(hours, ends, at) else SiteStatus.OPEN


@settings(deadline=None, max_examples=200)
@given(hours=HOURS, ends=closures(), now=MOMENTS, later=st.integers(0, 240))
@example(hours="Mo-Su 00:30-01:45", ends=[], now=AUTUMN - 10 * MINUTE, later=0)
def test_the_next_change_is_the_first_at_which_it_opens_or_closes(
    hours: str | None, ends: list[Interval], now: datetime, later: int
) -> None:
    times = SiteTimes(hours, ZONE, ends)
    for at in (now, now + later * MINUTE):  # the second time from what is remembered of the first
        was = closed(hours, ends, at)
        steps = (at + step * MINUTE for step in range(1, AHEAD // MINUTE + 1))
        first = next((step for step in steps if closed(hours, ends, step) is not was), None)
        assert times.next_change(at) == first


def told(
    now: datetime, hours: str | None, ends: list[Interval], rules: SignRules, override: Override | None
) -> SignMessage:
    """What a sign of one site is told at a time, whose status is published as it is."""
    now_is = status(hours, ends, now)
    decision = decide(
        [snapshot_of(9, 9, status=now_is)], now=now, stale=False, rules=rules, override=override
    )
    changes_at = next_change(
        now,
        rules=rules,
        override=override,
        sites=[(SiteTimes(hours, ZONE, ends), now_is)],
        schedule=schedule_times(rules),
    )
    return message_of("vms", decision, now=now, rules=rules, changes_at=changes_at)


@settings(deadline=None, max_examples=200)
@given(
    hours=HOURS,
    ends=closures(),
    now=MOMENTS,
    valid_s=st.sampled_from([5, 60, 3600]),
    mode=st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.AUTO, Mode.FULL]),
    schedule=st.sampled_from([None, "Mo-Su 01:15-01:30", "22:00-06:00"]),
    override_min=st.none() | st.integers(-30, 90),
)
def test_what_a_sign_is_told_holds_until_valid_until(
    hours: str | None,
    ends: list[Interval],
    now: datetime,
    valid_s: int,
    mode: Mode,
    schedule: str | None,
    override_min: int | None,
) -> None:
    rules = SignRules(
        valid_s=valid_s,
        poll_s=4,
        mode=mode,
        schedule=() if schedule is None else (Hours(hours=schedule),),
        timezone=ZONE,
    )
    override = None
    if override_min is not None:
        until = now + override_min * MINUTE
        override = Override(text="CLOSED", until=until, reason="a parade", made_by="Ann", made_at=now)
    message = told(now, hours, ends, rules, override)
    assert now < message.valid_until <= now + timedelta(seconds=valid_s)
    assert 1 <= message.poll_after_s <= rules.poll_s
    at = now
    while at < message.valid_until:
        assert told(at, hours, ends, rules, override).text == message.text, at
        at += MINUTE


def test_it_is_asked_for_again_once_it_has_changed() -> None:
    closing = datetime(2026, 6, 3, 18, tzinfo=UTC)  # 19:00 in London
    message = told(closing - timedelta(seconds=7.5), "Mo-Fr 07:00-19:00", [], SignRules(), None)
    assert (message.text, message.valid_until, message.poll_after_s) == ("9", closing, 8)


@pytest.mark.parametrize(
    ("after_s", "published", "due"),
    [
        (0, SiteStatus.OPEN, True),
        (5, SiteStatus.OPEN, True),
        (5, SiteStatus.CLOSED, False),
        (-1, SiteStatus.OPEN, False),
        (LAG.total_seconds() + 1, SiteStatus.OPEN, False),
    ],
)
def test_a_change_that_is_not_published_yet_is_due_for_a_while(
    after_s: float, published: SiteStatus, due: bool
) -> None:
    closing = datetime(2026, 6, 3, 18, tzinfo=UTC)
    times = SiteTimes("Mo-Fr 07:00-19:00", ZONE)
    assert times.is_due(closing + timedelta(seconds=after_s), published) is due


def test_what_is_about_to_change_is_valid_for_a_moment() -> None:
    now = datetime(2026, 6, 3, 18, tzinfo=UTC)
    decision = decide([snapshot_of(9, 9)], now=now, stale=False, rules=SignRules())
    message = message_of("vms", decision, now=now, rules=SignRules(), changes_at=now)
    assert (message.valid_until, message.poll_after_s) == (now + timedelta(seconds=1), 1)
