"""When a driver arrives: minutes from now, a time with its zone, or a time of day where the sites are."""

import re
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.live import LiveView

FARTHEST: Final = timedelta(hours=24)
_LATE = timedelta(minutes=1)
_DEFAULT_ZONE = "Europe/London"

RULE: Final = (
    "minutes from now (0 to 1440), a time of day such as 18:00 in the sites' time zone, or a time with its"
    " zone as RFC 3339, such as 2026-03-01T17:30:00Z"
)


def arrival_at(text: str, now: datetime, timezone: str) -> datetime:
    """The time that `text` means; a time of day is the next one. Raises ValueError that says the rule."""
    if text.isascii() and text.isdigit():
        if int(text) > FARTHEST / timedelta(minutes=1):
            raise ValueError(RULE)
        return now + timedelta(minutes=int(text))
    if re.fullmatch(r"\d{1,2}:\d\d", text, re.ASCII):
        return _next(text, now, timezone)
    try:
        # In a query a plus that was not escaped arrives as a space.
        at = datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)", "+", text))
    except ValueError:
        raise ValueError(RULE) from None
    if at.tzinfo is None:
        raise ValueError(RULE)
    if not now - _LATE <= at <= now + FARTHEST:
        raise ValueError(f"not in the past, and within 24 hours from now ({now:%Y-%m-%dT%H:%M:%SZ})")
    return max(at, now)


def common_timezone(view: LiveView) -> str:
    """The time zone of most sites."""
    counted = Counter(site.facts.timezone for site in view.sites.values())
    return counted.most_common(1)[0][0] if counted else _DEFAULT_ZONE


def _next(text: str, now: datetime, timezone: str) -> datetime:
    try:
        of_day = time.fromisoformat(text.rjust(5, "0"))
    except ValueError:
        raise ValueError(RULE) from None
    local = now.astimezone(ZoneInfo(timezone))
    at = datetime.combine(local.date(), of_day, local.tzinfo)
    # The minute that is on now is now. On a night with a change of clocks, tomorrow's is 23 or 25 hours away.
    if at < local - _LATE:
        at = datetime.combine(local.date() + timedelta(days=1), of_day, local.tzinfo)
    return max(at.astimezone(now.tzinfo), now)
