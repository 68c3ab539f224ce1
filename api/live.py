"""The live view: every site, bay and sign in memory, as of the latest revision that the database told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.bays import BayTable, SiteBays
from api.clock import DatabaseClock
from parking.availability import is_stale
from parking.db.live import Changes, Confirmation, Everything, SiteFacts
from parking.db.opening import Closure
from parking.db.signs import DECIDED_WITHIN_S, SignFacts, SignState
from parking.errors import NotFound, ParkingError
from parking.model import Snapshot


class NotLoaded(ParkingError):
    """The numbers have not been read from the database yet; please ask again in a few seconds."""


@dataclass(slots=True)
class LiveSite:
    """One site: its facts, its snapshot and its bays by id."""

    facts: SiteFacts
    snapshot: Snapshot
    bays: SiteBays


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a full load changed: which sites show something new, and whether clients must start over."""

    changed: list[str]
    restored: bool
    registry: bool


class LiveView:
    """All that is published, read by the routes and written by the feed; both run on one event loop.

    Bays of the categories `withheld` are not told of one by one: their use could tell of a person.

    `version` grows with each change of anything. Within one connection a revision never goes back. A full
    load, on the other hand, believes the database: if a revision is then older than one already shown, the
    database was restored from a backup, and the readers of the stream are told to start over.
    """

    def __init__(
        self, *, clock: DatabaseClock, stale_after_s: float, withheld: frozenset[str] = frozenset()
    ) -> None:
        self.clock = clock
        self.stale_after_s = stale_after_s
        self.withheld = withheld
        self.version = 0
        self.registry_version = 0
        self.loaded = False
        self.confirmation: Confirmation | None = None
        self.confirmed_at: datetime | None = None
        self.sites: dict[str, LiveSite] = {}
        self.bays = BayTable()
        self.signs: dict[str, SignFacts] = {}
        self.sign_states: dict[str, SignState] = {}
        self.closures: dict[str, list[Closure]] = {}

    def site(self, site_id: str) -> LiveSite:
        """The site of that id. Raises NotLoaded or NotFound."""
        self.require_loaded()
        if (site := self.sites.get(site_id)) is None:
            raise NotFound(f"There is no site with the id {site_id[:100]!r}.")
        return site

    def sign(self, sign_id: str) -> list[LiveSite]:
        """The sites that the sign of that id speaks of. Raises NotLoaded or NotFound."""
        return [self.sites[site] for site in self.sign_facts(sign_id).sites]

    def sign_facts(self, sign_id: str) -> SignFacts:
        """What the registry says of the sign of that id. Raises NotLoaded or NotFound."""
        self.require_loaded()
        if (sign := self.signs.get(sign_id)) is None:
            raise NotFound(f"There is no sign with the id {sign_id[:100]!r}.")
        return sign

    def signs_are_kept(self, now: datetime) -> bool:
        """Whether what was decided of the signs may be recalled at `now`."""
        decided_at = None if self.confirmation is None else self.confirmation.signs_decided_at
        return decided_at is not None and not is_stale(decided_at, now, stale_after_s=DECIDED_WITHIN_S)

    def require_loaded(self) -> None:
        """Raise NotLoaded until the first load."""
        if not self.loaded:
            raise NotLoaded

    def as_of(self, site: LiveSite) -> datetime:
        """When the site's number was last known to be true.

        That is when an ingestor that had caught up last said so. That the number was published later says
        less: it may come from messages that have waited.
        """
        return site.snapshot.as_of if self.confirmed_at is None else self.confirmed_at

    def is_stale(self, site: LiveSite, now: datetime) -> bool:
        """Whether the site's number is too old at `now` to be shown as true."""
        return is_stale(self.as_of(site), now, stale_after_s=self.stale_after_s)

    def fresh_until(self, site: LiveSite) -> datetime:
        """Until when, inclusive, the site's number is fresh, should nothing more be heard."""
        return self.as_of(site) + timedelta(seconds=self.stale_after_s)

    def replace(self, everything: Everything, *, bays: BayTable | None = None) -> Replaced:
        """Take over a full load, as it is; `bays` are its bays where these are in columns already."""
        before, registry_before, bays_before = self.sites, self._registry(), self.bays
        self.bays = BayTable(everything.bays) if bays is None else bays
        self.sites = {
            facts.id: LiveSite(facts, snapshot, self.bays.of(facts.id))
            for facts, snapshot in everything.sites
        }
        self.signs = {sign.id: sign for sign in everything.signs}
        self.sign_states = {state.sign: state for state in everything.sign_states}
        self.closures = {}
        for closure in everything.closures:
            self.closures.setdefault(closure.site_id, []).append(closure)
        self.confirmed_at = None
        self.confirm(everything.confirmation)
        self.registry_version += 1
        first, self.loaded = not self.loaded, True
        pairs = [(self.sites[site], old) for site, old in before.items() if site in self.sites]
        return Replaced(
            changed=[new.facts.id for new, old in pairs if new.snapshot != old.snapshot],
            restored=any(new.snapshot.revision < old.snapshot.revision for new, old in pairs),
            registry=not first
            and (self._registry() != registry_before or not self.bays.same_facts(bays_before)),
        )

    def _registry(self) -> tuple[object, ...]:
        return {id: site.facts for id, site in self.sites.items()}, self.signs, self.closures

    def apply(self, changes: Changes) -> list[str]:
        """Take over newer snapshots and bays; returns the sites that changed. Older ones are ignored."""
        changed = []
        for snapshot in changes.snapshots:
            site = self.sites.get(snapshot.site_id)
            if site is not None and snapshot.revision > site.snapshot.revision:
                site.snapshot = snapshot
                changed.append(snapshot.site_id)
        for site_id, bay_id, now in changes.bays:
            # A bay that the registry has only just got comes with the full load that follows.
            if (site := self.sites.get(site_id)) is not None:
                site.bays.set(bay_id, now)
        self.sign_states |= {state.sign: state for state in changes.sign_states}
        self.confirm(changes.confirmation)
        return changed

    def confirm(self, confirmation: Confirmation) -> None:
        """Every number known now was true at the ingestors' confirmation; that never goes back.

        Without an ingestor (one was stopped cleanly) what was confirmed before stands, and grows old.
        """
        self.confirmation = confirmation
        self.version += 1
        confirmed = confirmation.confirmed_at
        if confirmed is not None and (self.confirmed_at is None or confirmed > self.confirmed_at):
            self.confirmed_at = confirmed

    def known_revisions(self, sites: frozenset[str] | None = None) -> dict[str, int]:
        """The revision known of each of these sites (all by default); unknown ids are left out."""
        chosen = self.sites.keys() if sites is None else self.sites.keys() & sites
        return {site: self.sites[site].snapshot.revision for site in chosen}
