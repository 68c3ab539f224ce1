"""Whether a site would do for a driver: hours, height, price; and what of that is not known."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from api.live import LiveSite
from parking.db.opening import Closure
from parking.details import Tariff
from parking.model import SiteStatus
from parking.opening import opening_hours

_SOON = timedelta(hours=1)
"""A car park whose hours are not known is thought to stay as it is for so long."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a driver needs of a site, None where nothing is asked: metres, price of an hour, kind."""

    arrival: datetime
    _: KW_ONLY
    height_m: float | None = None
    max_price: float | None = None
    currency: str = "GBP"
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a site is open at a moment (None: not known), and why it is not."""

    open: bool | None
    why: str = ""


def opening_at(site: LiveSite, closures: list[Closure], *, at: datetime, now: datetime) -> Opening:
    """Whether the public may park there at `at`, by closures, hours and what is published now."""
    if (closure := _covering(closures, at)) is not None:
        return Opening(False, f"closed {_until(closure)}: {closure.reason}")
    hours, timezone = site.facts.details.opening_hours, site.facts.timezone
    if hours is not None and not _is_open(hours, timezone, _minute(at)):
        return Opening(False, f"closed then; its hours are {hours}")
    if site.snapshot.status is SiteStatus.CLOSED:
        passing = _covering(closures, now) is not None or (
            hours is not None and not _is_open(hours, timezone, _minute(now))
        )
        if not passing or at <= now:
            return Opening(False, "closed")
    if hours is None and site.facts.kind != "on_street" and at - now > _SOON:
        return Opening(None)
    return Opening(True)


def unfit(site: LiveSite, needs: Needs) -> bool:
    """Whether the site is known not to do."""
    details = site.facts.details
    if needs.kind is not None and site.facts.kind != needs.kind:
        return True
    if (
        needs.height_m is not None
        and details.max_height_m is not None
        and needs.height_m > details.max_height_m
    ):
        return True
    price = price_of_hour(details.tariff, needs.currency)
    return needs.max_price is not None and price is not None and price > needs.max_price


def not_known(site: LiveSite, needs: Needs, opening: Opening) -> list[str]:
    """What was asked for and is not known of the site, by the names of the parameters."""
    details = site.facts.details
    found = []
    # A street has no roof.
    if needs.height_m is not None and details.max_height_m is None and site.facts.kind != "on_street":
        found.append("height_m")
    if needs.max_price is not None and price_of_hour(details.tariff, needs.currency) is None:
        found.append("max_price")
    if opening.open is None:
        found.append("open")
    return found


def price_of_hour(tariff: Tariff | None, currency: str) -> float | None:
    """The price of an hour in that currency, None where it is not known."""
    if tariff is None:
        return None
    if tariff.free:
        return 0.0
    return tariff.per_hour if tariff.currency == currency else None


def _covering(closures: list[Closure], at: datetime) -> Closure | None:
    return next(
        (one for one in closures if one.from_at <= at and (one.until_at is None or at < one.until_at)), None
    )


def _until(closure: Closure) -> str:
    if closure.until_at is None:
        return "until further notice"
    return f"until {closure.until_at:%Y-%m-%d %H:%M} UTC"


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


@lru_cache(maxsize=4096)
def _is_open(hours: str, timezone: str, minute: datetime) -> bool:
    """Hours have a resolution of a minute, and many sites have the same."""
    return opening_hours(hours, timezone).is_open(minute)
