"""What a live view is filled with by hand, and a clock whose hands tests move."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from parking.availability import count_bays
from parking.columns import microseconds
from parking.db.binary import NEVER_US
from parking.db.live import BayFacts, BayNow, Confirmation, Everything, Location, SiteFacts
from parking.db.live_bays import BayColumns
from parking.db.opening import Closure
from parking.db.signs import SignFacts
from parking.model import Counting, Occupancy, SiteStatus, Snapshot

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HERE = (-3.176, 51.482)
STATES = {"v": Occupancy.VACANT, "o": Occupancy.OCCUPIED, "u": Occupancy.UNKNOWN}

SiteRow = tuple[SiteFacts, Snapshot]
BayRow = tuple[BayFacts, BayNow]


class Hands:
    """The hands of a clock: tests move them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def snapshot(states: str, *, site: str = "queen-street", revision: int = 1, age_s: float = 0) -> Snapshot:
    """The snapshot of a site whose bays are in these states, v, o or u."""
    counts = count_bays(vacant=states.count("v"), occupied=states.count("o"), unknown=states.count("u"))
    return Snapshot(
        site_id=site,
        revision=revision,
        status=SiteStatus.OPEN,
        capacity=counts.capacity,
        vacant=counts.vacant,
        occupied=counts.occupied,
        unknown=counts.unknown,
        free_min=counts.free_min,
        free_max=counts.free_max,
        as_of=NOW - timedelta(seconds=age_s),
    )


def street(
    states: str,
    *,
    site: str = "queen-street",
    revision: int = 1,
    age_s: float = 0,
    category: str = "standard",
    at: Location = HERE,
) -> tuple[SiteRow, list[BayRow]]:
    """A street whose bays, eleven metres apart going north, are in these states."""
    facts = SiteFacts(
        id=site,
        name=site.title(),
        kind="on_street",
        counting=Counting.BAYS,
        timezone="Europe/London",
        location=at,
    )
    bays = [
        (
            BayFacts(f"{site}-{number}", site, category, (at[0], at[1] + number / 10_000)),
            BayNow(STATES[state], None, False, revision),
        )
        for number, state in enumerate(states)
    ]
    return (facts, snapshot(states, site=site, revision=revision, age_s=age_s)), bays


def columns(bays: Iterable[BayRow]) -> BayColumns:
    """These bays as the database tells them."""
    rows = sorted(bays, key=lambda row: (row[0].site, row[0].id))
    places = [facts.location or (np.nan, np.nan) for facts, _ in rows]
    since = [NEVER_US if now.since is None else microseconds(now.since) for _, now in rows]
    return BayColumns(
        ids=[facts.id for facts, _ in rows],
        sites=[facts.site for facts, _ in rows],
        categories=[facts.category for facts, _ in rows],
        lons=np.array([lon for lon, _ in places], dtype=np.float64),
        lats=np.array([lat for _, lat in places], dtype=np.float64),
        max_stay_min=np.array([facts.max_stay_min or 0 for facts, _ in rows], dtype=np.int64),
        states=[now.state for _, now in rows],
        since_us=np.array(since, dtype=np.int64),
        faults=np.array([now.fault for _, now in rows], dtype=np.bool_),
        revisions=np.array([now.revision for _, now in rows], dtype=np.int64),
    )


def confirmation(confirmed_s_ago: float | None = None) -> Confirmation:
    """An ingestor's confirmation, or that there is no ingestor."""
    if confirmed_s_ago is None:
        return Confirmation(NOW, None, 0, 0)
    return Confirmation(NOW, NOW - timedelta(seconds=confirmed_s_ago), 1, 1)


def everything(
    *streets: tuple[SiteRow, list[BayRow]],
    confirmed_s_ago: float | None = None,
    closures: Sequence[Closure] = (),
) -> Everything:
    """A full load of these streets, each with a sign of its own."""
    return Everything(
        confirmation(confirmed_s_ago),
        [site for site, _ in streets],
        columns(bay for _, bays in streets for bay in bays),
        [SignFacts(id=f"vms-{site[0].id}", sites=(site[0].id,)) for site, _ in streets],
        list(closures),
    )
