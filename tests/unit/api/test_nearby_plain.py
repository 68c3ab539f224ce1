"""Finding a space nearby says what looking at every site and bay, one by one, says."""

from datetime import datetime, timedelta
from math import asin, cos, inf, radians, sin, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bodies import NearSite
from api.fit import Needs, price_of_hour
from api.live import LiveSite, LiveView
from api.nearby import COMPARED, Nearby, Query, at_least
from api.places import BAYS_SHOWN, Spaces, Wanted
from api.sphere import EARTH_RADIUS_M
from parking.chance import Asked, Chance, TurnoverChances
from parking.db.live import BayFacts, BayNow, Location
from parking.model import Counting, Occupancy, SiteStatus
from parking.opening import opening_hours
from tests.support.live import HERE, NOW
from tests.support.towns import CATEGORIES, KINDS, town

DETOUR_MIN_PER_M = 1.3 / (20_000 / 60)
TOLD = (
    *("id", "distance_m", "matching_vacant", "matching_unknown", "max_stay_min", "chance", "open"),
    "not_known",
)


def metres(one: Location, other: Location) -> float:
    """The haversine formula."""
    (lon, lat), (to_lon, to_lat) = one, other
    north, east = sin(radians(to_lat - lat) / 2), sin(radians(to_lon - lon) / 2)
    chord = north**2 + cos(radians(lat)) * cos(radians(to_lat)) * east**2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(chord, 1.0)))


def is_open(view: LiveView, site: LiveSite, at: datetime) -> bool | None:
    def shut(then: datetime) -> bool:
        hours = site.facts.details.opening_hours
        return any(
            one.from_at <= then and (one.until_at is None or then < one.until_at)
            for one in view.closures.get(site.facts.id, [])
        ) or (hours is not None and not opening_hours(hours, site.facts.timezone).is_open(then))

    if shut(at) or (site.snapshot.status is SiteStatus.CLOSED and (at <= NOW or not shut(NOW))):
        return False
    known = site.facts.details.opening_hours is not None or site.facts.kind == "on_street"
    return True if known or at <= NOW + timedelta(hours=1) else None


def fitting(view: LiveView, id: str, wanted: Wanted) -> list[tuple[BayFacts, BayNow]]:
    """The site's bays of the right kind that may be stayed in long enough."""
    site, found = view.sites[id], []
    for bay, now in site.bays.items():
        facts = view.bays[bay]
        limit = facts.max_stay_min or site.facts.details.max_stay_min
        kind_fits = not wanted.categories or facts.category in wanted.categories
        if kind_fits and (wanted.stay_min is None or limit is None or limit >= wanted.stay_min):
            found.append((facts, now))
    return found


def distance(view: LiveView, id: str, query: Query) -> tuple[float, list[str]]:
    """How far a site is (inf: beyond the radius), and its nearest free bays."""
    wanted, facts = query.wanted, view.sites[id].facts
    here = (wanted.lon, wanted.lat)
    bays = [
        (metres(here, bay.location), bay, now)
        for bay, now in fitting(view, id, wanted)
        if bay.location is not None and metres(here, bay.location) <= wanted.radius_m
    ]
    free = [
        (far, bay.id)
        for far, bay, now in bays
        if now.state is Occupancy.VACANT and bay.category not in view.withheld
    ]
    points = [facts.location, *((one.lon, one.lat) for one in facts.details.entrances)]
    others = [far for at in points if at is not None and (far := metres(here, at)) <= wanted.radius_m]
    nearest = [far for far, _ in free] or others + [far for far, _, _ in bays]
    return min(nearest, default=inf), [id for _, id in sorted(free)[:BAYS_SHOWN]]


def result(view: LiveView, id: str, query: Query) -> dict[str, Any] | None:
    """What is to be said of one site; None where it would not do."""
    wanted, needs, site = query.wanted, query.needs, view.sites[id]
    facts, details, now = site.facts, site.facts.details, site.snapshot
    arrival = max(needs.arrival, NOW)
    fit = fitting(view, id, wanted)
    distance_m, free = distance(view, id, query)
    limits = [bay.max_stay_min or details.max_stay_min or 0 for bay, _ in fit]
    spaces = Spaces(now.vacant, now.occupied, now.unknown, max(limits, default=0) or None)
    if facts.counting is Counting.GATES:
        spaces.max_stay_min = details.max_stay_min
        short = (details.max_stay_min or inf) < (wanted.stay_min or 0)
        would_do = not short and (not wanted.categories or "standard" in wanted.categories)
    elif wanted.categories or wanted.stay_min is not None:
        states = [state.state for _, state in fit]
        spaces.vacant, spaces.occupied, spaces.unknown = (states.count(state) for state in Occupancy)
        would_do = bool(fit)
    else:
        would_do = True
    hour, height = price_of_hour(details.tariff, needs.currency), details.max_height_m
    opened = is_open(view, site, arrival)
    lacking = {
        "height_m": needs.height_m is not None and height is None and facts.kind != "on_street",
        "max_price": needs.max_price is not None and hour is None,
        "open": opened is None,
        "stay_min": wanted.stay_min is not None and spaces.max_stay_min is None,
    }
    if (
        distance_m == inf
        or not would_do
        or not (spaces.vacant or query.include_full)
        or (needs.kind is not None and needs.kind != facts.kind)
        or (needs.height_m is not None and height is not None and needs.height_m > height)
        or (needs.max_price is not None and hour is not None and hour > needs.max_price)
        or (opened is False and (query.open or (query.open is None and not query.include_full)))
        or (query.only_known and any(lacking.values()))
    ):
        return None
    stale = (NOW - view.as_of(site)).total_seconds() > view.stale_after_s
    chance = TurnoverChances().chance(
        Asked(
            site=id,
            kind=facts.kind,
            vacant=spaces.vacant,
            occupied=spaces.occupied,
            unknown=spaces.unknown,
            as_of=view.as_of(site),
            arrival=arrival + timedelta(minutes=distance_m * DETOUR_MIN_PER_M),
        )
    )
    chance = Chance(0, 0) if opened is False else None if stale else chance
    return {
        "id": id,
        "metres": distance_m,
        "distance_m": round(distance_m),
        "matching_vacant": spaces.vacant,
        "matching_unknown": spaces.unknown,
        "max_stay_min": spaces.max_stay_min,
        "chance": None if chance is None else at_least(chance.low),
        "open": opened,
        "not_known": [name for name, lacks in lacking.items() if lacks],
        "bays": free,
    }


def plainly(view: LiveView, query: Query) -> list[dict[str, Any]]:
    """What is to be found: of the nearest that would do the best."""
    found = [one for id in view.sites if (one := result(view, id, query)) is not None]
    nearest = sorted(found, key=lambda one: one["metres"])[:COMPARED]
    by_chance = query.sort == "chance"
    nearest.sort(
        key=lambda one: (
            one["open"] is False,
            one["chance"] is None and by_chance,
            -(one["chance"] or 0) if by_chance else 0,
            one["metres"],
        )
    )
    return [
        {name: value for name, value in one.items() if name != "metres"} for one in nearest[: query.limit]
    ]


views = st.builds(
    town,
    st.integers(0, 1_000_000),
    sites=st.sampled_from([10, 200]),
    at=st.just(HERE),
    reach_m=st.sampled_from([200.0, 1500.0]),
)
queries = st.builds(
    Query,
    wanted=st.builds(
        Wanted,
        lat=st.floats(HERE[1] - 0.01, HERE[1] + 0.01),
        lon=st.floats(HERE[0] - 0.01, HERE[0] + 0.01),
        radius_m=st.sampled_from([30.0, 300.0, 2000.0, 10_000.0]),
        categories=st.frozensets(st.sampled_from([*CATEGORIES, "motorcycle"]), max_size=2),
        stay_min=st.sampled_from([None, None, 25, 100, 300]),
    ),
    needs=st.builds(
        Needs,
        st.sampled_from([0, 10, 90, 60 * 7]).map(lambda minutes: NOW + timedelta(minutes=minutes)),
        height_m=st.sampled_from([None, None, 2.0]),
        max_price=st.sampled_from([None, None, 2.0]),
        currency=st.sampled_from(["GBP", "EUR"]),
        kind=st.sampled_from([None, None, *KINDS]),
    ),
    limit=st.sampled_from([1, 5, 20, 100]),
    open=st.sampled_from([None, True, False]),
    include_full=st.booleans(),
    only_known=st.booleans(),
    sort=st.sampled_from(["chance", "distance"]),
)


def told(one: NearSite) -> dict[str, Any]:
    return {name: getattr(one, name) for name in TOLD} | {"bays": [bay.id for bay in one.bays]}


@settings(max_examples=40, deadline=None)
@given(view=views, query=queries)
def test_the_answer_is_that_of_looking_at_each_site(view: LiveView, query: Query) -> None:
    found = Nearby(view, TurnoverChances()).find(query)
    assert [told(one) for one in found] == plainly(view, query)


@pytest.mark.parametrize("at", [(179.999, 51.48), (-180.0, 0.0), (-3.176, 89.5), (0.0, -89.99)])
@pytest.mark.parametrize("radius_m", [1.0, 250.0, 1500.0, 10_000.0])
def test_sites_are_found_nearest_first_wherever_on_earth(at: Location, radius_m: float) -> None:
    view = town(1, sites=200, at=at, reach_m=1500)
    query = Query(wanted=Wanted(lon=at[0], lat=at[1], radius_m=radius_m), needs=Needs(NOW), limit=1)
    far = {id: metres for id in view.sites if (metres := distance(view, id, query)[0]) < inf}
    found = Nearby(view, TurnoverChances()).sites(query.wanted)
    assert set(found) == far.keys()
    assert [far[id] for id in found] == pytest.approx(sorted(far.values()), abs=0.001)
