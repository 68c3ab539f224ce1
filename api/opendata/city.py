"""What every open-data document tells of: all sites at one moment, taken from the live view as it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np

from api.bays import OCCUPIED, UNKNOWN, VACANT, BayTable
from api.live import LiveSite, LiveView
from parking.db.live import BayFacts, BayNow, SiteFacts
from parking.db.opening import Closure
from parking.model import Counting, SiteStatus, Snapshot
from parking.opening import COUNTRY
from parking.outlook import Forecasts, Outlook

STEP = timedelta(seconds=10)
"""Times of confirmation are told in such steps, so that documents stay the same while numbers do."""


class Shown(StrEnum):
    """Whether a site's number may be shown as true, and why not."""

    LIVE = "live"
    STALE = "stale"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    """No space of it reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who publishes, and by which licence; `url` is where this API is reached from outside, if known."""

    name: str
    licence_url: str
    licence: str
    url: str | None = None
    country: str = COUNTRY

    def link(self, path: str) -> str:
        """That path as a link: whole where our own address is known, else from the root of the host."""
        return f"{self.url or ''}{path}"


@dataclass(frozen=True, slots=True)
class Group:
    """The spaces of one category at a site; the counts are None where only their number is known."""

    category: str
    capacity: int
    vacant: int | None = None
    occupied: int | None = None
    unknown: int | None = None


@dataclass(frozen=True)
class PublishedSite:
    """One site as it is published. `closure` is what closes it now; `table` holds the bays of the city."""

    facts: SiteFacts
    snapshot: Snapshot
    as_of: datetime
    stale: bool
    closure: Closure | None
    table: BayTable
    rows: range
    withheld: frozenset[str]
    outlook: Outlook | None = None

    @property
    def id(self) -> str:
        """The site's id."""
        return self.facts.id

    @property
    def on_street(self) -> bool:
        """Whether it is a street, not a car park."""
        return self.facts.kind == "on_street"

    @property
    def counted_at_gates(self) -> bool:
        """Whether cameras at its gates count it, and not a sensor in each bay."""
        return self.facts.counting is Counting.GATES

    @property
    def shown(self) -> Shown:
        """Whether its number may be shown as true."""
        if self.stale:
            return Shown.STALE
        if self.snapshot.status is SiteStatus.CLOSED:
            return Shown.CLOSED
        if self.snapshot.capacity and self.snapshot.unknown == self.snapshot.capacity:
            return Shown.UNKNOWN
        return Shown.LIVE

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Its spaces by category; at gates only the marked spaces are known."""
        if self.counted_at_gates:
            spaces = self.facts.details.spaces
            return tuple(Group(category, spaces[category]) for category in sorted(spaces))
        part = slice(self.rows.start, self.rows.stop)
        names, table = self.table.categories, self.table
        pairs = table.category[part].astype(np.int64) * 3 + table.state[part]
        counts = np.bincount(pairs, minlength=len(names) * 3).reshape(-1, 3)
        return tuple(
            Group(name, sum(states), states[VACANT], states[OCCUPIED], states[UNKNOWN])
            for name, states in zip(names, counts.tolist(), strict=True)
            if any(states)
        )

    def bays(self) -> Iterator[tuple[BayFacts, BayNow]]:
        """The bays that may be told of one by one."""
        for facts, now in self.table.of_rows(self.rows):
            if facts.category not in self.withheld:
                yield facts, now


@dataclass(frozen=True, slots=True)
class City:
    """All sites at one moment. `as_of` is the least recent confirmation among them."""

    publisher: Publisher
    sites: tuple[PublishedSite, ...]
    as_of: datetime

    def bays(self) -> Iterator[tuple[PublishedSite, BayFacts, BayNow]]:
        """All bays that may be told of one by one."""
        for site in self.sites:
            for facts, now in site.bays():
                yield site, facts, now


def step_of(confirmed_at: datetime | None) -> datetime | None:
    """That time, rounded down to a STEP: every process that knows the same says the same."""
    if confirmed_at is None:
        return None
    seconds = int(confirmed_at.timestamp()) // STEP.seconds * STEP.seconds
    return datetime.fromtimestamp(seconds, UTC)


def take(
    view: LiveView,
    publisher: Publisher,
    *,
    forecasts: Forecasts,
) -> City:
    """The city as the view shows it now; nothing of it changes later, so another thread may read it."""
    now, table, step = view.clock.now(), view.bays.copy(), step_of(view.confirmed_at)

    def published(site: LiveSite) -> PublishedSite:
        # What the snapshot says was known when it was published, whatever was confirmed before.
        as_of = site.snapshot.as_of if step is None else max(step, min(site.snapshot.as_of, view.as_of(site)))
        return PublishedSite(
            facts=site.facts,
            snapshot=site.snapshot,
            as_of=as_of,
            stale=view.is_stale(site, now),
            closure=_closure_now(view.closures.get(site.facts.id, ()), now),
            table=table,
            rows=site.bays.rows,
            withheld=view.withheld,
            outlook=forecasts.of(site.facts.id),
        )

    sites = tuple(published(site) for site in view.sites.values())
    as_of = min((site.as_of for site in sites), default=step or now.replace(microsecond=0))
    return City(publisher, sites, as_of)


def _closure_now(closures: list[Closure] | tuple[()], now: datetime) -> Closure | None:
    return next(
        (one for one in closures if one.from_at <= now and (one.until_at is None or now < one.until_at)), None
    )
