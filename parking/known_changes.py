"""When what is published is known to change: sites that open and close, schedules of signs, overrides."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from parking.columns import microseconds, moment
from parking.model import SiteStatus
from parking.opening import opening_hours
from parking.reporting.closed import merged
from parking.sign_rules import Mode, Override, SignRules

AHEAD = timedelta(hours=2)
"""So far ahead changes are told: longer than any answer of a sign is valid."""
LAG = timedelta(seconds=10)
"""So long an ingestor may take to publish that a site has opened or closed."""
_BEHIND = timedelta(minutes=1)

Interval = tuple[datetime, datetime | None]


class SiteTimes:
    """When one site is closed, by its opening hours (None for none) and by closures."""

    def __init__(self, hours: str | None, timezone: str, closures: Iterable[Interval] = ()) -> None:
        self._hours = None if hours is None else opening_hours(hours, timezone)
        self._closures = list(closures)
        self._known: tuple[datetime, datetime, list[tuple[datetime, datetime]]] | None = None

    def next_change(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which it opens or closes; None without one within AHEAD."""
        until = now + AHEAD
        changes = (at for interval in self._closed(now) for at in interval)
        return min((at for at in changes if now < at <= until), default=None)

    def is_due(self, now: datetime, published: SiteStatus) -> bool:
        """Whether it has opened or closed within the last LAG, and what is published does not say so yet."""
        closed = self._closed(now)
        if not any(now - LAG < at <= now for interval in closed for at in interval):
            return False
        is_closed = any(start <= now < end for start, end in closed)
        return is_closed is not (published is SiteStatus.CLOSED)

    def _closed(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The closed times around `now`, at least from LAG before until AHEAD after it."""
        known = self._known
        if known is None or not known[0] < now - LAG < now + AHEAD < known[1]:
            start, end = now - _BEHIND, now + 2 * AHEAD
            self._known = known = start, end, self._within(start, end)
        return known[2]

    def _within(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        found = [] if self._hours is None else self._hours.closed(start, end)
        found += [(since, end if until is None else until) for since, until in self._closures]
        bounds = microseconds(start), microseconds(end)
        spans = merged([(microseconds(since), microseconds(until)) for since, until in found], bounds)
        return [(moment(since), moment(until)) for since, until in spans]


def next_change(
    now: datetime,
    *,
    rules: SignRules,
    override: Override | None,
    sites: Iterable[tuple[SiteTimes, SiteStatus]],
    schedule: Sequence[SiteTimes],
) -> datetime | None:
    """When what a sign is told at `now` is known to change; `now` itself where it should have changed.

    `sites` are those of which it tells, each with its published status; `schedule` are its `schedule_times`.
    """
    if override is not None and override.holds(now):
        return override.until
    if rules.mode is not Mode.AUTO:
        return None
    found = [times.next_change(now) for times in schedule]
    for times, published in sites:
        found.append(now if times.is_due(now, published) else times.next_change(now))
    return min((at for at in found if at is not None), default=None)


def schedule_times(rules: SignRules) -> tuple[SiteTimes, ...]:
    """When the hours of a sign's schedule begin and end."""
    return tuple(SiteTimes(hours.hours, rules.timezone) for hours in rules.schedule)
