"""The words and figures of the HTML pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup, escape

from api.live import LiveSite, LiveView
from parking.model import SiteStatus


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site as the page shows it (as does web/static/live.js); `tone` is free, full, unknown or closed."""

    id: str
    name: str
    tone: str
    headline: str
    detail: str


@dataclass(frozen=True, slots=True)
class SitesPage:
    """The list of sites. `as_of` is the least recent of their times (None without sites), `clock` says it."""

    lines: list[SiteLine]
    as_of: datetime | None
    clock: str
    stale: bool


def sites_page(view: LiveView, now: datetime) -> SitesPage:
    """What a driver reads at `now`, by name."""
    sites = sorted(view.sites.values(), key=lambda site: (site.facts.name.casefold(), site.facts.id))
    oldest = min(sites, key=view.as_of, default=None)
    return SitesPage(
        [_line(view, site, now) for site in sites],
        as_of=None if oldest is None else view.as_of(oldest),
        clock="" if oldest is None else _clock(view.as_of(oldest), oldest.facts.timezone, now),
        stale=bool(sites) and all(view.is_stale(site, now) for site in sites),
    )


def code(text: str) -> Markup:
    """HTML of a text in which `backticks` mark code."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _line(view: LiveView, site: LiveSite, now: datetime) -> SiteLine:
    since = _clock(view.as_of(site), site.facts.timezone, now) if view.is_stale(site, now) else None
    return SiteLine(site.facts.id, site.facts.name, *_words(site, stale_since=since))


def _words(site: LiveSite, *, stale_since: str | None) -> tuple[str, str, str]:
    now = site.snapshot
    of_all = f"of {now.capacity} spaces"
    nothing_known = now.capacity == now.unknown
    if now.status is SiteStatus.CLOSED:
        return "closed", "Closed", of_all
    if stale_since is not None:
        last = "" if nothing_known else f", when {now.vacant} {of_all} were known to be free"
        return "unknown", "Not known", f"no news since {stale_since}{last}"
    if nothing_known:
        return "unknown", "Not known", f"none {of_all} reports"
    not_known = f", {now.unknown} not known" if now.unknown else ""
    if now.vacant:
        return "free", f"{now.vacant} free", of_all + not_known
    if now.unknown:
        return "unknown", "None known free", of_all + not_known
    return "full", "Full", of_all


def _clock(moment: datetime, timezone: str, now: datetime) -> str:
    """The time of day there, with the date where it is not of the last hours."""
    try:
        local = moment.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        local = moment
    date = f" on {local.day} {local:%B}" if now - moment > timedelta(hours=12) else ""
    return f"{local:%H:%M}{date}"
