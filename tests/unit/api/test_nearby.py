"""Where to park near a place."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from api.bodies import NearSite
from api.fit import Needs
from api.live import LiveView
from api.nearby import Nearby, Query, at_least, at_most, walking_minutes
from api.places import Wanted
from parking.chance import Asked, Chance, TurnoverChances
from parking.db.opening import Closure
from parking.details import Entrance, SiteDetails, Tariff
from parking.model import Counting, Occupancy, SiteStatus
from tests.support.live import HERE, NOW, BayRow, Hands, SiteRow, everything, street

LON, LAT = HERE
WANTED = Wanted.__dataclass_fields__.keys()
NEEDS = Needs.__dataclass_fields__.keys()
Street = tuple[SiteRow, list[BayRow]]


def near(view: LiveView, **asked: Any) -> list[NearSite]:
    wanted = {"lat": LAT, "lon": LON, "radius_m": 500, **{k: v for k, v in asked.items() if k in WANTED}}
    needs = {"arrival": NOW, **{k: v for k, v in asked.items() if k in NEEDS}}
    rest = {"limit": 20, **{k: v for k, v in asked.items() if k not in (*WANTED, *NEEDS)}}
    query = Query(wanted=Wanted(**wanted), needs=Needs(**needs), **rest)
    return Nearby(view, TurnoverChances()).find(query)


def find(view: LiveView, **asked: Any) -> list[str]:
    return [site.id for site in near(view, **asked)]


def park(
    states: str,
    *,
    site: str = "park",
    details: SiteDetails | None = None,
    kind: str = "off_street",
    **more: Any,
) -> Street:
    """A car park that is counted at its gates."""
    (facts, number), _ = street(states, site=site, **more)
    facts = replace(facts, counting=Counting.GATES, kind=kind, details=details or SiteDetails())
    return (facts, number), []


def with_details(place: Street, **details: Any) -> Street:
    (facts, number), bays = place
    return (replace(facts, details=SiteDetails(**details)), number), bays


def closed(place: Street) -> Street:
    (facts, number), bays = place
    return (facts, replace(number, status=SiteStatus.CLOSED)), bays


def east(metres: float) -> tuple[float, float]:
    return (LON + metres / 69_270, LAT)


def test_walking_is_longer_than_the_straight_line_and_is_rounded_up() -> None:
    assert [walking_minutes(metres) for metres in (0, 1, 57, 58, 577, 1000)] == [0, 1, 1, 2, 11, 18]


def test_sites_come_nearest_first_with_their_nearest_free_bays(view: LiveView) -> None:
    far = (LON, LAT + 0.003)
    view.replace(everything(street("ovvvvvvv", site="near"), street("vvvvvv", site="far", at=far)))
    first, second = near(view)
    assert [bay.id for bay in first.bays] == ["near-1", "near-2", "near-3", "near-4", "near-5"]
    assert [bay.distance_m for bay in first.bays] == [11, 22, 33, 44, 56]
    assert (first.id, first.distance_m, first.walking_m, first.walking_minutes) == ("near", 11, 14, 1)
    assert (second.id, second.distance_m) == ("far", 334)


def test_the_better_chance_comes_first_and_the_nearer_among_equals(view: LiveView) -> None:
    view.replace(
        everything(
            street("voooo", site="last-space"),
            street("v" * 20 + "oo", site="far", at=east(300)),
            street("v" * 20 + "oo", site="middle", at=east(200)),
            confirmed_s_ago=0,
        )
    )
    found = near(view, arrival=NOW + timedelta(minutes=10))
    assert [site.id for site in found] == ["middle", "far", "last-space"]
    chances = [site.chance for site in found]
    assert chances[0] == chances[1] == 0.95
    assert chances[2] is not None
    assert 0 < chances[2] < 0.95
    assert find(view, sort="distance") == ["last-space", "middle", "far"]


def test_the_reason_says_what_the_chance_rests_on(view: LiveView, hands: Hands) -> None:
    view.replace(everything(street("vvou" * 3, at=east(300)), confirmed_s_ago=2))
    hands.seconds = 6
    (site,) = near(view, arrival=NOW + timedelta(minutes=20, seconds=6))
    assert site.reason == "6 free of 12, 3 not known, seen 8 s ago; you arrive in 20 minutes; 6 minutes' walk"
    (site,) = near(view, arrival=NOW + timedelta(hours=6, minutes=1, seconds=6))
    assert "; you arrive in 6 hours 1 minute, for which nothing is foretold; " in site.reason


def test_a_full_site_is_left_out_unless_asked_for(view: LiveView) -> None:
    view.replace(everything(street("oo"), confirmed_s_ago=0))
    assert find(view) == []
    (site,) = near(view, include_full=True)
    assert site.reason == "None of 2 spaces is known to be free, seen just now"


def test_unknown_is_never_free(view: LiveView) -> None:
    view.replace(everything(street("uuu"), street("ou", site="half", at=east(10)), confirmed_s_ago=0))
    assert find(view) == []
    half, none = near(view, include_full=True, arrival=NOW)
    assert (none.matching_vacant, none.matching_unknown, none.bays) == (0, 3, [])
    assert (none.chance, none.chance_high, none.reason) == (
        None,
        None,
        "None of 3 spaces reports, seen just now",
    )
    assert (half.chance, half.chance_high) == (0, 1)


def test_only_the_categories_asked_for_count(view: LiveView) -> None:
    blue = street("vu", site="blue", category="disabled", at=(LON, LAT + 0.001))
    view.replace(everything(street("vv"), blue, confirmed_s_ago=0))
    (site,) = near(view, categories=frozenset({"disabled"}))
    assert (site.id, site.matching_vacant, site.matching_unknown, len(site.bays)) == ("blue", 1, 1, 1)
    assert "1 disabled free of 2, 1 not known" in site.reason
    assert find(view, categories=frozenset({"motorcycle"}), include_full=True) == []


def test_a_withheld_bay_counts_and_nothing_tells_which_it_is(view: LiveView) -> None:
    view.withheld = frozenset({"disabled"})
    near_one = street("ov", site="blue", category="disabled", at=(LON, LAT + 0.001))
    view.replace(everything(near_one, confirmed_s_ago=0))
    (site,) = near(view, categories=frozenset({"disabled"}))
    assert (site.matching_vacant, site.bays) == (1, [])
    distance = site.distance_m
    view.replace(everything(street("vo", site="blue", category="disabled", at=(LON, LAT + 0.001))))
    (site,) = near(view, categories=frozenset({"disabled"}))
    assert site.distance_m == distance


def test_gates_count_vehicles_so_they_answer_only_for_ordinary_spaces(view: LiveView) -> None:
    view.replace(everything(park("vvo")))
    assert find(view) == ["park"]
    assert find(view, categories=frozenset({"standard"})) == ["park"]
    assert find(view, categories=frozenset({"disabled"})) == []


def test_of_marked_spaces_behind_gates_only_bounds_are_known(view: LiveView) -> None:
    """Ten spaces, three of them for disabled drivers: of eight free ones at least one is among the three."""
    marked = SiteDetails(spaces={"disabled": 3})
    view.replace(everything(park("vvvvvvvvoo", details=marked), confirmed_s_ago=0))
    (site,) = near(view, categories=frozenset({"disabled"}))
    assert (site.matching_vacant, site.matching_unknown) == (1, 2)
    view.replace(everything(park("vvvvoooooo", details=marked), confirmed_s_ago=0))
    assert find(view, categories=frozenset({"disabled"})) == []
    (site,) = near(view, categories=frozenset({"disabled"}), include_full=True)
    assert (site.matching_vacant, site.matching_unknown, site.chance) == (0, 3, None)


def test_streets_and_car_parks_come_together_or_as_asked(view: LiveView) -> None:
    view.replace(everything(street("vv"), park("vv", at=east(50))))
    assert find(view) == ["queen-street", "park"]
    assert find(view, kind="on_street") == ["queen-street"]
    assert find(view, kind="off_street") == ["park"]


def test_a_stale_site_comes_last_without_a_chance(view: LiveView) -> None:
    view.replace(everything(street("v" * 9, age_s=600), street("voooo", site="mews", at=east(200))))
    fresh, stale = near(view)
    assert fresh.id == "mews"
    assert (stale.stale, stale.chance, stale.chance_high) == (True, None, None)
    assert stale.reason == "Not known: no news for 10 minutes; then 9 free of 9"


def test_a_vehicle_that_is_too_high_is_sent_elsewhere(view: LiveView) -> None:
    low, unsure = park("vv", details=SiteDetails(max_height_m=1.9)), park("vv", site="unsure", at=east(50))
    view.replace(everything(low, unsure, street("vv", at=east(90))))
    found = near(view, height_m=2.0)
    assert [(site.id, site.not_known) for site in found] == [("unsure", ["height_m"]), ("queen-street", [])]
    assert find(view, height_m=2.0, only_known=True) == ["queen-street"]
    assert find(view, height_m=1.9) == ["park", "unsure", "queen-street"]


def test_the_longest_stay_is_the_bays_or_else_the_sites(view: LiveView) -> None:
    (facts, number), bays = with_details(street("vvv"), max_stay_min=60)
    bays[1] = (replace(bays[1][0], max_stay_min=120), bays[1][1])
    short = park("vv", at=east(90), details=SiteDetails(max_stay_min=30))
    view.replace(everything(((facts, number), bays), short, street("v", site="free", at=east(200))))
    found = near(view, stay_min=90, sort="distance")
    assert [(site.id, site.matching_vacant, site.max_stay_min) for site in found] == [
        ("queen-street", 1, 120),
        ("free", 1, None),
    ]
    assert found[0].bays[0].id == "queen-street-1"
    assert (found[0].not_known, found[1].not_known) == ([], ["stay_min"])


def test_what_is_known_to_be_too_dear_is_left_out(view: LiveView) -> None:
    tariffs = {
        "dear": Tariff(per_hour=3.0),
        "fair": Tariff(per_hour=1.5),
        "free": Tariff(free=True),
        "euro": Tariff(per_hour=9.0, currency="EUR"),
        "unsaid": None,
    }
    parks = [
        park("vv", site=name, at=east(20 * n), details=SiteDetails(tariff=tariff))
        for n, (name, tariff) in enumerate(tariffs.items())
    ]
    view.replace(everything(*parks))
    found = near(view, max_price=2)
    assert [(site.id, site.not_known) for site in found] == [
        ("fair", []),
        ("free", []),
        ("euro", ["max_price"]),
        ("unsaid", ["max_price"]),
    ]
    assert find(view, max_price=2, only_known=True) == ["fair", "free"]
    assert find(view, max_price=10, currency="EUR", only_known=True) == ["free", "euro"]


def test_a_closed_site_is_left_out_or_comes_last_with_the_reason(view: LiveView) -> None:
    view.replace(everything(closed(street("vv")), street("ooo", site="full", at=east(50)), confirmed_s_ago=0))
    assert find(view) == []
    full, shut = near(view, include_full=True)
    assert (full.id, full.open) == ("full", True)
    assert (shut.open, shut.chance, shut.reason) == (False, 0, "Closed")
    assert find(view, include_full=True, open=True) == ["full"]
    assert find(view, open=False) == ["queen-street"]


def test_hours_decide_for_the_time_of_the_arrival(view: LiveView) -> None:
    """NOW is noon on a Sunday."""
    evening = park("vv", details=SiteDetails(opening_hours="Mo-Su 08:00-18:00"))
    night = closed(
        park("vv", site="night", at=east(60), details=SiteDetails(opening_hours="Mo-Su 18:00-24:00"))
    )
    view.replace(everything(evening, night, park("vv", site="unsaid", at=east(90)), confirmed_s_ago=0))
    late = NOW + timedelta(hours=7)
    assert find(view, sort="distance") == ["park", "unsaid"]
    found = near(view, arrival=late, sort="distance")
    assert [(site.id, site.open, site.not_known) for site in found] == [
        ("night", True, []),
        ("unsaid", None, ["open"]),
    ]
    assert find(view, arrival=late, open=True, only_known=True) == ["night"]
    shut = near(view, arrival=late, open=False)[-1]
    assert (shut.id, shut.reason) == ("park", "Closed then; its hours are Mo-Su 08:00-18:00")


def closure(from_at: datetime, until_at: datetime | None) -> Closure:
    return Closure(1, "queen-street", from_at, until_at, "street market", "ops", NOW)


def test_a_closure_holds_for_its_time(view: LiveView) -> None:
    hour = timedelta(hours=1)
    loaded = everything(closed(street("vv")), confirmed_s_ago=0)
    loaded.closures.append(closure(NOW - hour, NOW + hour))
    view.replace(loaded)
    assert find(view) == []
    assert find(view, arrival=NOW + 2 * hour) == ["queen-street"]
    (shut,) = near(view, open=False)
    assert shut.reason == "Closed until 2026-03-01 13:00 UTC: street market"
    loaded.closures[:] = [closure(NOW + hour, None)]
    view.replace(everything(street("vv"), confirmed_s_ago=0, closures=loaded.closures))
    assert find(view) == ["queen-street"]
    assert find(view, arrival=NOW + 2 * hour) == []


def test_what_is_beyond_the_radius_or_the_limit_is_left_out(view: LiveView) -> None:
    places = [street("v", site=f"s{n}", at=(LON, LAT + n * 0.002)) for n in range(5)]
    view.replace(everything(*places))
    assert find(view) == ["s0", "s1", "s2"]
    assert find(view, limit=2) == ["s0", "s1"]
    assert find(view, radius_m=100) == ["s0"]


def test_sites_are_found_by_their_bays_or_entrances_too(view: LiveView) -> None:
    (facts, number), bays = street("v")
    gate = SiteDetails(entrances=(Entrance(lon=LON, lat=LAT + 0.001),))
    far = park("v", at=(LON, LAT + 0.1), details=gate)
    view.replace(everything(((replace(facts, location=None), number), bays), far))
    found = near(view)
    assert [(site.id, site.distance_m) for site in found] == [("queen-street", 0), ("park", 111)]
    view.replace(everything())
    assert find(view) == []


def test_a_change_of_a_bay_is_found_at_once(view: LiveView) -> None:
    view.replace(everything(street("vv")))
    nearby = Nearby(view, TurnoverChances())
    query = Query(wanted=Wanted(lat=LAT, lon=LON, radius_m=500), needs=Needs(NOW), limit=1)
    assert [bay.id for bay in nearby.find(query)[0].bays] == ["queen-street-0", "queen-street-1"]
    bays = view.sites["queen-street"].bays
    bays.set("queen-street-0", replace(bays["queen-street-0"], state=Occupancy.OCCUPIED))
    assert [bay.id for bay in nearby.find(query)[0].bays] == ["queen-street-1"]


class Oracle:
    """Chances that somebody else tells; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def chance(self, asked: Asked) -> Chance:
        self.asked.append(asked)
        return Chance(0.42, 0.61, "usually 3 free at this time")


def test_a_forecast_may_tell_the_chances_for_the_time_after_the_drive(view: LiveView) -> None:
    view.replace(everything(street("vo", at=east(400)), confirmed_s_ago=0))
    oracle = Oracle()
    at = NOW + timedelta(minutes=30)
    query = Query(wanted=Wanted(lat=LAT, lon=LON, radius_m=500), needs=Needs(at), limit=1)
    (site,) = Nearby(view, oracle).find(query)
    assert (site.chance, site.chance_high) == (0.4, 0.65)
    assert "usually 3 free at this time" in site.reason
    (asked,) = oracle.asked
    assert (asked.site, asked.vacant, asked.occupied, asked.unknown) == ("queen-street", 1, 1, 0)
    assert timedelta(minutes=1) < asked.arrival - at < timedelta(minutes=2)


def test_chances_are_told_in_steps_and_never_as_certain() -> None:
    assert [at_least(chance) for chance in (0, 0.049, 0.05, 0.949, 0.999, 1)] == [0, 0, 0.05, 0.9, 0.95, 0.95]
    assert [at_most(chance) for chance in (0, 0.001, 0.05, 0.951, 1)] == [0, 0.05, 0.05, 1, 1]


def test_the_facts_of_a_site_come_along(view: LiveView) -> None:
    details = SiteDetails(
        address="1 Castle Street",
        opening_hours="24/7",
        max_height_m=2.1,
        max_stay_min=240,
        tariff=Tariff(per_hour=1.2, text="60p per half hour"),
    )
    view.replace(everything(park("vv", details=details), confirmed_s_ago=0))
    (site,) = near(view)
    assert (site.address, site.opening_hours, site.max_height_m) == ("1 Castle Street", "24/7", 2.1)
    assert (site.max_stay_min, site.open) == (240, True)
    assert site.price is not None
    assert (site.price.per_hour, site.price.currency, site.price.text) == (1.2, "GBP", "60p per half hour")
