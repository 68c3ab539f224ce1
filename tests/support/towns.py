"""Towns of streets and car parks strewn around a place at random, with what a registry may say."""

import random
from dataclasses import replace
from datetime import timedelta
from math import cos, radians

from api.clock import DatabaseClock
from api.live import LiveView
from parking.db.live import BayFacts, Location
from parking.db.opening import Closure
from parking.details import Entrance, SiteDetails, Tariff
from parking.model import Counting, SiteStatus
from tests.support.live import NOW, BayRow, Hands, SiteRow, everything, street

CATEGORIES = ("standard", "standard", "disabled", "electric")
KINDS = ("on_street", "off_street")
_TARIFFS = (
    *(None, Tariff(free=True, per_hour=9.0), Tariff(per_hour=1.0), Tariff(per_hour=3.0)),
    Tariff(per_hour=9.0, currency="EUR"),
)
_HOURS = (None, "24/7", "Mo-Su 08:00-18:00", "Mo-Su 18:00-24:00")


def town(seed: int, *, sites: int, at: Location, reach_m: float) -> LiveView:
    """So many sites (s0, s1 and so on) of up to six bays within `reach_m` to each side of the place."""
    chosen = random.Random(seed)
    view = LiveView(clock=DatabaseClock(Hands()), stale_after_s=15, withheld=frozenset({"disabled"}))
    view.clock.sync(NOW, asked_at=0)
    streets = [_site(chosen, f"s{number}", _beside(chosen, at, reach_m)) for number in range(sites)]
    view.replace(everything(*streets, closures=[_closure(chosen, sites) for _ in range(sites // 10)]))
    return view


def _beside(chosen: random.Random, at: Location, reach_m: float) -> Location:
    """A place within `reach_m` to each side, also beyond the date line, though not beyond the pole."""
    reach = reach_m / 111_195
    lat = at[1] + chosen.uniform(-reach, reach)
    lon = at[0] + chosen.uniform(-reach, reach) / max(cos(radians(at[1])), 1e-3)
    return (lon + 180) % 360 - 180, max(min(lat, 90.0), -90.0)


def _closure(chosen: random.Random, sites: int) -> Closure:
    hours = timedelta(hours=chosen.randrange(3))
    return Closure(1, f"s{chosen.randrange(sites)}", NOW - hours, NOW + 2 * hours, "market", "ops", NOW)


def _site(chosen: random.Random, id: str, at: Location) -> tuple[SiteRow, list[BayRow]]:
    pick = chosen.choice
    states = "".join(chosen.choices("vou", k=chosen.randint(1, 6)))
    (facts, now), bays = street(states, site=id, age_s=pick((0, 0, 0, 60)), at=at)
    lon, lat = _beside(chosen, at, 300)
    facts = replace(
        facts,
        kind=pick(KINDS),
        location=pick((at, at, None)),
        counting=pick((Counting.BAYS, Counting.BAYS, Counting.GATES)),
        details=SiteDetails(
            opening_hours=pick(_HOURS),
            max_height_m=pick((None, 1.9, 2.5)),
            max_stay_min=pick((None, 30, 120)),
            tariff=pick(_TARIFFS),
            entrances=pick(((), (Entrance(lon=lon, lat=lat),))),
        ),
    )
    now = replace(now, status=pick((SiteStatus.OPEN, SiteStatus.OPEN, SiteStatus.CLOSED)))
    if facts.counting is Counting.GATES:
        return (facts, now), []
    return (facts, now), [(_bay(chosen, bay), state) for bay, state in bays]


def _bay(chosen: random.Random, bay: BayFacts) -> BayFacts:
    pick = chosen.choice
    assert bay.location is not None
    return replace(
        bay,
        category=pick(CATEGORIES),
        location=pick((bay.location, _beside(chosen, bay.location, 400), None)),
        max_stay_min=pick((None, 20, 240)),
    )
