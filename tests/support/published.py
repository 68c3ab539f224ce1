"""Generated cities for open data: every kind of site and bay, seeded or drawn by Hypothesis."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from api.clock import DatabaseClock
from api.live import LiveView
from api.opendata.city import City, Publisher, take
from parking.availability import count_bays, count_gates
from parking.db.live import BayFacts, BayNow, Confirmation, Everything, SiteFacts
from parking.db.opening import Closure
from parking.details import NOTHING, Entrance, SiteDetails, Tariff
from parking.model import Counting, Occupancy, SiteStatus, Snapshot
from parking.outlook import Outlook, OutlookPoint
from tests.support.live import NOW, Hands, columns

PUBLISHER = Publisher(
    name="Cardiff <City> & County",
    licence_url="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    licence="Open Government Licence v3.0",
    url="https://parking.example.gov.uk",
)
WITHHELD = frozenset({"disabled", "resident"})
CATEGORIES = ("standard", "disabled", "electric", "resident", "loading", "motorcycle")
KINDS = ("live", "closed", "closure", "unknown", "partly", "empty", "stale", "full", "gates", "gates-closed")
"""What a generated site may be."""
_STATES = {
    "live": "vvoo",
    "closed": "vo",
    "closure": "vo",
    "unknown": "u",
    "partly": "vou",
    "stale": "vou",
    "full": "o",
}
_Made = tuple[SiteFacts, Snapshot, list[tuple[BayFacts, BayNow]]]
_WORDS = {"v": Occupancy.VACANT, "o": Occupancy.OCCUPIED, "u": Occupancy.UNKNOWN}


def details(random: Random) -> SiteDetails:
    """Details with awkward texts, or none."""
    if random.random() < 0.3:
        return NOTHING
    return SiteDetails(
        zone=random.choice([None, "centre"]),
        address=random.choice([None, 'Fish & "Chips" <Lane>, Cardiff', "=1+1"]),
        operator=random.choice([None, "Parkio Cymru"]),
        opening_hours=random.choice([None, "Mo-Sa 07:00-19:00; PH off", "24/7"]),
        max_height_m=random.choice([None, 2.1]),
        max_stay_min=random.choice([None, 120]),
        tariff=random.choice(
            [None, Tariff(free=True), Tariff(per_hour=2.4, text="£2.40 an hour"), Tariff(text="ask")]
        ),
        entrances=random.choice([(), (Entrance(lon=-3.17, lat=51.48, name="North <gate>"),)]),
        url=random.choice([None, "https://example.org/car-park?a=1&b=2"]),
    )


def _site(random: Random, number: int, kind: str) -> _Made:
    gates, id = kind.startswith("gates"), f"{kind}-{number}"
    place = (-3.2 + random.random() / 10, 51.4 + random.random() / 10)
    facts = SiteFacts(
        id=id,
        name=random.choice(["Queen Street", "Mews & <Co>", "Stryd y Frenhines ŵ", "+44"]),
        kind="off_street" if gates or random.random() < 0.3 else "on_street",
        counting=Counting.GATES if gates else Counting.BAYS,
        timezone="Europe/London",
        location=None if random.random() < 0.1 else place,
        details=details(random),
        registered_at=NOW - timedelta(days=random.randint(1, 999)),
    )
    revision = random.randint(1, 10**12)
    states = "" if gates or kind == "empty" else _states(random, kind)
    bays = [
        (
            BayFacts(
                f"{id}-{place_number}",
                id,
                random.choice(CATEGORIES),
                None if random.random() < 0.1 else (place[0], place[1] + place_number / 10_000),
                random.choice([None, 30, 120]),
            ),
            BayNow(
                _WORDS[state],
                None if state == "u" else NOW - timedelta(seconds=random.randint(0, 9999)),
                state == "u" and random.random() < 0.5,
                revision,
            ),
        )
        for place_number, state in enumerate(states)
    ]
    if gates:
        capacity = random.choice([0, 1, 380])
        facts = replace(facts, details=replace(facts.details, spaces={"disabled": min(capacity, 10)}))
        counts = count_gates(capacity=capacity, inside=random.randint(-3, capacity + 3))
    else:
        counts = count_bays(vacant=states.count("v"), occupied=states.count("o"), unknown=states.count("u"))
    closed = kind in ("closed", "closure", "gates-closed")
    snapshot = Snapshot(
        site_id=id,
        revision=revision,
        status=SiteStatus.CLOSED if closed else SiteStatus.OPEN,
        capacity=counts.capacity,
        vacant=counts.vacant,
        occupied=counts.occupied,
        unknown=counts.unknown,
        free_min=counts.free_min,
        free_max=counts.free_max,
        as_of=NOW - timedelta(seconds=60 if kind == "stale" else random.random() * 10),
    )
    return facts, snapshot, bays


def _states(random: Random, kind: str) -> str:
    return "".join(random.choice(_STATES[kind]) for _ in range(random.randint(1, 12)))


def generated_view(kinds: list[str], seed: int, *, stale: bool = False) -> LiveView:
    """A live view of sites of these kinds, where `stale` all of them."""
    random = Random(seed)
    sites = [_site(random, number, kind) for number, kind in enumerate(kinds)]
    view = LiveView(clock=DatabaseClock(Hands()), stale_after_s=15, withheld=WITHHELD)
    view.clock.sync(NOW, asked_at=0)
    closures = [
        Closure(number, facts.id, NOW - timedelta(hours=1), None, "Roadworks & <more>", "test", NOW)
        for number, (facts, _, _) in enumerate(sites)
        if facts.id.startswith("closure")
    ]
    confirmed_at = None
    if "stale" not in kinds:
        confirmed_at = NOW - timedelta(seconds=60 if stale else 3)
    view.replace(
        Everything(
            Confirmation(NOW, confirmed_at, 1, 1),
            [(facts, snapshot) for facts, snapshot, _ in sites],
            columns(bay for _, _, bays in sites for bay in bays),
            [],
            closures,
        )
    )
    return view


class SomeForecasts:
    """A forecast, two hours long, of about half of the sites."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def of(self, site_id: str) -> Outlook | None:
        """What is foretold of a site."""
        if self._random.random() < 0.5:
            return None
        points = tuple(
            OutlookPoint(at=NOW + timedelta(minutes=minutes), free=3, low=0, high=9, chance=chance)
            for minutes, chance in ((-1, 1.0), (60, self._random.random()), (121, 0.0))
        )
        return Outlook(site=site_id, made_at=NOW, capacity=9, points=points, basis="own", why="Own history")


def generated_city(kinds: list[str], seed: int, *, stale: bool = False) -> City:
    """A city of sites of these kinds, with a forecast of some of them."""
    view = generated_view(kinds, seed, stale=stale)
    return take(view, PUBLISHER, forecasts=SomeForecasts(seed))
