"""Keeps the live view fresh and tells the event log what changed, for as long as the API runs."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from api.bays import BayTable
from api.events import EventLog
from api.live import LiveView
from api.prepared import Answers
from parking.db.connect import Connection
from parking.db.live import Notices, listen, load_all, load_changes, next_notices
from parking.errors import ParkingError, SchemaError

_log = structlog.get_logger()

_SPACING_S = 0.05  # reads at most this often, however many notifications come
_IDLE_S = 5.0  # after such a silence, asks whether the connection still lives
_READ_S = 10.0
_FULL_READ_S = 120.0
_LEAST_PAUSE_S = 0.2
_MOST_PAUSE_S = 5.0
_STALENESS_S = 0.5


@dataclass(slots=True)
class FeedStatus:
    """How the feed fares: `problem` is why nothing is updated now (None while all is well)."""

    problem: str | None = "The database has not been asked yet."
    schema_is_wrong: bool = False
    reloads: Counter[str] = field(default_factory=Counter)
    pending_sites: int = 0
    refreshed_in_s: float = 0.0


class Announcer:
    """Puts changed snapshots into the event log; turning stale, or fresh again, is a change as well."""

    def __init__(self, view: LiveView, answers: Answers, log: EventLog) -> None:
        self._view = view
        self._answers = answers
        self._log = log
        self._stale: dict[str, bool] = {}

    def announce(self, changed: Iterable[str] = ()) -> None:
        """Publish these sites, and those that have turned stale or fresh since the last time."""
        now = self._view.clock.now()
        stale = {id: self._view.is_stale(site, now) for id, site in self._view.sites.items()}
        flipped = {id for id, flag in stale.items() if self._stale.get(id, flag) is not flag}
        self._stale = stale
        if told := sorted(flipped.union(changed)):
            self._log.publish([(site, self._answers.site(site).body) for site in told])

    def restart(self, reason: str) -> None:
        """Tell every reader to start over."""
        self._stale = {}
        self.announce()
        self._log.restart(reason)

    async def watch(self) -> None:
        """Announce what turns stale with time alone, for ever."""
        while True:
            await asyncio.sleep(_STALENESS_S)
            self.announce()


class Feed:
    """One connection that listens. On any trouble the view keeps what it has, and all is read again later."""

    def __init__(self, database_url: str, view: LiveView, announcer: Announcer) -> None:
        self._database_url = database_url
        self._view = view
        self._announcer = announcer
        self._pause_s = _LEAST_PAUSE_S
        self.status = FeedStatus()

    async def run(self) -> None:
        """Follow the database for ever, reconnecting after a growing, jittered pause."""
        while True:
            try:
                await self._follow()
            except ParkingError as error:
                self._lost(" ".join(filter(None, (error.message, error.hint))))
                self.status.schema_is_wrong = isinstance(error, SchemaError)
            except TimeoutError:
                self._lost("The database does not answer.")
            except Exception:
                # A defect must not silence the feed for good; what is shown turns stale meanwhile.
                _log.exception("The live feed failed")
                self._lost("The live feed failed; the log says why.")
            await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))
            self._pause_s = min(self._pause_s * 2, _MOST_PAUSE_S)

    def _lost(self, problem: str) -> None:
        if self.status.problem != problem:
            _log.warning("Live numbers are not being updated", reason=problem)
        self.status.problem = problem
        self.status.schema_is_wrong = False

    async def _follow(self) -> None:
        """Listen first, then read everything, so that nothing falls between; then read what changes."""
        async with asyncio.timeout(_READ_S) as watchdog, listen(self._database_url) as connection:
            _allow(watchdog, _FULL_READ_S)
            await self._reload(connection, reason="connect")
            self._pause_s = _LEAST_PAUSE_S
            self.status.problem = None
            _log.info(
                "Live numbers are being updated", sites=len(self._view.sites), bays=len(self._view.bays)
            )
            read_at = time.monotonic()
            while True:
                _allow(watchdog, _IDLE_S + _READ_S)
                notices = await next_notices(connection, idle_s=_IDLE_S, not_before=read_at + _SPACING_S)
                read_at = time.monotonic()
                if notices.registry:
                    _allow(watchdog, _FULL_READ_S)
                    await self._reload(connection, reason="registry")
                else:
                    await self._refresh(connection, notices)
                self.status.refreshed_in_s = time.monotonic() - read_at

    async def _reload(self, connection: Connection, *, reason: str) -> None:
        asked_at = self._view.clock.elapsed()
        everything = await load_all(connection)
        # In a thread: a hundred thousand bays take a third of a second, in which readers would wait.
        bays = await asyncio.to_thread(BayTable, everything.bays)
        self._view.clock.sync(everything.confirmation.database_time, asked_at=asked_at)
        replaced = self._view.replace(everything, bays=bays)
        self.status.reloads[reason] += 1
        if replaced.restored:
            _log.warning("Revisions have gone back: the database was restored; readers start over")
            self._announcer.restart("the numbers were restored from a backup")
        elif replaced.registry:
            self._announcer.restart("sites, bays or signs were added, changed or removed")
        else:
            self._announcer.announce(replaced.changed)

    async def _refresh(self, connection: Connection, notices: Notices) -> None:
        """Read what the notices name; with none (silence, or a mere confirmation) only the confirmation."""
        known = self._view.known_revisions(None if notices.all_sites else notices.sites)
        self.status.pending_sites = len(known)
        asked_at = self._view.clock.elapsed()
        signs = None if notices.all_signs else tuple(sorted(notices.signs))
        changes = await load_changes(connection, known, signs=signs)
        self._view.clock.sync(changes.confirmation.database_time, asked_at=asked_at)
        self._announcer.announce(self._view.apply(changes))
        self.status.pending_sites = 0


def _allow(watchdog: asyncio.Timeout, seconds: float) -> None:
    """A database that has not answered by then counts as lost."""
    watchdog.reschedule(asyncio.get_running_loop().time() + seconds)
