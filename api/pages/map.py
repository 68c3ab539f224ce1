"""The map: /map. An extra beside the list, which says all that the map shows; only it loads the map's script.

What the map draws comes in two parts: where everything is, which changes with the registry, and what is free,
which is small and is asked for again and again. Bays that are not told one by one are not on it.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from fastapi import FastAPI, Request
from numpy.typing import NDArray
from starlette.responses import FileResponse, Response

from api.answers import answer
from api.bays import OCCUPIED, VACANT
from api.bodies import encode
from api.live import LiveSite, LiveView
from api.pages.place import category_name
from api.pages.site import Page, Pages, html
from api.pages.words import clock, site_line, site_list
from api.prepared import Answers, Prepared, prepared

MICRO: Final = 1_000_000
"""Places are told in millionths of a degree: a tenth of a metre."""
TILES: Final = "/map/tiles.pmtiles"
TILES_CACHE: Final = "public, max-age=86400"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOptions:
    """`hidden`: categories of bays that are not told one by one; `tiles`: a .pmtiles file to draw beneath."""

    hidden: frozenset[str]
    tiles: Path | None


def add_map(app: FastAPI, pages: Pages, view: LiveView, answers: Answers, options: MapOptions) -> None:
    """Add the page and what its script reads."""

    async def page_of_map(request: Request, page: Page) -> Response:
        def render(now: datetime) -> Prepared:
            listed = site_list(view, page, now)
            made = page.render("map.html", sites=listed, tiles=TILES if options.tiles else "")
            return html(made, answers.next_stale(now))

        view.require_loaded()
        return answer(request, answers.prepare(("map page", page.language.code), render))

    async def places(request: Request, page: Page) -> Response:
        def render(now: datetime) -> Prepared:
            return prepared(encode(map_places(view, page, options.hidden)), cache="no-cache")

        key = ("map places", page.language.code)
        return answer(request, answers.prepare(key, render, basis=view.registry_version))

    async def states(request: Request, page: Page) -> Response:
        def render(now: datetime) -> Prepared:
            return prepared(
                encode(map_states(view, page, options.hidden, now)), answers.next_stale(now), cache="no-cache"
            )

        return answer(request, answers.prepare(("map states", page.language.code), render))

    pages.add("/map", page_of_map)
    pages.add("/map/places.json", places)
    pages.add("/map/states.json", states)
    if options.tiles is not None:
        tiles = options.tiles

        async def read_tiles() -> Response:
            # A part is asked for at many zooms. The script notices by the ETag when the file changes.
            return FileResponse(
                tiles, media_type="application/vnd.pmtiles", headers={"Cache-Control": TILES_CACHE}
            )

        app.add_api_route(TILES, read_tiles, include_in_schema=False)


def map_places(view: LiveView, page: Page, hidden: frozenset[str]) -> dict[str, Any]:
    """Where everything is: sites, and bays in columns; those of one site follow each other."""
    rows, bays = _shown(view, hidden), view.bays
    ids, counts = np.unique(bays.site[rows], return_counts=True)
    return {
        "version": view.registry_version,
        "sites": [
            {"id": site.facts.id, "name": site.facts.name, "lon": location[0], "lat": location[1]}
            for site in _located(view)
            if (location := site.facts.location) is not None
        ],
        "categories": [category_name(page, name) for name in bays.categories],
        "bays": {
            "site": [[bays.sites[site], int(count)] for site, count in zip(ids, counts, strict=True)],
            "category": bays.category[rows].tolist(),
            "lon": np.rint(bays.lons[rows] * MICRO).astype(np.int64).tolist(),
            "lat": np.rint(bays.lats[rows] * MICRO).astype(np.int64).tolist(),
        },
    }


def map_states(view: LiveView, page: Page, hidden: frozenset[str], now: datetime) -> dict[str, Any]:
    """What is free now, in the order of `map_places`: a letter a bay (v, o, u), and the words of the list."""
    rows = _shown(view, hidden)
    letters = np.full(len(rows), b"u", dtype="S1")
    letters[view.bays.state[rows] == VACANT] = b"v"
    letters[view.bays.state[rows] == OCCUPIED] = b"o"
    stale = np.array(
        [name not in view.sites or view.is_stale(view.sites[name], now) for name in view.bays.sites]
    )
    if len(rows):
        letters[stale[view.bays.site[rows]]] = b"u"
    located = _located(view)
    oldest = min((view.as_of(site) for site in located), default=now)
    lines = (site_line(view, site, page, now) for site in located)
    return {
        "version": view.registry_version,
        "as_of": clock(page, oldest, "Europe/London", now),
        "sites": [
            {
                "tone": line.tone,
                "headline": line.headline,
                "detail": line.detail,
                "label": _label(site, line.tone),
            }
            for site, line in zip(located, lines, strict=True)
        ],
        "bays": letters.tobytes().decode(),
    }


def _label(site: LiveSite, tone: str) -> str:
    """What stands in a site's mark: its number, or a sign that there is none."""
    return {"free": str(site.snapshot.vacant), "full": "0", "closed": "×"}.get(tone, "?")


def _located(view: LiveView) -> list[LiveSite]:
    return [site for site in view.sites.values() if site.facts.location is not None]


def _shown(view: LiveView, hidden: frozenset[str]) -> NDArray[np.intp]:
    """The rows of the bays that are drawn."""
    bays = view.bays
    told = np.array([name not in hidden for name in bays.categories], dtype=np.bool_)
    if not len(bays):
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(told[bays.category] & ~np.isnan(bays.lons))
