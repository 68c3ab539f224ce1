"""What the pages say of a site: never more than is known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time

from api.live import LiveSite, LiveView
from api.pages.site import Page
from parking.model import SiteStatus

OLD = timedelta(hours=12)
"""From this age on a time of day is told with its date."""


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site in a list; `tone` is free, full, unknown or closed."""

    id: str
    name: str
    tone: str
    headline: str
    detail: str


@dataclass(frozen=True, slots=True)
class SiteList:
    """The list of sites. `as_of` is the least recent of their times (None without sites), `clock` says it."""

    lines: list[SiteLine]
    as_of: datetime | None
    clock: str
    stale: bool


def site_list(view: LiveView, page: Page, now: datetime) -> SiteList:
    """What a driver reads at `now`, by name."""
    sites = sorted(view.sites.values(), key=lambda site: (site.facts.name.casefold(), site.facts.id))
    oldest = min(sites, key=view.as_of, default=None)
    return SiteList(
        [site_line(view, site, page, now) for site in sites],
        as_of=None if oldest is None else view.as_of(oldest),
        clock="" if oldest is None else clock(page, view.as_of(oldest), oldest.facts.timezone, now),
        stale=bool(sites) and all(view.is_stale(site, now) for site in sites),
    )


def site_line(view: LiveView, site: LiveSite, page: Page, now: datetime) -> SiteLine:
    """One site in words."""
    stale = view.is_stale(site, now)
    since = clock(page, view.as_of(site), site.facts.timezone, now) if stale else None
    return SiteLine(site.facts.id, site.facts.name, *_words(site, page, stale_since=since))


def clock(page: Page, moment: datetime, timezone: str, now: datetime) -> str:
    """The time of day there, with the date where it is not of the last hours."""
    zone = zone_of(timezone)
    local = moment.astimezone(zone)
    time = format_time(local, "HH:mm", tzinfo=zone, locale=page.language.locale)
    if now - moment <= OLD:
        return time
    date = format_date(local.date(), "d MMMM", locale=page.language.locale)
    return page.text("%(time)s on %(date)s", time=time, date=date)


def _words(site: LiveSite, page: Page, *, stale_since: str | None) -> tuple[str, str, str]:
    now = site.snapshot
    of_all = page.texts("of %(num)d space", "of %(num)d spaces", now.capacity)
    nothing_known = now.capacity == now.unknown
    if now.status is SiteStatus.CLOSED:
        return "closed", page.text("Closed"), of_all
    if stale_since is not None:
        if nothing_known:
            return "unknown", page.text("Not known"), page.text("no news since %(time)s", time=stale_since)
        last = page.texts(
            "no news since %(time)s, when %(vacant)d of %(num)d space was known to be free",
            "no news since %(time)s, when %(vacant)d of %(num)d spaces were known to be free",
            now.capacity,
            time=stale_since,
            vacant=now.vacant,
        )
        return "unknown", page.text("Not known"), last
    if nothing_known:
        none = page.texts("none of %(num)d space reports", "none of %(num)d spaces reports", now.capacity)
        return "unknown", page.text("Not known"), none
    detail = of_all
    if now.unknown:
        detail = f"{of_all}, " + page.texts("%(num)d not known", "%(num)d not known", now.unknown)
    if now.vacant:
        return "free", page.texts("%(num)d free", "%(num)d free", now.vacant), detail
    if now.unknown:
        return "unknown", page.text("None known free"), detail
    return "full", page.text("Full"), of_all


def zone_of(timezone: str) -> ZoneInfo:
    """The zone by its name; UTC for one that is not known here."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
