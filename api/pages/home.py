"""The driver's page: where and when, and the nearest places with a space. /"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.answers import answer
from api.bodies import NearSite
from api.fit import Needs
from api.live import LiveView
from api.nearby import Nearby, Query
from api.pages.place import category_name, price_words, stay
from api.pages.site import Page, Pages, html
from api.pages.words import SiteLine, clock, site_line
from api.place_names import PlaceNames
from api.places import Wanted
from api.prepared import Prepared
from api.problems import RETRY_AFTER_S
from parking.gazetteer import NamedPlace

RADIUS_M = 1500.0
"""As far as people walk, and then some."""
MOST = 10
ARRIVALS_MIN = (0, 15, 30, 60, 120)
OFFERED = ("disabled", "electric", "loading", "motorcycle", "parent")
NAMES_OFFERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form holds: as it was typed, and whether it is more than nothing."""

    place: str
    arrive_min: int
    category: str
    height: str
    point: tuple[float, float] | None

    @property
    def something(self) -> bool:
        """Whether a place was asked for."""
        return bool(self.place) or self.point is not None


@dataclass(frozen=True, slots=True)
class Found:
    """A place to park, in words."""

    line: SiteLine
    chance: str
    walk: str
    reason: str
    facts: list[str]
    navigation: str
    age: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the page answers: the place that was meant, what else it may have been, and what is near."""

    meant: NamedPlace | None
    others: list[NamedPlace]
    found: list[Found]
    error: str
    as_of: str


def add_home(pages: Pages, view: LiveView, nearby: Nearby, names: PlaceNames) -> None:
    """Add the driver's page."""

    async def home(request: Request, page: Page) -> Response:
        asked = read_form(request.query_params)
        now = view.clock.now()
        answered = Answered(None, [], [], "", "")
        if view.loaded and asked.something:
            answered = _answer(view, nearby, names, page, asked, now)
        made = _render(page, view, asked, answered, now)
        if view.loaded:
            return answer(request, made)
        response = answer(request, made, status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response

    pages.add("/", home)


def read_form(query: QueryParams) -> Asked:
    """What was asked; a value that cannot be is as if it had not been given."""
    try:
        lat, lon = float(query.get("lat", "")), float(query.get("lon", ""))
        point = (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None
    except ValueError:
        point = None
    arrive = query.get("arrive", "0")
    return Asked(
        place=query.get("place", "")[:200].strip(),
        arrive_min=int(arrive) if arrive.isascii() and arrive.isdigit() and int(arrive) <= 1440 else 0,
        category=query.get("category", "")[:50],
        height=query.get("height", "")[:10].replace(",", "."),
        point=point,
    )


def _answer(
    view: LiveView, nearby: Nearby, names: PlaceNames, page: Page, asked: Asked, now: datetime
) -> Answered:
    if asked.point is not None:
        meant, others = NamedPlace(asked.place or page.text("where you are"), *asked.point), []
    else:
        matches = names.find(asked.place)
        if not matches:
            unknown = page.text("We do not know “%(place)s”. Try a street or a car park.", place=asked.place)
            return Answered(None, [], [], unknown, "")
        meant, others = matches[0], matches[1:]
    try:
        height = float(asked.height) if asked.height else None
    except ValueError:
        return Answered(
            meant, others, [], page.text("The height must be a number of metres, such as 2.1."), ""
        )
    if height is not None and not 0 < height <= 10:
        return Answered(meant, others, [], page.text("The height must be between 0 and 10 metres."), "")
    arrival = now + timedelta(minutes=asked.arrive_min)
    query = Query(
        wanted=Wanted(
            lat=meant.lat,
            lon=meant.lon,
            radius_m=RADIUS_M,
            categories=frozenset({asked.category} if asked.category else ()),
            stay_min=None,
        ),
        needs=Needs(arrival, height_m=height, max_price=None, currency="GBP", kind=None),
        limit=MOST,
        include_full=True,
    )
    found = [_found(view, page, near, now) for near in nearby.find(query)]
    oldest = min((view.as_of(site) for site in view.sites.values()), default=now)
    return Answered(meant, others, found, "", clock(page, oldest, "Europe/London", now))


def _found(view: LiveView, page: Page, near: NearSite, now: datetime) -> Found:
    site = view.sites[near.id]
    facts = []
    if near.max_stay_min is not None:
        facts.append(page.text("longest stay %(stay)s", stay=stay(page, near.max_stay_min)))
    if near.max_height_m is not None:
        facts.append(page.text("height limit %(metres)s m", metres=near.max_height_m))
    if near.price is not None and (price := price_words(page, site.facts.details.tariff)):
        facts.append(price)
    location = site.facts.location
    return Found(
        line=site_line(view, site, page, now),
        chance=_chance(page, near),
        walk=page.texts("%(num)d minute’s walk", "%(num)d minutes’ walk", max(1, near.walking_minutes)),
        reason=near.reason,
        facts=facts,
        navigation=page.navigation(location) if location is not None else "",
        age=clock(page, near.as_of, near.timezone, now),
    )


def _chance(page: Page, near: NearSite) -> str:
    """How likely a space is on arrival, in words and in percent."""
    if near.open is False:
        return page.text("closed")
    if near.chance is None:
        return page.text("chance not known")
    percent = round(near.chance * 100)
    for least, words in (
        (90, page.text("very likely a space")),
        (70, page.text("likely a space")),
        (40, page.text("perhaps a space")),
        (1, page.text("hardly a space")),
    ):
        if percent >= least:
            return page.text("%(words)s (%(percent)d in 100)", words=words, percent=percent)
    return page.text("no space")


def _render(page: Page, view: LiveView, asked: Asked, answered: Answered, now: datetime) -> Prepared:
    names = sorted({site.facts.name for site in view.sites.values()})[:NAMES_OFFERED]
    arrivals = [(minutes, _arrival(page, minutes, now)) for minutes in ARRIVALS_MIN]
    categories = [(kind, category_name(page, kind)) for kind in OFFERED]
    return html(
        page.render(
            "home.html",
            asked=asked,
            answered=answered,
            loaded=view.loaded,
            names=names,
            arrivals=arrivals,
            categories=categories,
        )
    )


def _arrival(page: Page, minutes: int, now: datetime) -> str:
    if minutes == 0:
        return page.text("now")
    if minutes % 60 == 0:
        return page.texts("in %(num)d hour", "in %(num)d hours", minutes // 60)
    return page.texts("in %(num)d minute", "in %(num)d minutes", minutes)
