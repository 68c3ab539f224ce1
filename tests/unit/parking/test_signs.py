"""What a sign shows: never a number that is not known to be true."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.model import SiteStatus, Snapshot
from parking.signs import BLANK, CLOSED, FULL, SignRules, sign_message
from tests.support.snapshots import NOON, snapshot_of


def shows(sites: Sequence[Snapshot], *, stale: bool = False, trust: float = 0.75) -> str:
    """The text for these sites."""
    return sign_message("vms", sites, now=NOON, stale=stale, rules=SignRules(trust=trust)).text


snapshots = st.lists(
    st.builds(
        snapshot_of,
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        status=st.sampled_from(SiteStatus),
    ),
    max_size=4,
)


@given(snapshots, st.booleans(), st.floats(0, 1))
def test_a_number_is_shown_only_of_open_fresh_and_trusted_sites(
    sites: list[Snapshot], stale: bool, trust: float
) -> None:
    text = shows(sites, stale=stale, trust=trust)
    assert text in (BLANK, FULL, CLOSED) or text.isdecimal()
    open_sites = [one for one in sites if one.status is SiteStatus.OPEN]
    capacity = sum(one.capacity for one in open_sites)
    known = capacity - sum(one.unknown for one in open_sites)
    if text.isdecimal():
        assert not stale
        assert capacity > 0
        assert known >= trust * capacity
        assert int(text) == sum(one.vacant for one in open_sites) > 0
    if text == FULL:
        assert not stale
        assert sum(one.vacant for one in open_sites) == 0
    assert (text == CLOSED) == (bool(sites) and not open_sites)


@pytest.mark.parametrize(
    ("sites", "text"),
    [
        ([], BLANK),
        ([snapshot_of(3, 1)], "3"),
        ([snapshot_of(3, 1), snapshot_of(4, 4)], "7"),
        ([snapshot_of(3, 1), snapshot_of(4, 4, status=SiteStatus.CLOSED)], "3"),
        ([snapshot_of(3, 1, status=SiteStatus.CLOSED)], CLOSED),
        ([snapshot_of(0, 4)], FULL),
        ([snapshot_of(0, 3, 1)], FULL),
        ([snapshot_of(1, 1, 2)], BLANK),
        ([snapshot_of(0, 0, 4)], BLANK),
        ([snapshot_of()], BLANK),
    ],
)
def test_examples(sites: list[Snapshot], text: str) -> None:
    assert shows(sites) == text


def test_a_stale_number_blanks_the_sign_and_says_why() -> None:
    rules = SignRules(valid_s=60, poll_s=20)
    message = sign_message("vms", [snapshot_of(3, 1, revision=3)], now=NOON, stale=True, rules=rules)
    assert (message.text, message.reason) == (BLANK, "the number is too old to be shown")
    assert (message.valid_until, message.poll_after_s) == (NOON + timedelta(seconds=60), 20)
    assert message.revision == 3
