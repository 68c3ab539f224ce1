"""How the system fares: /manage/system, for operators."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.feed import FeedStatus
from api.live import LiveView
from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.words import counted, duration, moment
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.system import Server, SystemNow, system_now

PATH: Final = "/manage/system"
RECENT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the system: whether all is well with it, and what there is to say."""

    name: str
    well: bool
    said: str


def add_system(desk: Desk, view: LiveView, status: FeedStatus, database: Pool) -> None:
    """Add the page."""

    async def show(request: Request, page: Page, session: Session) -> Response:
        async with database.transaction() as connection:
            now = await system_now(connection)
        rejections = [
            (one.code, f"{one.count:,}", moment(page, one.last_at), one.detail, one.topic)
            for one in now.rejections
        ]
        parts = [_database(page, now.server), *_ingestors(page, now, view), _view(status, view)]
        return staff_page(page, session, "staff/system.html", parts=parts, rejections=rejections)

    desk.add(PATH, show, scope=Scope.HEALTH_READ)


def _database(page: Page, server: Server) -> Part:
    edition = f", TimescaleDB {server.timescale}" if server.timescale else ""
    said = (
        f"PostgreSQL {server.postgres}{edition}; schema {server.schema}; {server.size / 1e9:.1f} GB; "
        f"{_since(page, server, server.started_at)}"
    )
    return Part("Database", True, said)


def _ingestors(page: Page, now: SystemNow, view: LiveView) -> list[Part]:
    if not now.ingestors:
        return [Part("Ingestor", False, "None has ever run: start `parking ingest`.")]
    parts = []
    for one in now.ingestors:
        lag = now.server.now - one.alive_at
        current = lag.total_seconds() <= view.stale_after_s
        broker = "has the broker" if one.connected else "has lost the broker"
        said = f"{broker}; last current {max(0, round(lag.total_seconds()))} s ago"
        if not current:
            said = f"{broker}; not current since {moment(page, one.alive_at)} ({duration(lag)})"
        said = f"{said}; {_since(page, now.server, one.started_at)}"
        parts.append(Part(f"Ingestor {one.name}", current and one.connected, said))
    return parts


def _view(status: FeedStatus, view: LiveView) -> Part:
    if status.problem is not None:
        return Part("Live view of this process", False, status.problem)
    loads = sum(status.reloads.values())
    said = (
        f"{len(view.sites):,} sites, {len(view.bays):,} bays; "
        f"loaded whole {counted(loads, 'time', 'times')}; "
        f"last change taken over in {1000 * status.refreshed_in_s:.0f} ms; {status.pending_sites} sites wait"
    )
    return Part("Live view of this process", True, said)


def _since(page: Page, server: Server, at: datetime) -> str:
    word = "restarted" if server.now - at < RECENT else "has run since"
    return f"{word} {moment(page, at)}"
