"""The rule for what a variable message sign shows: a number, FULL, CLOSED or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.model import SiteStatus, Snapshot

BLANK = ""
FULL = "FULL"
CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRules:
    """How one sign decides. `trust` is the least share of its spaces that must report (0..1).

    `valid_s` is how long a controller may show an answer, `poll_s` when it should ask again (seconds).
    """

    trust: float = 0.75
    valid_s: int = 60
    poll_s: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SignMessage:
    """What a sign shows until `valid_until`; after that a controller blanks itself."""

    sign: str
    text: str
    valid_until: datetime
    poll_after_s: int
    revision: int
    reason: str


def sign_message(
    sign: str, sites: Sequence[Snapshot], *, now: datetime, stale: bool, rules: SignRules
) -> SignMessage:
    """What `sign` shows for the sites it speaks of. It never shows a number that is not known to be true."""
    text, reason = _decide(sites, stale=stale, trust=rules.trust)
    return SignMessage(
        sign=sign,
        text=text,
        valid_until=now + timedelta(seconds=rules.valid_s),
        poll_after_s=rules.poll_s,
        revision=sum(site.revision for site in sites),
        reason=reason,
    )


def _decide(sites: Sequence[Snapshot], *, stale: bool, trust: float) -> tuple[str, str]:
    if not sites:
        return BLANK, "no site is assigned to this sign"
    open_sites = [site for site in sites if site.status is SiteStatus.OPEN]
    if not open_sites:
        return CLOSED, "closed"
    if stale:
        return BLANK, "the number is too old to be shown"
    capacity = sum(site.capacity for site in open_sites)
    known = capacity - sum(site.unknown for site in open_sites)
    if capacity == 0 or known < trust * capacity:
        return BLANK, f"only {known} of {capacity} spaces report; {trust:.0%} must"
    vacant = sum(site.vacant for site in open_sites)
    if vacant == 0:
        return FULL, "no space is known to be free"
    return str(vacant), f"{known} of {capacity} spaces report"
