"""Which time of a camera's message to believe: the camera's own, or the message's arrival.

Many cameras stamp local time and call it UTC, or give no zone at all. Such a clock is wrong by a whole number
of quarter hours, as all offsets of zones are, and otherwise right. So, unless the gate's options decide:

1. A time that can only be right (seconds since 1970 from a clock that nobody sets by hand) is the event's.
2. A time without a zone is read in the gate's zone; where it can be read in several ways (the hour that comes
   twice in autumn, a date with the month first or last), the reading nearest to the arrival counts.
3. If it then lies about whole quarter hours from the arrival, up to 14 hours, and not at the arrival itself,
   the zone is wrong and the arrival counts. A message that was held for just about such a while comes late by
   that while.
4. A message that says it was sent again later keeps the camera's time: its arrival tells nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

QUARTER: Final = timedelta(minutes=15)
ABOUT: Final = timedelta(seconds=30)
"""How far from a whole quarter hour a difference still counts as one: transit and a clock's own error."""
DEFAULT_ZONE: Final = ZoneInfo("Europe/London")
"""As a site's in the registry."""
FARTHEST: Final = timedelta(hours=14)
"""No zone is farther from UTC."""


class TimeFrom(StrEnum):
    """Where the time of a gate's reads comes from."""

    AUTO = "auto"
    CAMERA = "camera"
    ARRIVAL = "arrival"


@dataclass(frozen=True, slots=True)
class CameraClock:
    """A gate's options: whom to believe, and the zone of times that have none."""

    time: TimeFrom = TimeFrom.AUTO
    zone: ZoneInfo = DEFAULT_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a message says of its time: the ways to read it, with or without a zone.

    `sure` is set where it can only be right, `resent` where the message came later than it might have.
    """

    readings: tuple[datetime, ...]
    sure: bool = False
    resent: bool = False


def event_time(stamp: Stamp | None, received_at: datetime, clock: CameraClock) -> datetime:
    """The UTC time of an event, by the rules above."""
    if stamp is None or clock.time is TimeFrom.ARRIVAL:
        return received_at
    readings = (moment for reading in stamp.readings for moment in _moments(reading, clock.zone))
    told = min(readings, key=lambda moment: (abs(moment - received_at), moment))
    if clock.time is TimeFrom.CAMERA or stamp.sure or stamp.resent:
        return told
    return received_at if _wrong_zone(told - received_at) else told


def _moments(reading: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    if reading.tzinfo is not None:
        yield reading.astimezone(UTC)
        return
    for fold in (0, 1):
        yield reading.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _wrong_zone(difference: timedelta) -> bool:
    quarters = round(difference / QUARTER)
    near = abs(difference - quarters * QUARTER) <= ABOUT
    return near and quarters != 0 and abs(difference) <= FARTHEST + ABOUT
