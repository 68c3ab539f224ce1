"""What a sign shows: never a number that is not known to be true."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.availability import count_bays
from parking.model import SiteStatus, Snapshot
from parking.signs import BLANK, CLOSED, FULL, SignRules, sign_message

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def site(
    vacant: int = 0, occupied: int = 0, unknown: int = 0, *, status: SiteStatus = SiteStatus.OPEN
) -> Snapshot:
    """The snapshot of a street."""
    counts = count_bays(vacant=vacant, occupied=occupied, unknown=unknown)
    return Snapshot(
        site_id="street",
        revision=3,
        status=status,
        capacity=counts.capacity,
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        free_min=counts.free_min,
        free_max=counts.free_max,
        as_of=NOON,
    )


def shows(sites: Sequence[Snapshot], *, stale: bool = False, trust: float = 0.75) -> str:
    """The text for these sites."""
    return sign_message("vms", sites, now=NOON, stale=stale, rules=SignRules(trust=trust)).text


snapshots = st.lists(
    st.builds(
        site,
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
        ([site(3, 1)], "3"),
        ([site(3, 1), site(4, 4)], "7"),
        ([site(3, 1), site(4, 4, status=SiteStatus.CLOSED)], "3"),
        ([site(3, 1, status=SiteStatus.CLOSED)], CLOSED),
        ([site(0, 4)], FULL),
        ([site(0, 3, 1)], FULL),
        ([site(1, 1, 2)], BLANK),
        ([site(0, 0, 4)], BLANK),
        ([site()], BLANK),
    ],
)
def test_examples(sites: list[Snapshot], text: str) -> None:
    assert shows(sites) == text


def test_a_stale_number_blanks_the_sign_and_says_why() -> None:
    rules = SignRules(valid_s=60, poll_s=20)
    message = sign_message("vms", [site(3, 1)], now=NOON, stale=True, rules=rules)
    assert (message.text, message.reason) == (BLANK, "the number is too old to be shown")
    assert (message.valid_until, message.poll_after_s) == (NOON + timedelta(seconds=60), 20)
    assert message.revision == 3
