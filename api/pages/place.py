"""One site: /sites/{id}. Its number and how it is known, its spaces, hours, closures, price and ways in."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal
from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.forecasts import ForecastReader
from api.live import LiveSite, LiveView
from api.pages.corrected import LastCorrections
from api.pages.curve import Curve, curve
from api.pages.site import Page, Pages, html
from api.pages.words import SiteLine, clock, site_line
from api.prepared import Answers, Prepared
from parking.details import Tariff
from parking.model import Counting, Occupancy, SiteStatus
from parking.opening import opening_hours


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """The spaces of one category: how many there are and, where bays have sensors, in which state."""

    name: str
    total: int
    vacant: int | None
    unknown: int | None


@dataclass(frozen=True, slots=True)
class ClosureLine:
    """A time in which the site is closed, in words."""

    when: str
    reason: str
    now: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the summary: a name and a value, which may link to somewhere."""

    name: str
    value: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """All that the page of a site tells."""

    line: SiteLine
    as_of: datetime
    clock: str
    stale: bool
    revision: int
    known: str
    categories: list[CategoryLine]
    closures: list[ClosureLine]
    facts: list[Fact]
    curve: Curve | None


def add_place(
    pages: Pages, view: LiveView, answers: Answers, forecasts: ForecastReader, corrected: LastCorrections
) -> None:
    """Add the page of a site."""

    async def place(request: Request, page: Page) -> Response:
        site_id = request.path_params["site_id"]

        def render(now: datetime) -> Prepared:
            last = corrected.known.get(site_id)
            told = describe(view, view.site(site_id), page, now, forecasts, corrected_at=last)
            return html(page.render("place.html", place=told), answers.next_stale(now))

        site = view.site(site_id)  # an unknown id must not become a key
        if site.facts.counting is Counting.GATES:
            await corrected.refresh(site_id)
        return answer(request, answers.prepare(("site page", page.language.code, site_id), render))

    pages.add("/sites/{site_id}", place)


def describe(
    view: LiveView,
    site: LiveSite,
    page: Page,
    now: datetime,
    forecasts: ForecastReader,
    *,
    corrected_at: datetime | None = None,
) -> Place:
    """What the page of a site tells at `now`."""
    return Place(
        line=site_line(view, site, page, now),
        as_of=view.as_of(site),
        clock=clock(page, view.as_of(site), site.facts.timezone, now),
        stale=view.is_stale(site, now),
        revision=site.snapshot.revision,
        known=_known(site, page, corrected_at),
        categories=_categories(view, site, page),
        closures=_closures(view, site, page, now),
        facts=_facts(site, page, now),
        curve=curve(
            page,
            forecasts.of(site.facts.id),
            forecasts.days.get(site.facts.id),
            timezone=site.facts.timezone,
            capacity=site.snapshot.capacity,
            now=now,
        ),
    )


def category_name(page: Page, category: str) -> str:
    """A category of spaces in words."""
    names = {
        "standard": page.text("Standard"),
        "disabled": page.text("Disabled (Blue Badge)"),
        "electric": page.text("Electric charging"),
        "loading": page.text("Loading"),
        "motorcycle": page.text("Motorcycle"),
        "parent": page.text("Parent and child"),
        "resident": page.text("Residents"),
    }
    return names.get(category) or category.replace("_", " ").capitalize()


def _known(site: LiveSite, page: Page, corrected_at: datetime | None) -> str:
    now = site.snapshot
    if site.facts.counting is Counting.GATES:
        counted = page.text("Cameras at the gates count vehicles in and out. Plates are not kept.")
        if corrected_at is None:
            return counted
        when = _moment(page, corrected_at, site.facts.timezone)
        return f"{counted} " + page.text("The count was last corrected on %(when)s.", when=when)
    return page.texts(
        "%(known)d of %(num)d space reports by a sensor.",
        "%(known)d of %(num)d spaces report by sensors.",
        now.capacity,
        known=now.capacity - now.unknown,
    )


def _categories(view: LiveView, site: LiveSite, page: Page) -> list[CategoryLine]:
    if site.facts.counting is Counting.GATES:
        marked = sorted(site.facts.details.spaces.items())
        return [CategoryLine(category_name(page, kind), number, None, None) for kind, number in marked]
    states = Counter((view.bays[bay].category, now.state) for bay, now in site.bays.items())
    kinds = sorted({kind for kind, _ in states}, key=lambda kind: (kind != "standard", kind))
    return [
        CategoryLine(
            category_name(page, kind),
            sum(states[kind, state] for state in Occupancy),
            *(states[kind, state] for state in (Occupancy.VACANT, Occupancy.UNKNOWN)),
        )
        for kind in kinds
    ]


def _closures(view: LiveView, site: LiveSite, page: Page, now: datetime) -> list[ClosureLine]:
    lines = []
    for closure in view.closures.get(site.facts.id, []):
        begins = _moment(page, closure.from_at, site.facts.timezone)
        if closure.until_at is None:
            when = page.text("from %(begins)s until further notice", begins=begins)
        else:
            ends = _moment(page, closure.until_at, site.facts.timezone)
            when = page.text("from %(begins)s until %(ends)s", begins=begins, ends=ends)
        lines.append(ClosureLine(when, closure.reason, closure.from_at <= now))
    return lines


def _facts(site: LiveSite, page: Page, now: datetime) -> list[Fact]:
    details, locale = site.facts.details, page.language.locale
    facts: list[Fact] = []

    def add(name: str, value: str | None, href: str | None = None) -> None:
        if value:
            facts.append(Fact(name, value, href))

    add(page.text("Address"), details.address)
    add(page.text("Opening hours"), _hours(site, page, now))
    add(page.text("Price"), price_words(page, details.tariff))
    if details.max_stay_min:
        add(page.text("Longest stay"), stay(page, details.max_stay_min))
    if details.max_height_m:
        height = format_decimal(details.max_height_m, locale=locale)
        add(page.text("Height limit"), page.text("%(metres)s m", metres=height))
    for entrance in details.entrances:
        add(
            page.text("Way in"),
            entrance.name or page.text("Entrance"),
            page.navigation((entrance.lon, entrance.lat)),
        )
    if not details.entrances and site.facts.location:
        add(page.text("Way there"), page.text("Open navigation"), page.navigation(site.facts.location))
    add(page.text("Run by"), details.operator, details.url)
    return facts


def stay(page: Page, minutes: int) -> str:
    """A length of time in hours or minutes."""
    if minutes % 60 == 0:
        return page.texts("%(num)d hour", "%(num)d hours", minutes // 60)
    return page.texts("%(num)d minute", "%(num)d minutes", minutes)


def price_words(page: Page, tariff: Tariff | None) -> str | None:
    """What parking costs, in words; None where that is not known."""
    if tariff is None:
        return None
    if tariff.text:
        return tariff.text
    if tariff.free:
        return page.text("Free")
    if tariff.per_hour is None:
        return None
    price = format_currency(tariff.per_hour, tariff.currency, locale=page.language.locale)
    return page.text("%(price)s an hour", price=price)


def _hours(site: LiveSite, page: Page, now: datetime) -> str | None:
    text = site.facts.details.opening_hours
    if text is None:
        return None
    if text == "24/7":
        return page.text("Always open")
    try:
        change = opening_hours(text, site.facts.timezone).next_change(now)
    except ValueError:
        return text
    if change is None:
        return text
    when = _moment(page, change, site.facts.timezone)
    if site.snapshot.status is SiteStatus.OPEN:
        return page.text("%(hours)s (open until %(when)s)", hours=text, when=when)
    return page.text("%(hours)s (next change %(when)s)", hours=text, when=when)


def _moment(page: Page, moment: datetime, timezone: str) -> str:
    zone = ZoneInfo(timezone)
    return format_datetime(
        moment.astimezone(zone), "d MMMM y, HH:mm", tzinfo=zone, locale=page.language.locale
    )
