"""Where people want to go, by name: a council's own places, and the sites of the registry."""

from collections.abc import Sequence

from api.live import LiveView
from parking.gazetteer import Gazetteer, NamedPlace


class PlaceNames:
    """Finds places by name. `places` are those that a council's file names."""

    def __init__(self, view: LiveView, places: Sequence[NamedPlace]) -> None:
        self._view = view
        self._places = places
        self._made: tuple[int, Gazetteer] | None = None

    def find(self, text: str) -> list[NamedPlace]:
        """The places that a text means, the likeliest first (`Gazetteer.find`)."""
        return self._gazetteer().find(text)

    def _gazetteer(self) -> Gazetteer:
        version = self._view.registry_version
        if self._made is None or self._made[0] != version:
            self._made = version, Gazetteer([*self._places, *_sites(self._view)])
        return self._made[1]


def _sites(view: LiveView) -> list[NamedPlace]:
    return [
        NamedPlace(site.facts.name, site.facts.location[1], site.facts.location[0])
        for site in view.sites.values()
        if site.facts.location is not None
    ]
