"""What one asks of the report of use, as it stands in the URL, so that a view can be shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from babel.dates import format_date
from starlette.datastructures import QueryParams

from api.live import LiveView
from api.pages.place import category_name
from api.pages.site import Page
from api.pages.staff.words import day, own_sites
from parking.db.report_scope import By, Question
from parking.errors import InputError
from parking.reporting.period import LONGEST, Bucket, Period

USUAL_DAYS: Final = 28
COMPARED: Final = {"before": "the period before", "year": "a year before", "": "nothing"}
BY: Final = {By.SITE: "site", By.ZONE: "zone", By.CATEGORY: "kind of space"}
_YEAR: Final = timedelta(days=364)
"""52 weeks, so that Mondays are compared with Mondays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """From the first to the last day, both included; of which sites; divided by what; compared with what."""

    first: date
    last: date
    site: str
    zone: str
    category: str
    by: By
    compare: str

    @property
    def days(self) -> int:
        """How many days that are."""
        return (self.last - self.first).days + 1

    @property
    def bucket(self) -> Bucket:
        """Of the chart: so many bars as one can look at."""
        if self.days <= 2:
            return Bucket.HOUR
        if self.days <= 100:
            return Bucket.DAY
        return Bucket.WEEK if self.days <= 400 else Bucket.MONTH

    def words(self, page: Page) -> str:
        """The period in words."""
        return f"{day(page, self.first)} to {day(page, self.last)}"

    def question(self, bucket: Bucket, by: By, sites: frozenset[str] | None) -> Question:
        """The question for the report; `sites` are the only ones that one may see."""
        return self._question(self.first, self.last, bucket, by, sites)

    def compared(self, sites: frozenset[str] | None) -> Question | None:
        """The same of the period that it is compared with."""
        if self.compare not in ("before", "year"):
            return None
        back = timedelta(days=self.days) if self.compare == "before" else _YEAR
        return self._question(self.first - back, self.last - back, Bucket.ALL, By.ALL, sites)

    def _question(
        self, first: date, last: date, bucket: Bucket, by: By, sites: frozenset[str] | None
    ) -> Question:
        period = Period(_midnight(first), _midnight(last + timedelta(days=1)), bucket)
        chosen = (self.site,) if self.site else None if sites is None else tuple(sorted(sites))
        return Question(
            period=period,
            by=by,
            sites=chosen,
            zones=(self.zone,) if self.zone else None,
            categories=(self.category,) if self.category else None,
        )


def choices(view: LiveView, page: Page, mine: frozenset[str] | None) -> dict[str, Any]:
    """What the filters offer to somebody who may see these sites (None: all), for the template."""
    sites = own_sites(view, mine)
    zones = {zone for site in sites if (zone := site.facts.details.zone)}
    return {
        "sites": [(site.facts.id, site.facts.name) for site in sites],
        "zones": [(zone, zone) for zone in sorted(zones)],
        "categories": [(name, category_name(page, name)) for name in view.bays.categories],
        "bys": [(by.value, words) for by, words in BY.items()],
        "compares": list(COMPARED.items()),
    }


def bucket_names(page: Page, starts: Sequence[datetime], bucket: Bucket) -> list[str]:
    """What buckets that begin at these local times are called."""
    if bucket is Bucket.HOUR:
        return [f"{at:%H:%M}" for at in starts]
    form = "MMM y" if bucket is Bucket.MONTH else "d MMM"
    return [format_date(at.date(), form, locale=page.language.locale) for at in starts]


def group_name(view: LiveView, page: Page, by: By, name: str) -> str:
    """A line of a report for people."""
    if by is By.SITE and name in view.sites:
        return view.sites[name].facts.name
    return category_name(page, name) if by is By.CATEGORY else name or "no zone"


def read_wanted(query: QueryParams, today: date) -> Wanted:
    """From the URL; by default the four weeks until yesterday. Raises InputError that names the value."""
    last = _day(query.get("to", ""), "to") or today - timedelta(days=1)
    first = _day(query.get("from", ""), "from") or last - timedelta(days=USUAL_DAYS - 1)
    if last < first:
        raise InputError(f"to: {last} is before {first}")
    if last - first >= LONGEST:
        raise InputError(f"from {first} to {last} is more than ten years")
    by = query.get("by", By.SITE.value)
    return Wanted(
        first=first,
        last=last,
        site=query.get("site", "")[:100],
        zone=query.get("zone", "")[:100],
        category=query.get("category", "")[:50],
        by=By(by) if by in {one.value for one in BY} else By.SITE,
        compare=query.get("compare", "before"),
    )


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: must be a date such as 2026-11-29 (found {text[:40]!r})") from None
    if not 2000 < day.year < 2200:
        raise InputError(f"{name}: {day} is not between 2001 and 2199")
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
