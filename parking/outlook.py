"""What is foretold of a site's free spaces, as pages, nearby and open data read it.

The forecast itself is made elsewhere (`parking/forecast/`, docs/forecast.md), once for everybody, and stored.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

OLD: Final = timedelta(minutes=15)
"""What was foretold longer ago is not told any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookPoint:
    """The free spaces expected at one moment: the median, the 80 % interval around it (`low`, `high`), and
    the chance (0..1) that at least one is free.
    """

    at: datetime
    free: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is foretold of one site, `points` in order of time, from some minutes to 24 hours after `made_at`.

    `basis` is a code of `parking.forecast.forecast.Basis`, `why` a sentence on what it rests on. Where the
    site's forecasts did worse of late than its plain count, `trusted` is False, `distrust` says so in a
    sentence, and the points are the plain count's: what it falls back to. `points` may be empty.
    """

    site: str
    made_at: datetime
    capacity: int
    points: tuple[OutlookPoint, ...]
    basis: str
    why: str
    trusted: bool = True
    distrust: str | None = None

    def at(self, moment: datetime) -> OutlookPoint | None:
        """The point of that moment, on the line between its neighbours; None outside of the points."""
        place = bisect_left(self.points, moment, key=lambda point: point.at)
        if place == len(self.points) or (place == 0 and self.points[0].at != moment):
            return None
        after = self.points[place]
        return after if after.at == moment else _between(self.points[place - 1], after, moment)


class Forecasts(Protocol):
    """Knows the outlook of sites, as of the last minute or so."""

    def of(self, site_id: str) -> Outlook | None:
        """What is foretold of a site; None where nothing is, or only something too old."""
        ...


class NoForecasts:
    """Knows nothing: before a forecast has been made, and where none is wanted."""

    def of(self, site_id: str) -> Outlook | None:
        """None."""
        return None


def _between(before: OutlookPoint, after: OutlookPoint, moment: datetime) -> OutlookPoint:
    share = (moment - before.at) / (after.at - before.at)
    return OutlookPoint(
        at=moment,
        free=before.free + (after.free - before.free) * share,
        low=before.low + (after.low - before.low) * share,
        high=before.high + (after.high - before.high) * share,
        chance=before.chance + (after.chance - before.chance) * share,
    )
