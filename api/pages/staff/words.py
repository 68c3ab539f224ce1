"""How pages of staff say amounts."""

from datetime import date, datetime, timedelta

from babel.dates import format_date, format_datetime

from api.live import LiveSite, LiveView
from api.pages.site import Page
from api.pages.words import zone_of


def duration(length: timedelta) -> str:
    """A length of time: 45 min, 2 h 5 min, 3 d 4 h."""
    minutes = max(0, round(length.total_seconds() / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def percent(part: float, whole: float) -> str:
    """A share in percent; a dash where there is nothing to share. Never rounded to all or nothing."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 1:
        return "under 1 %"
    return "over 99 %" if 99 < share < 100 else f"{share:.0f} %"


def moment(page: Page, at: datetime, timezone: str = "Europe/London") -> str:
    """A date and a time of day."""
    zone = zone_of(timezone)
    return format_datetime(at.astimezone(zone), "d MMM y, HH:mm", tzinfo=zone, locale=page.language.locale)


def counted(number: int, one: str, many: str) -> str:
    """1 sensor, 2 sensors."""
    return f"{number:,} {one if number == 1 else many}"


def own_sites(view: LiveView, sites: frozenset[str] | None) -> list[LiveSite]:
    """The sites that somebody may see (None: all), by name."""
    found = (site for site in view.sites.values() if sites is None or site.facts.id in sites)
    return sorted(found, key=lambda site: (site.facts.name.casefold(), site.facts.id))


def share(part: float | None) -> str:
    """A share (0 to 1) in percent; a dash where nothing is known."""
    return "–" if part is None else f"{100 * part:.0f} %"


def dwell(seconds: float | None) -> str:
    """How long a vehicle stays; a dash where that is not known."""
    return "–" if seconds is None else duration(timedelta(seconds=seconds))


def day(page: Page, at: date) -> str:
    """A date."""
    return format_date(at, "d MMM y", locale=page.language.locale)


def drift(spread: float | None, missed_share: float | None) -> str:
    """How far a count may be off (twice its standard deviation), and the share of exits that nobody saw."""
    said = "not known yet" if spread is None else f"± {2 * spread:.0f}"
    return said if missed_share is None else f"{said}, {100 * missed_share:.1f} % of exits not seen"
