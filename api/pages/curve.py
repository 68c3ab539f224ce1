"""The day of a site as a curve, drawn on the server, and what is expected of it, as tables.

Three lines over the hours of the local day: what was counted, what is usual, and what is expected from now
on, with the 80 % interval around it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from zoneinfo import ZoneInfo

from babel.dates import format_time

from api.pages.site import Page
from parking.db.outlooks import SiteDay
from parking.outlook import Outlook, OutlookPoint

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 24
"""Margins of the plot, in the units of its view box."""
_AHEAD_MIN = (15, 30, 60, 120, 180, 240, 360, 480, 720)
_TICKS = 4

Place = tuple[float, float]
"""An hour of the day and a number of free spaces."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A row of what is expected: in words, ready for the page."""

    at: str
    ahead: str
    free: str
    between: str
    chance: str


@dataclass(frozen=True, slots=True)
class HourRow:
    """A row of the day's table: an hour, and what was counted, is usual, is expected; empty where unknown."""

    hour: str
    counted: str
    usual: str
    expected: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid with its label: where it lies along its axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The section of the page. Paths are those of SVG; empty where there is nothing to draw."""

    why: str
    distrust: str | None
    made: str
    expected: list[Expected]
    counted: str
    usual: str
    ahead: str
    band: str
    now: float
    hours: list[Tick]
    spaces: list[Tick]
    rows: list[HourRow]

    @property
    def drawn(self) -> bool:
        """Whether there is anything to see."""
        return bool(self.counted or self.usual or self.ahead)


def curve(
    page: Page, outlook: Outlook | None, day: SiteDay | None, *, timezone: str, capacity: int, now: datetime
) -> Curve | None:
    """What the page shows at `now`; None where nothing is known."""
    if outlook is None or not capacity:
        return None
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0)
    today = day if day is not None and day.begins == begins else None
    counted = [] if today is None else list(_counted(today, zone))
    usual = [] if today is None else [(slot / 4, free) for slot, free in enumerate(today.usual)]
    ahead = [
        point
        for point in outlook.points
        if point.at >= now and point.at.astimezone(zone).date() == local.date()
    ]
    scale = _Scale(capacity)
    hours = [_hour(point.at, zone) for point in ahead]
    lows = [(at, point.low) for at, point in zip(hours, ahead, strict=True)]
    highs = [(at, point.high) for at, point in zip(hours, ahead, strict=True)]
    return Curve(
        why=outlook.why,
        distrust=outlook.distrust,
        made=_clock(page, outlook.made_at, zone),
        expected=[
            _expected(page, point, minutes, zone)
            for minutes in _AHEAD_MIN
            if (point := outlook.at(now + timedelta(minutes=minutes))) is not None
        ],
        counted=scale.line(counted, gap_h=0.5),
        usual=scale.line(usual, gap_h=0.25),
        ahead=scale.line([(at, point.free) for at, point in zip(hours, ahead, strict=True)], gap_h=24),
        band=scale.area(lows, highs),
        now=scale.x(_hour(now, zone)),
        hours=[Tick(scale.x(hour), f"{hour:02}") for hour in range(0, 25, 3)],
        spaces=[Tick(scale.y(free), str(free)) for free in scale.ticks()],
        rows=list(_rows(page, outlook, counted, usual, zone=zone, begins=begins, now=now)),
    )


class _Scale:
    """From hours and free spaces to the plot."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity

    def x(self, hour: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * hour / 24, 1)

    def y(self, free: float) -> float:
        share = min(max(free / self._capacity, 0.0), 1.0)
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)

    def line(self, places: Sequence[Place], *, gap_h: float) -> str:
        """A path through these places, broken where one is not known or the next is farther than `gap_h`."""
        parts: list[str] = []
        before: float | None = None
        for hour, free in places:
            if isnan(free):
                before = None
                continue
            joined = before is not None and 0 <= hour - before <= gap_h
            parts.append(f"{'L' if joined else 'M'}{self.x(hour)} {self.y(free)}")
            before = hour
        return "".join(parts)

    def area(self, lows: Sequence[Place], highs: Sequence[Place]) -> str:
        """The path around what lies between two lines."""
        around = [*highs, *reversed(lows)]
        if len(lows) < 2:
            return ""
        return "M" + "L".join(f"{self.x(hour)} {self.y(free)}" for hour, free in around) + "Z"

    def ticks(self) -> list[int]:
        """Round numbers of spaces for the grid, with the capacity on top."""
        step = max(1, round(self._capacity / _TICKS))
        if step > 5:
            step = round(step / 5) * 5
        most = self._capacity
        return [*(free for free in range(0, most, step) if most - free > step / 2), most]


def _counted(day: SiteDay, zone: ZoneInfo) -> Iterator[Place]:
    for after, free in zip(day.after_s, day.counted, strict=True):
        yield _hour(day.begins + timedelta(seconds=after), zone), free


def _hour(moment: datetime, zone: ZoneInfo) -> float:
    """The hour of the day by the clock on the wall."""
    local = moment.astimezone(zone)
    return local.hour + local.minute / 60 + local.second / 3600


def _expected(page: Page, point: OutlookPoint, minutes: int, zone: ZoneInfo) -> Expected:
    if minutes < 60:
        ahead = page.texts("in %(num)d minute", "in %(num)d minutes", minutes)
    else:
        ahead = page.texts("in %(num)d hour", "in %(num)d hours", minutes // 60)
    return Expected(
        at=_clock(page, point.at, zone),
        ahead=ahead,
        free=str(round(point.free)),
        between=page.text("%(low)d to %(high)d", low=round(point.low), high=round(point.high)),
        # On a narrow screen the sign stays with its number.
        chance=chance_words(page, point.chance).replace(" %", "\u00a0%"),
    )


def chance_words(page: Page, chance: float) -> str:
    """A chance in percent, never told as certain."""
    if chance > 0.99:
        return page.text("over 99 %")
    if 0 < chance < 0.01:
        return page.text("under 1 %")
    return f"{round(100 * chance)} %"


def _rows(
    page: Page,
    outlook: Outlook,
    counted: Iterable[Place],
    usual: Sequence[Place],
    *,
    zone: ZoneInfo,
    begins: datetime,
    now: datetime,
) -> Iterator[HourRow]:
    """The plot as a table, hour by hour."""
    by_hour = {hour: free for hour, free in counted if hour == int(hour)}
    usual_by_hour = {hour: free for hour, free in usual if hour == int(hour)}
    for hour in range(24):
        moment = begins.replace(hour=hour)
        point = outlook.at(moment) if moment >= now else None
        yield HourRow(
            hour=_clock(page, moment, zone),
            counted=_number(by_hour.get(hour)),
            usual=_number(usual_by_hour.get(hour)),
            expected=""
            if point is None
            else page.text(
                "%(free)d (%(low)d to %(high)d)",
                free=round(point.free),
                low=round(point.low),
                high=round(point.high),
            ),
        )


def _number(free: float | None) -> str:
    return "" if free is None or isnan(free) else str(round(free))


def _clock(page: Page, moment: datetime, zone: ZoneInfo) -> str:
    return format_time(moment.astimezone(zone), "HH:mm", tzinfo=zone, locale=page.language.locale)
