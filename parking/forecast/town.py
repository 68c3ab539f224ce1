"""All sites of a town as the live forecast sees them: in groups that learn together, one calendar each.

A group's sites are of one time zone and as alike as can be, since they teach each other. Its size is bounded,
and with it the memory of a question and the time that it takes to begin anew when the registry changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final

import numpy as np

from parking.forecast.calendar import Calendar, time_zone
from parking.forecast.model import ForecastModel
from parking.forecast.series import Bools, Closure, Floats, Series, Site
from parking.forecast.summary import MINUTES, Summary, summary

MOST_SITES: Final = 100
Shut = Callable[[str, Sequence[int]], Bools]
"""Whether a site is closed at each of these moments (seconds since 1970)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site as the registry has it; its number plays no part here."""

    id: str
    kind: str
    timezone: str
    capacity: int


@dataclass(slots=True, eq=False)
class Group:
    """Sites that learn together; without a model until it has been fitted."""

    places: tuple[Place, ...]
    model: ForecastModel | None = None
    ids: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = frozenset(place.id for place in self.places)

    def fit(
        self,
        shares: Mapping[str, Series],
        closures: Mapping[str, tuple[Closure, ...]],
        holidays: frozenset[date],
    ) -> None:
        """Learn from the past: for each site what share of its spaces was taken when."""
        sites = [Site(place.id, place.capacity, closures.get(place.id, ())) for place in self.places]
        history = {
            place.id: Series(past.times, past.occupied * place.capacity)
            for place in self.places
            if (past := shares.get(place.id)) is not None
        }
        calendar = Calendar(time_zone(self.places[0].timezone), holidays)
        self.model = ForecastModel.fit(sites, calendar, history)

    def update(self, counts: Mapping[str, tuple[int, float]]) -> None:
        """Take in the latest counts, of which those of other groups are passed over."""
        if self.model is not None:
            self.model.update({site: count for site, count in counts.items() if site in self.ids})

    def foretell(self, at: int, shut: Shut) -> list[Summary]:
        """What is told of each site at `at`; nothing before it has been fitted."""
        if self.model is None:
            return []
        moments = [at + 60 * minutes for minutes in MINUTES]
        made = self.model.forecast(at, [60 * minutes for minutes in MINUTES])
        return [summary(forecasts, closed=shut(site, moments)) for site, forecasts in made.items()]

    def usual(self, at: int) -> tuple[int, dict[str, Floats]]:
        """When the local day of `at` began, and how many spaces are usually free at its quarter hours."""
        return (0, {}) if self.model is None else self.model.usual_day(at)


class Town:
    """The groups of all sites; a change of the registry makes new ones of those that it concerns."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def arrange(self, places: Iterable[Place]) -> None:
        """Take over the registry. Groups of which nothing has changed stay as they are."""
        old = {group.places: group for group in self.groups}
        self.groups = [old.get(chosen, Group(chosen)) for chosen in _chosen(places)]

    def unfitted(self) -> Group | None:
        """A group that has not learned yet, if there is one."""
        return next((group for group in self.groups if group.model is None), None)


def _chosen(places: Iterable[Place]) -> list[tuple[Place, ...]]:
    usable = sorted(
        (place for place in places if place.capacity > 0), key=lambda one: (one.timezone, one.kind, one.id)
    )
    found = []
    for _, alike in groupby(usable, key=lambda one: one.timezone):
        members = list(alike)
        parts = -(-len(members) // MOST_SITES)
        for rows in np.array_split(np.arange(len(members)), parts):
            found.append(tuple(members[row] for row in rows.tolist()))
    return found
