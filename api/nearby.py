"""Where a driver near a place can park: sites that may do by columns, then one by one from the nearest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from math import ceil, floor
from operator import itemgetter
from typing import Final, Literal

from api.bodies import NearBay, NearSite, Point, price, site_fields
from api.fit import Fits, Needs, Opening, Openings, not_known
from api.live import LiveSite, LiveView
from api.places import Near, Places, Spaces, Wanted
from api.words import Seen, reason
from parking.chance import Asked, Chance, Chances

DETOUR: Final = 1.3
"""Streets are not straight: walked distance over straight distance, a usual figure for towns."""
WALKING_M_PER_MINUTE: Final = 75.0
DRIVING_M_PER_MINUTE: Final = 20_000 / 60
"""20 km/h: a town, looking for a space."""
COMPARED: Final = 100
"""The nearest sites that fit are compared, so many at most; what is farther has little to offer."""
STEPS: Final = 20
"""A chance is told in so many steps: it is not known better."""

_NONE: Final = Chance(0.0, 0.0)
"""Where it is closed then."""

Sort = Literal["chance", "distance"]
_BEST: Final[dict[Sort, tuple[bool, bool, float]]] = {
    "chance": (False, False, -(STEPS - 1) / STEPS),
    "distance": (False, False, 0.0),
}
"""How a rank begins that only distance can better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a driver asks for. `open` True: only sites that are open on arrival; False: closed ones too; None:
    closed ones only with `include_full`. With `only_known`, nothing that was asked for may be unknown.
    """

    wanted: Wanted
    needs: Needs
    limit: int
    open: bool | None = None
    include_full: bool = False
    only_known: bool = False
    sort: Sort = "chance"


def walking_minutes(distance_m: float) -> int:
    """Whole minutes on foot, rounded up."""
    return ceil(distance_m * DETOUR / WALKING_M_PER_MINUTE)


@dataclass(slots=True)
class _Candidate:
    """A site that would do."""

    site: LiveSite
    near: Near
    distance_m: float
    spaces: Spaces
    opening: Opening
    stale: bool
    not_known: list[str]
    chance: Chance | None

    def rank(self, sort: Sort) -> tuple[bool, bool, float, float, str]:
        """Closed comes last, and before it what nobody knows; else by chance and then by distance."""
        unsure, low = self.chance is None, 0.0
        if sort == "chance" and self.chance is not None:
            low = at_least(self.chance.low)
        return (
            self.opening.open is False,
            unsure and sort == "chance",
            -low,
            self.distance_m,
            self.site.facts.id,
        )


class Nearby:
    """Finds sites near a place; `chances` says how likely a space is to be free on arrival."""

    def __init__(self, view: LiveView, chances: Chances) -> None:
        self._view = view
        self._chances = chances
        self._known: tuple[Places, Fits] | None = None

    def _of_registry(self) -> tuple[Places, Fits]:
        """What the registry says now, in columns."""
        if self._known is None or self._known[0].registry_version != self._view.registry_version:
            places = Places(self._view)
            self._known = places, Fits(places.sites)
        return self._known

    def sites(self, wanted: Wanted) -> list[str]:
        """The ids of all sites there, nearest first."""
        places, _ = self._of_registry()
        return [places.sites[near.place].facts.id for near in places.near(wanted)]

    def find(self, query: Query) -> list[NearSite]:
        """The sites that would do, best first; a full or wholly unknown one only with `include_full`.

        A space whose state is unknown is never counted as free.
        """
        now = self._view.clock.now()
        fit = _first(islice(self._candidates(query, now), COMPARED), query)
        return [self._result(one, query, now) for one in fit]

    def _candidates(self, query: Query, now: datetime) -> Iterator[_Candidate]:
        """The sites that would do, nearest first."""
        view, wanted, needs = self._view, query.wanted, query.needs
        places, fits = self._of_registry()
        arrival = max(needs.arrival, now)
        openings = Openings(view.closures, at=arrival, now=now)
        only_open = query.open or (query.open is None and not query.include_full)
        for near in places.near(wanted, fits.fit(needs)):
            site = places.sites[near.place]
            spaces = near.spaces(site)
            if spaces is None or not (query.include_full or spaces.vacant):
                continue
            opening = openings.of(site)
            if opening.open is False and only_open:
                continue
            lacking = not_known(site, needs, opening)
            if wanted.stay_min is not None and spaces.max_stay_min is None:
                lacking.append("stay_min")
            if query.only_known and lacking:
                continue
            stale, distance_m = view.is_stale(site, now), near.metres
            if opening.open is False:
                chance: Chance | None = _NONE
            else:
                chance = None if stale else self._chance(site, spaces, distance_m, arrival)
            yield _Candidate(site, near, distance_m, spaces, opening, stale, lacking, chance)

    def _chance(self, site: LiveSite, spaces: Spaces, distance_m: float, arrival: datetime) -> Chance | None:
        """The chance when the driver, who is at the place by `arrival`, has driven to the site."""
        drive = timedelta(minutes=distance_m * DETOUR / DRIVING_M_PER_MINUTE)
        return self._chances.chance(
            Asked(
                site=site.facts.id,
                kind=site.facts.kind,
                vacant=spaces.vacant,
                occupied=spaces.occupied,
                unknown=spaces.unknown,
                as_of=self._view.as_of(site),
                arrival=arrival + drive,
            )
        )

    def _result(self, one: _Candidate, query: Query, now: datetime) -> NearSite:
        details = one.site.facts.details
        return NearSite(
            **site_fields(one.site, as_of=self._view.as_of(one.site), stale=one.stale),
            distance_m=round(one.distance_m),
            walking_m=round(one.distance_m * DETOUR),
            walking_minutes=walking_minutes(one.distance_m),
            matching_vacant=one.spaces.vacant,
            matching_unknown=one.spaces.unknown,
            chance=None if one.chance is None else at_least(one.chance.low),
            chance_high=None if one.chance is None else at_most(one.chance.high),
            reason=self._reason(one, query, now),
            open=one.opening.open,
            max_stay_min=one.spaces.max_stay_min,
            max_height_m=details.max_height_m,
            price=price(details.tariff),
            opening_hours=details.opening_hours,
            address=details.address,
            not_known=one.not_known,
            bays=[self._near_bay(row, metres) for row, metres in one.near.free_bays()],
        )

    def _reason(self, one: _Candidate, query: Query, now: datetime) -> str:
        return reason(
            Seen(
                vacant=one.spaces.vacant,
                occupied=one.spaces.occupied,
                unknown=one.spaces.unknown,
                age_s=max((now - self._view.as_of(one.site)).total_seconds(), 0.0),
                stale=one.stale,
                walk_min=walking_minutes(one.distance_m),
                arrives_in_min=max(ceil((query.needs.arrival - now).total_seconds() / 60), 0),
                kinds=" or ".join(sorted(query.wanted.categories)),
                closed=one.opening.why,
                forecast=None if one.chance is None else one.chance.why,
            )
        )

    def _near_bay(self, row: int, distance_m: float) -> NearBay:
        bays = self._view.bays
        location = bays.location(row)
        assert location is not None, "only bays with a location are found"
        return NearBay(
            id=bays.ids[row],
            category=bays.category_of(row),
            location=Point(*location),
            distance_m=round(distance_m),
        )


def _first(candidates: Iterable[_Candidate], query: Query) -> list[_Candidate]:
    """The best of candidates that come nearest first. Once `limit` of them could not be better but by being
    nearer, no farther one is looked at.
    """
    ranked, best, reached_m = [], 0, 0.0
    for one in candidates:
        if best >= query.limit and one.distance_m > reached_m:
            break
        rank = one.rank(query.sort)
        ranked.append((rank, one))
        if rank[:3] == _BEST[query.sort]:
            best, reached_m = best + 1, one.distance_m
    ranked.sort(key=itemgetter(0))
    return [one for _, one in ranked[: query.limit]]


def at_least(chance: float) -> float:
    """The chance rounded down to a step, so that it is never told as certain."""
    return min(floor(chance * STEPS), STEPS - 1) / STEPS


def at_most(chance: float) -> float:
    """The chance rounded up to a step."""
    return ceil(chance * STEPS - 1e-9) / STEPS
