"""When the public may park at a site, by its opening hours in the syntax of OpenStreetMap.

The hours are times of the clock on the wall, in the site's own zone: on the night in autumn in which an hour
comes twice, what opens within it opens twice. Public holidays (`PH`) are those of `COUNTRY`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

COUNTRY = "GB"
MAX_LENGTH = 500
FORESEEN = timedelta(days=400)
"""So far ahead a change is looked for: of hours such as `Mo-Su 00:00-24:00`, which never change and do not
say so, the library would look at each day of the next 8000 years, which takes seconds."""


class OpeningHours:
    """The opening hours of one site. Raises ValueError, which says what is wrong and where."""

    def __init__(self, text: str, timezone: str) -> None:
        # Only where there are hours: the library's calendar of holidays takes memory.
        import opening_hours

        if len(text) > MAX_LENGTH:
            raise ValueError(f"opening hours of {len(text)} characters; {MAX_LENGTH} at most")
        try:
            self._hours = opening_hours.OpeningHours(text, country=COUNTRY)
        except Exception as error:  # its ParserError, which its types do not declare
            raise ValueError(
                f"not opening hours in the syntax of OpenStreetMap, such as `Mo-Sa 07:00-19:00; PH off`: "
                f"{_place(str(error))}"
            ) from error
        self._open = opening_hours.State.OPEN
        self._zone = ZoneInfo(timezone)

    def is_open(self, at: datetime) -> bool:
        """Whether the site is open at that moment. What the hours call unknown is not called open."""
        return self._hours.is_open(self._on_the_wall(at))

    def next_change(self, at: datetime) -> datetime | None:
        """The first moment after `at`, in UTC, at which the site opens or closes; None if not in FORESEEN."""
        change = self._turn(self._on_the_wall(at), FORESEEN)
        return None if change is None else change.replace(tzinfo=self._zone).astimezone(UTC)

    def closed(self, from_at: datetime, until_at: datetime) -> list[tuple[datetime, datetime]]:
        """The times in between, in UTC, at which `is_open` says no; those that touch are one."""
        found: list[tuple[datetime, datetime]] = []
        for start, end in _same_offset(from_at, until_at, self._zone):
            at, shift = start, start.astimezone(self._zone).utcoffset() or timedelta()
            while at < end:
                wall = self._on_the_wall(at)
                change = self._turn(wall, end - at)
                until = end if change is None else (change - shift).replace(tzinfo=UTC)
                if not self._hours.is_open(wall):
                    begun = found.pop()[0] if found and found[-1][1] == at else at
                    found.append((begun, until))
                at = until
        return found

    def _turn(self, wall: datetime, within: timedelta) -> datetime | None:
        """The first time on the wall after this one at which the site opens or closes; None if not within."""
        was = self._hours.is_open(wall)
        for start, _, state, _ in self._hours.intervals(wall, wall + within):
            if (state == self._open) is not was:
                return start
        return None

    def _on_the_wall(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None)


def _same_offset(
    from_at: datetime, until_at: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The time in between in parts in which the clocks do not change."""
    start = at = from_at.astimezone(UTC)
    while at < until_at:
        step = min(at + timedelta(days=1), until_at.astimezone(UTC))
        if _offset(step, zone) != _offset(at, zone):
            change = _change(at, step, zone)
            yield start, change
            start = change
        at = step
    if start < until_at:
        yield start, until_at.astimezone(UTC)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment, a whole second, in between at which the clocks change."""
    low, high = int(before.timestamp()), int(after.timestamp())
    was = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _offset(datetime.fromtimestamp(middle, UTC), zone) == was else (low, middle)
        )
    return datetime.fromtimestamp(high, UTC)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


@lru_cache(maxsize=4096)
def opening_hours(text: str, timezone: str) -> OpeningHours:
    """The opening hours that a text tells. Raises ValueError."""
    return OpeningHours(text, timezone)


def _place(error: str) -> str:
    """The column and what is expected there, from the parser's drawing of it."""
    lines = [line.strip() for line in error.splitlines()]
    column = next((line.rpartition(":")[2] for line in lines if "-->" in line), "?")
    expected = next((line.removeprefix("= ") for line in lines if line.startswith("= ")), "")
    return f"at character {column}" + (f", {expected.replace('_', ' ')}" if expected else "")
