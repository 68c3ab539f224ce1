"""What a variable message sign shows: a number, a word of its list, or nothing.

Theory of operation. Some things need no memory, and go before all else: what an operator has set, the sign's
mode, its schedule, that its sites are closed, that nobody vouches for the numbers, that too few spaces
report. Whoever knows the present numbers decides them alike. The rest has a memory: the thresholds with
their hysteresis, and the least time between changes. `decide` takes the memory of a sign's lines and gives
the next; one process does that and writes it down, all others `recall` what is written.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from parking.model import SiteStatus, Snapshot
from parking.multi import multi
from parking.opening import opening_hours
from parking.sign_rules import (
    BLANK,
    CLOSED,
    FULL,
    Layout,
    Mode,
    Override,
    Show,
    SignRules,
    Thresholds,
)

__all__ = [
    "BLANK", "CLOSED", "FULL", "Band", "Decision", "LineMemory", "SignMessage", "SignRules", "Why", "decide",
    "message_of", "recall", "sign_message",
]  # fmt: skip


MOMENT_S = 1.0
"""So long is valid what is about to change."""


class Why(StrEnum):
    """Why a sign shows what it shows."""

    SPACES = "spaces"
    ALMOST_FULL = "almost_full"
    FULL = "full"
    CLOSED = "closed"
    STALE = "stale"
    UNTRUSTED = "untrusted"
    OVERRIDE = "override"
    MODE = "mode"
    SCHEDULE = "schedule"
    UNASSIGNED = "unassigned"
    UNDECIDED = "undecided"


class Band(StrEnum):
    """Where the free spaces are between the thresholds."""

    SPACES = "spaces"
    ALMOST_FULL = "almost_full"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMemory:
    """A line of a sign: its band, and what it shows since `changed_at`, as of a revision of its sites.

    `text` is None while it showed something that does not come of the numbers; then what comes next need not
    wait.
    """

    band: Band
    text: str | None
    why: Why
    reason: str
    revision: int
    changed_at: datetime


Memory = Mapping[str, LineMemory]
"""The lines of a sign: by site id, or under the empty text for the sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a sign shows, line by line, as of a revision (the sum of its sites'), and why; and its memory."""

    lines: tuple[str, ...]
    why: Why
    reason: str
    revision: int
    memory: Memory = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignMessage:
    """What a sign shows until `valid_until`; after that a controller blanks itself."""

    sign: str
    text: str
    valid_until: datetime
    poll_after_s: int
    revision: int
    reason: str
    why: Why
    multi: str


def sign_message(
    sign: str, sites: Sequence[Snapshot], *, now: datetime, stale: bool, rules: SignRules
) -> SignMessage:
    """What `sign` shows for the sites it speaks of, by a sign that has no memory."""
    return message_of(sign, decide(sites, now=now, stale=stale, rules=rules), now=now, rules=rules)


def message_of(
    sign: str, decision: Decision, *, now: datetime, rules: SignRules, changes_at: datetime | None = None
) -> SignMessage:
    """The decision as a controller is told it at `now`.

    It is valid no longer than until `changes_at`, when it is known to change, and then to be asked for anew;
    for MOMENT_S where it should have changed already.
    """
    valid_until = now + timedelta(seconds=rules.valid_s)
    poll_s = rules.poll_s
    if changes_at is not None:
        soonest = now + timedelta(seconds=MOMENT_S)
        valid_until = min(valid_until, changes_at if changes_at > now else soonest)
        poll_s = min(poll_s, math.ceil((valid_until - now).total_seconds()))
    return SignMessage(
        sign=sign,
        text=decision.text,
        valid_until=valid_until,
        poll_after_s=poll_s,
        revision=decision.revision,
        reason=decision.reason,
        why=decision.why,
        multi=multi(decision.lines, before=rules.multi),
    )


def decide(
    sites: Sequence[Snapshot],
    *,
    now: datetime,
    stale: bool,
    rules: SignRules,
    memory: Memory | None = None,
    override: Override | None = None,
) -> Decision:
    """The next decision. It never shows a number that is not known to be true."""

    def line(known: _Known, before: LineMemory | None) -> LineMemory:
        return _next(known, before, now=now, rules=rules)

    return _decide(
        sites, now=now, stale=stale, rules=rules, memory=memory or {}, override=override, line=line
    )


def recall(
    sites: Sequence[Snapshot],
    *,
    now: datetime,
    stale: bool,
    rules: SignRules,
    memory: Memory,
    override: Override | None = None,
) -> Decision:
    """What `decide` last decided, unless something that needs no memory goes before it."""

    def line(known: _Known, before: LineMemory | None) -> LineMemory:
        if before is None or before.text is None or not rules.permits(before.text):
            return _undecided(known, now)
        return before

    return _decide(sites, now=now, stale=stale, rules=rules, memory=memory, override=override, line=line)


@dataclass(frozen=True, slots=True)
class _Known:
    """The open sites of one line, taken together."""

    capacity: int
    reporting: int
    vacant: int
    revision: int

    @property
    def counted(self) -> str:
        return f"{self.reporting} of {self.capacity} spaces report"


_Line = Callable[[_Known, LineMemory | None], LineMemory]


def _decide(
    sites: Sequence[Snapshot],
    *,
    now: datetime,
    stale: bool,
    rules: SignRules,
    memory: Memory,
    override: Override | None,
    line: _Line,
) -> Decision:
    fixed = _fixed(sites, now=now, stale=stale, rules=rules, override=override)
    if fixed is not None:
        text, why, reason = fixed
        shown = text if rules.permits(text) or why is Why.OVERRIDE else BLANK
        kept = {key: replace(before, text=None) for key, before in memory.items()}
        revision = sum(site.revision for site in sites)
        return Decision(lines=(shown,), why=why, reason=reason, revision=revision, memory=kept)
    groups = {"": sites} if rules.layout is Layout.SUM else {site.site_id: [site] for site in sites}
    told = {
        key: _line(group, memory.get(key), now=now, rules=rules, line=line) for key, group in groups.items()
    }
    texts = {key: one.text if one.text is not None else _word(one.why, rules) for key, one in told.items()}
    return Decision(
        lines=_labelled(texts, rules),
        why=_main(told.values()).why,
        reason=_reason(told),
        revision=sum(one.revision for one in told.values()),
        memory=told,
    )


def _fixed(
    sites: Sequence[Snapshot], *, now: datetime, stale: bool, rules: SignRules, override: Override | None
) -> tuple[str, Why, str] | None:
    """What goes before all numbers: the text, why, and the reason; None where the numbers count."""
    if override is not None and override.holds(now):
        until = f"{override.until:%Y-%m-%d %H:%M} UTC"
        return override.text, Why.OVERRIDE, f"set by an operator until {until}: {override.reason}"
    if rules.mode is not Mode.AUTO:
        words = {Mode.FULL: rules.texts.full, Mode.CLOSED: rules.texts.closed, Mode.TEST: rules.texts.test}
        return words.get(rules.mode, BLANK), Why.MODE, f"its mode is {rules.mode}"
    for hours in rules.schedule:
        if opening_hours(hours.hours, rules.timezone).is_open(now):
            return hours.text, Why.SCHEDULE, f"its schedule says so: {hours.hours}"
    if not sites:
        return BLANK, Why.UNASSIGNED, "no site is assigned to this sign"
    if all(site.status is not SiteStatus.OPEN for site in sites):
        return rules.texts.closed, Why.CLOSED, "closed"
    if stale:
        return rules.texts.unknown, Why.STALE, "the number is too old to be shown"
    return None


def _line(
    sites: Sequence[Snapshot], before: LineMemory | None, *, now: datetime, rules: SignRules, line: _Line
) -> LineMemory:
    """One line: closed and untrusted need no memory, the rest is `line`'s."""
    revision = sum(site.revision for site in sites)
    at_rest = LineMemory(
        band=Band.SPACES if before is None else before.band,
        text=None,
        why=Why.CLOSED,
        reason="closed",
        revision=revision,
        changed_at=now,
    )
    open_sites = [site for site in sites if site.status is SiteStatus.OPEN]
    if not open_sites:
        return at_rest
    capacity = sum(site.capacity for site in open_sites)
    reporting = capacity - sum(site.unknown for site in open_sites)
    if capacity == 0 or reporting < rules.trust * capacity:
        reason = f"only {reporting} of {capacity} spaces report; {rules.trust:.0%} must"
        return replace(at_rest, why=Why.UNTRUSTED, reason=reason)
    vacant = sum(site.vacant for site in open_sites)
    return line(_Known(capacity, reporting, vacant, revision), before)


def _next(known: _Known, before: LineMemory | None, *, now: datetime, rules: SignRules) -> LineMemory:
    """The line's number or word, unless what it shows must stay a while."""
    free = known.vacant + rules.offset
    band = band_of(free, None if before is None else before.band, rules)
    text, why = _told(free, band, rules)
    changed_at = now
    if before is not None and before.text is not None and rules.permits(before.text):
        if before.text == text:
            changed_at = before.changed_at
        elif (now - before.changed_at).total_seconds() < rules.min_change_s:
            return replace(before, band=band)
    return LineMemory(
        band=band,
        text=text,
        why=why,
        reason=_counted(known, rules, why),
        revision=known.revision,
        changed_at=changed_at,
    )


def band_of(free: int, before: Band | None, rules: SignRules) -> Band:
    """The band of so many free spaces, coming from another: each threshold stands where it stood last."""
    at = _effective(rules)
    if free <= (at.full_decreasing if before is Band.FULL else at.full_increasing):
        return Band.FULL
    if at.almost_full_increasing is None or at.almost_full_decreasing is None:
        return Band.SPACES
    fuller = before in (Band.FULL, Band.ALMOST_FULL)
    limit = at.almost_full_decreasing if fuller else at.almost_full_increasing
    return Band.ALMOST_FULL if free <= limit else Band.SPACES


def _effective(rules: SignRules) -> Thresholds:
    """The thresholds: fewer than the least number that it may show is full."""
    at = rules.thresholds
    full = max(at.full_increasing, rules.least - 1)
    return replace(at, full_increasing=full, full_decreasing=max(at.full_decreasing, full))


def _told(free: int, band: Band, rules: SignRules) -> tuple[str, Why]:
    why = Why(band.value)
    if band is Band.FULL or rules.show is Show.WORD:
        return _allowed(_word(why, rules), rules), why
    if rules.show is Show.NUMBER_WHEN_FEW and band is Band.SPACES:
        return _allowed(rules.texts.spaces, rules), why
    return _allowed(str(_rounded(free, rules)), rules), why


def _rounded(free: int, rules: SignRules) -> int:
    """Rounded down, so that a sign never promises more than there is; never rounded to nothing."""
    if free >= rules.round_from:
        down = free - free % rules.round_to
        free = down if down >= rules.least else free
    return free if rules.most is None else min(free, rules.most)


def _allowed(text: str, rules: SignRules) -> str:
    return text if rules.permits(text) else BLANK


def _word(why: Why, rules: SignRules) -> str:
    words = {
        Why.SPACES: rules.texts.spaces,
        Why.ALMOST_FULL: rules.texts.almost_full,
        Why.FULL: rules.texts.full,
        Why.CLOSED: rules.texts.closed,
        Why.UNTRUSTED: rules.texts.unknown,
        Why.UNDECIDED: rules.texts.unknown,
    }
    return _allowed(words[why], rules)


def _counted(known: _Known, rules: SignRules, why: Why) -> str:
    if why is Why.FULL and known.vacant == 0:
        return "no space is known to be free"
    if why is Why.FULL:
        return f"{known.vacant} free is full for this sign; {known.counted}"
    return f"{known.vacant} free, {rules.offset:+}; {known.counted}" if rules.offset else known.counted


def _undecided(known: _Known, now: datetime) -> LineMemory:
    return LineMemory(
        band=Band.SPACES,
        text=None,
        why=Why.UNDECIDED,
        reason="it has not been decided yet what it shows",
        revision=known.revision,
        changed_at=now,
    )


def _labelled(texts: Mapping[str, str], rules: SignRules) -> tuple[str, ...]:
    """The lines with their labels; a sign none of whose lines says anything is blank as a whole."""
    if not any(texts.values()):
        return (BLANK,)
    return tuple(f"{rules.labels.get(key, '')} {text}".strip() for key, text in texts.items())


_RANK = (Why.UNDECIDED, Why.UNTRUSTED, Why.SPACES, Why.ALMOST_FULL, Why.FULL, Why.CLOSED)
"""Of several lines, the one that comes first here tells why."""


def _main(lines: Iterable[LineMemory]) -> LineMemory:
    return min(lines, key=lambda line: _RANK.index(line.why))


def _reason(told: Memory) -> str:
    if len(told) == 1:
        return next(iter(told.values())).reason
    return "; ".join(f"{key}: {line.reason}" for key, line in told.items())
