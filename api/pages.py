"""The words and figures of the HTML pages."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.live import LiveSite
from parking.model import SiteStatus


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site as the page shows it (as does web/static/live.js); `tone` is free, full, unknown or closed."""

    id: str
    name: str
    tone: str
    headline: str
    detail: str
    as_of: datetime
    clock: str


def site_line(site: LiveSite, *, as_of: datetime, stale: bool) -> SiteLine:
    """What a driver reads about one site."""
    clock = _clock(as_of, site.facts.timezone)
    tone, headline, detail = _words(site, stale=stale, clock=clock)
    return SiteLine(site.facts.id, site.facts.name, tone, headline, detail, as_of, clock)


def _words(site: LiveSite, *, stale: bool, clock: str) -> tuple[str, str, str]:
    now = site.snapshot
    of_all = f"of {now.capacity} spaces"
    if now.status is SiteStatus.CLOSED:
        return "closed", "Closed", of_all
    if stale:
        return "unknown", "Not known", f"no news since {clock}, when {now.vacant} {of_all} were free"
    if now.capacity == 0 or now.unknown == now.capacity:
        return "unknown", "Not known", f"none {of_all} reports"
    not_known = f", {now.unknown} not known" if now.unknown else ""
    if now.vacant:
        return "free", f"{now.vacant} free", of_all + not_known
    if now.unknown:
        return "unknown", "None known free", of_all + not_known
    return "full", "Full", of_all


def _clock(moment: datetime, timezone: str) -> str:
    try:
        local = moment.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        local = moment
    return f"{local:%H:%M}"
