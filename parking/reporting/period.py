"""The period of a report and its buckets, in a site's own time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from parking.columns import Ints, microseconds
from parking.errors import InputError

QUARTER = timedelta(minutes=15)
MAX_BUCKETS = 40_000
"""A year of quarter hours and some days more."""
LONGEST = timedelta(days=3653)
EARLIEST = date(2000, 1, 1)


class Bucket(StrEnum):
    """Into what a period is divided; days and longer are those of the calendar, in the site's time zone."""

    QUARTER = "15min"
    HALF_HOUR = "30min"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER_YEAR = "quarter"
    YEAR = "year"
    ALL = "all"


_SHORT = {Bucket.QUARTER: 1, Bucket.HALF_HOUR: 2, Bucket.HOUR: 4}


@dataclass(frozen=True, slots=True)
class Period:
    """From a local time until another, in the time zone of each site that it is asked of."""

    from_at: datetime
    until_at: datetime
    bucket: Bucket

    def edges(self, zone: str) -> Ints:
        """Where buckets begin in that zone, and where the last ends, microseconds since 1970."""
        return _edges(self, zone)

    def local_edges(self, zone: str) -> list[datetime]:
        """The same as times of that zone."""
        at = ZoneInfo(zone)
        return [
            datetime.fromtimestamp(us // 1_000_000, UTC).astimezone(at) for us in self.edges(zone).tolist()
        ]


def parse_period(from_text: str, until_text: str, bucket: str = "day") -> Period:
    """A period of local times such as `2026-03-01` or `2026-03-01T07:30`, the end not included.

    Raises InputError, which names the value and the rule.
    """
    try:
        chosen = Bucket(bucket)
    except ValueError:
        raise InputError(f"bucket {bucket[:40]!r}: it is one of {', '.join(Bucket)}") from None
    start, end = _local("from", from_text), _local("until", until_text)
    if end <= start:
        raise InputError(f"until {until_text!r} is not after from {from_text!r}; the end is not included")
    if end - start > LONGEST:
        raise InputError(f"from {from_text!r} until {until_text!r} is more than ten years")
    period = Period(start, end, chosen)
    if chosen in _SHORT and (end - start) / (QUARTER * _SHORT[chosen]) > MAX_BUCKETS:
        raise InputError(
            f"from {from_text!r} until {until_text!r} by {chosen} is more than {MAX_BUCKETS} buckets; "
            "ask for a shorter period or a longer bucket"
        )
    return period


def _local(name: str, text: str) -> datetime:
    """A time of the clock on the wall, at a quarter of an hour."""
    rule = f"{name} {text[:40]!r}: a date, 2026-03-01, or a local time at a quarter hour, 2026-03-01T07:15"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(rule) from None
    if at.tzinfo is not None:
        raise InputError(f"{rule}; without an offset, since each site has its own time zone")
    if (at - datetime.combine(at.date(), time())) % QUARTER:
        raise InputError(f"{rule}; sums are kept by quarter hours")
    if at.date() < EARLIEST or at.date().year > 2200:
        raise InputError(f"{name} {text[:40]!r} is not between {EARLIEST} and 2200")
    return at


@lru_cache(maxsize=64)
def _edges(period: Period, zone: str) -> Ints:
    at = ZoneInfo(zone)
    start, end = (utc(local, at) for local in (period.from_at, period.until_at))
    if period.bucket in _SHORT:
        step = _SHORT[period.bucket] * QUARTER
        inner = list(_every(start, end, step, period.from_at))
    else:
        inner = [utc(local, at) for local in _calendar(period)]
    found = np.unique([microseconds(edge) for edge in (start, *inner, end)])
    found.flags.writeable = False
    return found[(found >= microseconds(start)) & (found <= microseconds(end))]


def _every(start: datetime, end: datetime, step: timedelta, local: datetime) -> Iterator[datetime]:
    """Steps of elapsed time, at full hours or halves of them."""
    edge = start + (step - (local - datetime.combine(local.date(), time())) % step)
    while edge < end:
        yield edge
        edge += step


def _calendar(period: Period) -> Iterator[datetime]:
    """The local midnights at which days, weeks, months, quarters or years begin, within the period."""
    day = _next(period.bucket, period.from_at.date())
    while day is not None and (midnight := datetime.combine(day, time())) < period.until_at:
        yield midnight
        day = _next(period.bucket, day)


def _next(bucket: Bucket, day: date) -> date | None:
    """The first day of the bucket that follows a day; weeks begin on Mondays."""
    months = {Bucket.MONTH: 1, Bucket.QUARTER_YEAR: 3, Bucket.YEAR: 12}
    if bucket is Bucket.DAY:
        return day + timedelta(days=1)
    if bucket is Bucket.WEEK:
        return day + timedelta(days=7 - day.weekday())
    if bucket in months:
        step = months[bucket]
        month = (day.month - 1) // step * step + step
        return date(day.year + month // 12, month % 12 + 1, 1)
    return None


def utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time in UTC: the first where it comes twice, by the offset before where it does not come."""
    return local.replace(tzinfo=zone).astimezone(UTC)
