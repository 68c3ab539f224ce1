"""Where a driver near a place can park: distances over the grid at once, then the few sites that matter."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from math import ceil, floor
from typing import Final, Literal

import msgspec

from api.bodies import NearBay, NearSite, Point, price, site_body
from api.fit import Needs, Opening, not_known, opening_at, unfit
from api.live import LiveSite, LiveView
from api.places import Matching, Near, Places, Spaces, Wanted
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

Sort = Literal["chance", "distance"]


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
    place: int
    distance_m: float
    spaces: Spaces
    opening: Opening
    stale: bool
    not_known: list[str]
    chance: Chance | None = None

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
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        """The places of the registry as it is now."""
        if self._places is None or self._places.registry_version != self._view.registry_version:
            self._places = Places(self._view)
        return self._places

    def find(self, query: Query) -> list[NearSite]:
        """The sites that would do, best first; a full or wholly unknown one only with `include_full`.

        A space whose state is unknown is never counted as free.
        """
        now = self._view.clock.now()
        near = self.places.near(query.wanted)
        fit = list(islice(self._candidates(near, query, now), COMPARED))
        fit.sort(key=lambda one: one.rank(query.sort))
        return [self._result(one, near, query, now) for one in fit[: query.limit]]

    def _candidates(self, near: Near, query: Query, now: datetime) -> Iterator[_Candidate]:
        """The sites that would do, nearest first."""
        view, arrival = self._view, max(query.needs.arrival, now)
        for place, distance, site, spaces in self._spaces(near, query.wanted):
            if not (query.include_full or spaces.vacant) or unfit(site, query.needs):
                continue
            closures = view.closures.get(site.facts.id, [])
            opening = opening_at(site, closures, at=arrival, now=now)
            if opening.open is False and (query.open or (query.open is None and not query.include_full)):
                continue
            lacking = not_known(site, query.needs, opening)
            if query.wanted.stay_min is not None and spaces.max_stay_min is None:
                lacking.append("stay_min")
            if query.only_known and lacking:
                continue
            stale = view.is_stale(site, now)
            one = _Candidate(site, place, distance, spaces, opening, stale, lacking)
            one.chance = self._chance(one, arrival)
            yield one

    def _spaces(self, near: Near, wanted: Wanted) -> Iterator[tuple[int, float, LiveSite, Spaces]]:
        """Each site near with its place, its distance and the spaces that would do, nearest first."""
        places = self.places
        for first in range(0, len(near.sites), COMPARED):
            block = near.sites[first : first + COMPARED]
            matching = Matching(places, block, wanted)
            distances = near.distances_m[first : first + COMPARED]
            for place, distance in zip(block.tolist(), distances.tolist(), strict=True):
                site = self._view.sites[places.sites[place]]
                if (spaces := matching.spaces(place, site)) is not None:
                    yield place, distance, site, spaces

    def _chance(self, one: _Candidate, arrival: datetime) -> Chance | None:
        """The chance when the driver, who is at the place by `arrival`, has driven to the site."""
        if one.opening.open is False:
            return Chance(0.0, 0.0)
        if one.stale:
            return None
        drive = timedelta(minutes=one.distance_m * DETOUR / DRIVING_M_PER_MINUTE)
        return self._chances.chance(
            Asked(
                site=one.site.facts.id,
                kind=one.site.facts.kind,
                vacant=one.spaces.vacant,
                occupied=one.spaces.occupied,
                unknown=one.spaces.unknown,
                as_of=self._view.as_of(one.site),
                arrival=arrival + drive,
            )
        )

    def _result(self, one: _Candidate, near: Near, query: Query, now: datetime) -> NearSite:
        details = one.site.facts.details
        body = site_body(one.site, as_of=self._view.as_of(one.site), stale=one.stale)
        return NearSite(
            **msgspec.structs.asdict(body),
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
            bays=[self._near_bay(row, metres) for row, metres in near.free_bays(one.place)],
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
        bay = self._view.bays.facts(row)
        assert bay.location is not None, "only bays with a location are found"
        return NearBay(
            id=bay.id, category=bay.category, location=Point(*bay.location), distance_m=round(distance_m)
        )


def at_least(chance: float) -> float:
    """The chance rounded down to a step, so that it is never told as certain."""
    return min(floor(chance * STEPS), STEPS - 1) / STEPS


def at_most(chance: float) -> float:
    """The chance rounded up to a step."""
    return ceil(chance * STEPS - 1e-9) / STEPS
