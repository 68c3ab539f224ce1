"""The whole engine: thresholds with hysteresis, bounds, words, lines, modes, schedules, overrides, memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from parking.model import SiteStatus, Snapshot
from parking.sign_rules import Hours, Layout, Mode, Override, Show, SignRules, Texts, Thresholds
from parking.signs import BLANK, Decision, Memory, Why, decide, message_of, recall
from tests.support.snapshots import NOON, snapshot_of

HYSTERESIS = Thresholds(
    full_increasing=2, full_decreasing=5, almost_full_increasing=10, almost_full_decreasing=15
)


def free(vacant: int, *, revision: int = 1) -> Snapshot:
    """A street of a thousand bays of which so many are free."""
    return snapshot_of(vacant, 1000 - vacant, revision=revision)


def play(
    rules: SignRules, history: Sequence[Snapshot | Sequence[Snapshot]], *, every_s: float = 1.0
) -> list[Decision]:
    """What a sign shows through a history, a moment after the other."""
    shown: list[Decision] = []
    memory: Memory = {}
    for number, sites in enumerate(history):
        decision = decide(
            [sites] if isinstance(sites, Snapshot) else sites,
            now=NOON + timedelta(seconds=number * every_s),
            stale=False,
            rules=rules,
            memory=memory,
        )
        memory = decision.memory
        shown.append(decision)
    return shown


def texts(rules: SignRules, *vacant: int, every_s: float = 1.0) -> list[str]:
    """What it shows while so many are free, one after the other."""
    return [one.text for one in play(rules, [free(number) for number in vacant], every_s=every_s)]


def test_full_comes_at_one_threshold_and_goes_at_another() -> None:
    rules = SignRules(thresholds=HYSTERESIS)
    assert texts(rules, 20, 3, 2, 3, 5, 6, 5, 3, 2) == [
        "20",
        "3",
        "FULL",
        "FULL",
        "FULL",
        "6",
        "5",
        "3",
        "FULL",
    ]


def test_almost_full_has_hysteresis_too() -> None:
    rules = SignRules(show=Show.WORD, thresholds=HYSTERESIS)
    almost = "ALMOST FULL"
    assert texts(rules, 16, 11, 10, 15, 16, 11) == ["SPACES", "SPACES", almost, almost, "SPACES", "SPACES"]
    assert texts(rules, 2, 6, 16) == ["FULL", almost, "SPACES"]


def test_a_word_becomes_a_number_when_spaces_are_few() -> None:
    rules = SignRules(show=Show.NUMBER_WHEN_FEW, thresholds=HYSTERESIS)
    assert texts(rules, 40, 10, 15, 16, 1) == ["SPACES", "10", "15", "SPACES", "FULL"]


@pytest.mark.parametrize(
    ("rules", "vacant", "text"),
    [
        (SignRules(most=99), 250, "99"),
        (SignRules(least=5), 4, "FULL"),
        (SignRules(least=5), 5, "5"),
        (SignRules(offset=-10), 25, "15"),
        (SignRules(offset=-10), 10, "FULL"),
        (SignRules(offset=5), 10, "15"),
        (SignRules(round_to=10), 79, "70"),
        (SignRules(round_to=10, round_from=50), 49, "49"),
        (SignRules(round_to=10), 9, "9"),
        (SignRules(round_to=10, least=5), 14, "10"),
        (SignRules(show=Show.WORD), 14, "SPACES"),
        (SignRules(texts=Texts(full="NO SPACES")), 0, "NO SPACES"),
        (SignRules(permitted=("FULL",), texts=Texts(full="NO SPACES")), 0, BLANK),
    ],
)
def test_bounds_offset_rounding_and_words(rules: SignRules, vacant: int, text: str) -> None:
    assert texts(rules, vacant) == [text]


def test_what_it_shows_stays_for_the_least_time() -> None:
    rules = SignRules(min_change_s=30)
    assert texts(rules, 9, 8, 7, 6, 6, every_s=10) == ["9", "9", "9", "6", "6"]


def test_a_number_that_is_held_tells_its_own_revision() -> None:
    rules = SignRules(min_change_s=30)
    history = [free(9, revision=4), free(8, revision=5), free(9, revision=6)]
    assert [(one.text, one.revision) for one in play(rules, history)] == [("9", 4), ("9", 4), ("9", 6)]


def test_closed_does_not_wait_and_opening_again_does_not_either() -> None:
    rules = SignRules(min_change_s=300)
    closed = replace(free(9), status=SiteStatus.CLOSED)
    assert [one.text for one in play(rules, [free(9), closed, free(8)])] == ["9", "CLOSED", "8"]


def test_a_group_has_a_line_for_each_site_with_its_label() -> None:
    rules = SignRules(layout=Layout.EACH, labels={"north": "NORTH", "south": "SOUTH"})
    sites = [
        snapshot_of(3, 1, id="north"),
        snapshot_of(0, 4, id="south"),
        snapshot_of(2, 2, id="west", status=SiteStatus.CLOSED),
    ]
    (decision,) = play(rules, [sites])
    assert decision.lines == ("NORTH 3", "SOUTH FULL", "CLOSED")
    message = message_of("vms", decision, now=NOON, rules=rules)
    assert message.text == "NORTH 3\nSOUTH FULL\nCLOSED"
    assert message.multi == "[jp3][jl3]NORTH 3[nl]SOUTH FULL[nl]CLOSED"
    assert decision.reason == (
        "north: 4 of 4 spaces report; south: no space is known to be free; west: closed"
    )


def test_an_untrusted_line_says_nothing_and_a_sign_of_such_lines_is_blank() -> None:
    rules = SignRules(layout=Layout.EACH, labels={"north": "NORTH"})
    (decision,) = play(rules, [[snapshot_of(3, 1, id="north"), snapshot_of(1, 0, 9, id="south")]])
    assert (decision.lines, decision.why) == (("NORTH 3", ""), Why.UNTRUSTED)
    (decision,) = play(rules, [[snapshot_of(1, 0, 9, id="north"), snapshot_of(1, 0, 9, id="south")]])
    assert decision.lines == (BLANK,)


@pytest.mark.parametrize(
    ("mode", "text"),
    [(Mode.BLANK, BLANK), (Mode.FULL, "FULL"), (Mode.CLOSED, "CLOSED"), (Mode.TEST, "TEST")],
)
def test_a_mode_goes_before_the_numbers(mode: Mode, text: str) -> None:
    (decision,) = play(SignRules(mode=mode), [free(9)])
    assert (decision.text, decision.why) == (text, Why.MODE)


def test_a_schedule_holds_in_the_time_zone_of_the_sites() -> None:
    rules = SignRules(schedule=(Hours(hours="22:00-06:00"),), timezone="Europe/London")
    night, morning = datetime(2026, 7, 1, 21, 30, tzinfo=UTC), datetime(2026, 7, 1, 5, tzinfo=UTC)
    assert [decide([free(9)], now=at, stale=False, rules=rules).text for at in (night, morning)] == [
        BLANK,
        "9",
    ]


def override(text: str) -> Override:
    """An operator's, for an hour from noon."""
    until = NOON + timedelta(hours=1)
    return Override(text=text, until=until, reason="a parade", made_by="Ann", made_at=NOON)


def test_an_override_goes_before_all_else_until_it_ends() -> None:
    def shows(at: datetime) -> Decision:
        return decide(
            [free(9)], now=at, stale=True, rules=SignRules(mode=Mode.TEST), override=override("FULL")
        )

    assert (shows(NOON).text, shows(NOON).why) == ("FULL", Why.OVERRIDE)
    assert "Ann" not in shows(NOON).reason
    assert shows(NOON + timedelta(hours=1)).why is Why.MODE


def test_what_is_recalled_is_what_was_decided_however_the_numbers_have_moved_on() -> None:
    rules = SignRules(thresholds=HYSTERESIS)
    decided = play(rules, [free(9, revision=1), free(2, revision=2), free(4, revision=3)])[-1]
    again = recall([free(7, revision=4)], now=NOON, stale=False, rules=rules, memory=decided.memory)
    assert (again.text, again.revision) == ("FULL", 3)
    shut = recall(
        [replace(free(7, revision=5), status=SiteStatus.CLOSED)],
        now=NOON,
        stale=False,
        rules=rules,
        memory=decided.memory,
    )
    assert (shut.text, shut.revision) == ("CLOSED", 5)


def test_without_a_memory_there_is_nothing_to_recall() -> None:
    told = recall([free(7)], now=NOON, stale=False, rules=SignRules(min_change_s=9), memory={})
    assert (told.text, told.why) == (BLANK, Why.UNDECIDED)


def test_what_the_rules_permit_no_more_is_not_recalled() -> None:
    memory = play(SignRules(min_change_s=9), [free(700)])[0].memory
    told = recall([free(700)], now=NOON, stale=False, rules=SignRules(min_change_s=9, most=99), memory=memory)
    assert told.text == BLANK


def thresholds() -> st.SearchStrategy[Thresholds]:
    """Any that are in order, with or without almost full."""

    def ordered(values: list[int], almost: bool) -> Thresholds:
        a, b, c, d = sorted(values)
        return Thresholds(
            full_increasing=a,
            full_decreasing=b,
            almost_full_increasing=c + 1 if almost else None,
            almost_full_decreasing=d + 1 if almost else None,
        )

    return st.builds(ordered, st.lists(st.integers(0, 60), min_size=4, max_size=4), st.booleans())


RULES = st.builds(
    SignRules,
    trust=st.floats(0, 1),
    show=st.sampled_from(Show),
    layout=st.sampled_from(Layout),
    least=st.integers(1, 20),
    most=st.none() | st.integers(20, 80),
    offset=st.integers(-30, 30),
    round_to=st.integers(1, 20),
    round_from=st.integers(0, 40),
    thresholds=thresholds(),
    min_change_s=st.integers(0, 20),
    permitted=st.none() | st.lists(st.sampled_from(["SPACES", "FULL", "CLOSED", "TEST"])).map(tuple),
)
SITES = st.lists(
    st.builds(
        snapshot_of,
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        status=st.sampled_from(SiteStatus),
    ),
    max_size=3,
).map(lambda sites: [replace(one, site_id=f"s{n}", revision=n + 1) for n, one in enumerate(sites)])
MOMENTS = st.lists(st.tuples(SITES, st.booleans()), min_size=1, max_size=8)


@given(RULES, MOMENTS)
def test_through_any_history_no_number_is_shown_when_closed_stale_or_untrusted(
    rules: SignRules, moments: list[tuple[list[Snapshot], bool]]
) -> None:
    memory: Memory = {}
    for number, (sites, stale) in enumerate(moments):
        now = NOON + timedelta(seconds=5 * number)
        decision = decide(sites, now=now, stale=stale, rules=rules, memory=memory)
        recalled = recall(sites, now=now, stale=stale, rules=rules, memory=memory)
        for told in (decision, recalled):
            check_lines(told, sites, stale, rules)
        memory = decision.memory


def check_lines(told: Decision, sites: list[Snapshot], stale: bool, rules: SignRules) -> None:
    """Each line by itself is permitted, and a number only where it may be."""
    groups = [sites] if rules.layout is Layout.SUM else [[one] for one in sites]
    for line, group in zip(told.lines, groups if len(told.lines) > 1 else [sites], strict=True):
        assert rules.permits(line), line
        if not line.isdecimal():
            continue
        group = group if len(told.lines) > 1 or rules.layout is Layout.SUM else groups[0]
        open_sites = [one for one in group if one.status is SiteStatus.OPEN]
        capacity = sum(one.capacity for one in open_sites)
        known = capacity - sum(one.unknown for one in open_sites)
        assert not stale
        assert capacity > 0
        assert known >= rules.trust * capacity
        assert rules.least <= int(line) <= (rules.most or int(line))


@given(
    at=thresholds(),
    show=st.sampled_from(Show),
    least=st.integers(1, 5),
    start=st.integers(0, 200),
    noise=st.lists(st.integers(0, 10**6), min_size=1, max_size=40),
    which=st.booleans(),
)
def test_noise_within_a_hysteresis_band_changes_no_word(
    at: Thresholds, show: Show, least: int, start: int, noise: list[int], which: bool
) -> None:
    rules = SignRules(thresholds=at, show=show, least=least)
    low, high = at.full_increasing, at.full_decreasing
    if which and at.almost_full_increasing is not None and at.almost_full_decreasing is not None:
        low, high = at.almost_full_increasing, at.almost_full_decreasing
    low = max(low, least - 1)
    assume(high > low)
    within = [low + 1 + value % (high - low) for value in noise]
    decisions = play(rules, [free(vacant) for vacant in (start, within[0], *within)])
    kinds = {Why.FULL if one.why is Why.FULL else one.why for one in decisions[1:]}
    assert len(kinds) == 1, "the state is the one that it came in with"
    if show is Show.WORD:
        assert len({one.text for one in decisions[1:]}) == 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 60), thresholds())
def test_two_changes_are_never_closer_than_the_least_time(
    vacant: list[int], min_change_s: int, at: Thresholds
) -> None:
    shown = texts(SignRules(min_change_s=min_change_s, thresholds=at), *vacant, every_s=7)
    changes = [number * 7 for number, (a, b) in enumerate(pairwise(shown), 1) if a != b]
    assert all(b - a >= min_change_s for a, b in pairwise(changes))


@given(RULES, MOMENTS)
def test_to_decide_again_on_the_same_numbers_changes_nothing(
    rules: SignRules, moments: list[tuple[list[Snapshot], bool]]
) -> None:
    memory: Memory = {}
    for number, (sites, stale) in enumerate(moments):
        now = NOON + timedelta(seconds=5 * number)
        once = decide(sites, now=now, stale=stale, rules=rules, memory=memory)
        twice = decide(sites, now=now, stale=stale, rules=rules, memory=once.memory)
        assert twice == once
        memory = once.memory


@given(RULES, SITES, st.integers(1, 5), st.booleans())
def test_a_sign_without_memory_recalls_what_anybody_decides(
    rules: SignRules, sites: list[Snapshot], revision: int, stale: bool
) -> None:
    rules = replace(rules, min_change_s=0, thresholds=Thresholds())
    assert not rules.remembers
    decision = decide(sites, now=NOON, stale=stale, rules=rules)
    other = decide(sites, now=NOON + timedelta(hours=1), stale=stale, rules=rules)
    assert (decision.text, decision.revision) == (other.text, other.revision)
