"""Whether a site would do for a driver: hours, height, price; and what of that is not known."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from api.live import LiveSite
from api.sphere import Bools
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


_OPEN, _CLOSED, _UNSAID = Opening(True), Opening(False, "closed"), Opening(None)


class Openings:
    """Whether the public may park at sites at `at`, by closures, hours and what is published `now`.

    Many sites have the same hours, so each hours' answer is found once.
    """

    def __init__(self, closures: Mapping[str, list[Closure]], *, at: datetime, now: datetime) -> None:
        self._closures = closures
        self._at, self._now = at, now
        self._minute, self._this_minute = _minute(at), _minute(now)
        self._later, self._soon = at > now, at - now <= _SOON
        self._hours: dict[tuple[str, str], bool] = {}

    def of(self, site: LiveSite) -> Opening:
        """Whether that site is open."""
        facts = site.facts
        closures = self._closures.get(facts.id, ())
        if closures and (closure := _covering(closures, self._at)) is not None:
            return Opening(False, f"closed {_until(closure)}: {closure.reason}")
        hours = facts.details.opening_hours
        if hours is not None and not self._by_hours(hours, facts.timezone):
            return Opening(False, f"closed then; its hours are {hours}")
        if site.snapshot.status is SiteStatus.CLOSED and not (self._later and self._passing(site, closures)):
            return _CLOSED
        if hours is None and not self._soon and facts.kind != "on_street":
            return _UNSAID
        return _OPEN

    def _by_hours(self, hours: str, timezone: str) -> bool:
        key = hours, timezone
        if (found := self._hours.get(key)) is None:
            found = self._hours[key] = _is_open(hours, timezone, self._minute)
        return found

    def _passing(self, site: LiveSite, closures: Sequence[Closure]) -> bool:
        """Whether a site that is closed now is so for a reason that ends by itself."""
        hours, timezone = site.facts.details.opening_hours, site.facts.timezone
        return _covering(closures, self._now) is not None or (
            hours is not None and not _is_open(hours, timezone, self._this_minute)
        )


class Fits:
    """What sites are, in columns by their numbers: which would do for a driver is told of all at once."""

    def __init__(self, sites: Sequence[LiveSite]) -> None:
        details = [site.facts.details for site in sites]
        tariffs = [one.tariff or Tariff() for one in details]
        self._kind = np.array([site.facts.kind for site in sites], dtype=np.str_)
        # NaN where nothing is known: nothing is less or more than that.
        self._height_m = np.array([one.max_height_m for one in details], dtype=np.float64)
        self._free = np.array([one.free is True for one in tariffs], dtype=np.bool_)
        self._per_hour = np.array([one.per_hour for one in tariffs], dtype=np.float64)
        self._currency = np.array([one.currency for one in tariffs], dtype=np.str_)

    def fit(self, needs: Needs) -> Bools:
        """All sites but those that are known not to do."""
        fits = np.ones(len(self._kind), dtype=np.bool_)
        if needs.kind is not None:
            fits &= self._kind == needs.kind
        if needs.height_m is not None:
            fits &= ~(self._height_m < needs.height_m)
        if needs.max_price is not None:
            dear = (self._per_hour > needs.max_price) & (self._currency == needs.currency)
            fits &= ~dear | self._free
        return fits


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


def _covering(closures: Sequence[Closure], at: datetime) -> Closure | None:
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
