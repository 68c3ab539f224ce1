"""Puts the API together: the live view, what keeps it fresh, and the routes that read it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.access import Access
from api.assistants.endpoint import Assistants, install_assistants
from api.clock import DatabaseClock
from api.database import open_writes
from api.edge import Edge, answer_headers
from api.events import EventLog
from api.feed import Announcer, Feed
from api.forecast_metrics import ForecastMetrics
from api.forecasts import ForecastReader
from api.hot import HotReads
from api.issuer_keys import IssuerKeys
from api.limits import Limits
from api.live import LiveView
from api.maintenance import MaintenanceReader
from api.metrics import Metrics
from api.nearby import Nearby
from api.oidc import Tokens
from api.opendata.city import Publisher
from api.opendata.history import History
from api.opendata.store import OpenData
from api.pages.install import install_pages
from api.pages.map import MapOptions
from api.pages.open_data import add_open_data
from api.pages.site import About
from api.pages.staff.install import install_staff
from api.place_names import PlaceNames
from api.polls import PollBook
from api.prepared import Answers
from api.rate_limit import RateLimit
from api.reports import Reports
from api.routes.audit import audit_router
from api.routes.closures import closures_router
from api.routes.counts import counts_router
from api.routes.exports import exports_router
from api.routes.forecast import forecast_router
from api.routes.health import health_router
from api.routes.keys import keys_router
from api.routes.maintenance import maintenance_router
from api.routes.nearby import nearby_router
from api.routes.open_data import open_data_router
from api.routes.registry import registry_router
from api.routes.registry_changes import registry_changes_router
from api.routes.registry_files import registry_files_router
from api.routes.reports import reports_router
from api.routes.sign_desk import sign_desk_router
from api.routes.signs import signs_router
from api.routes.sites import sites_router
from api.routes.stream import stream_router
from api.routes.webhooks import webhooks_router
from api.webhooks.post import Poster
from api.webhooks.sender import Sender
from parking.arrivals import ForecastChances
from parking.chance import Chances, TurnoverChances
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.gazetteer import load_places
from parking.outlook import Forecasts
from parking.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of; `app.state.parts`, for the server and for tests."""

    view: LiveView
    answers: Answers
    chances: Chances
    nearby: Nearby
    log: EventLog
    announcer: Announcer
    feed: Feed
    metrics: Metrics
    writes: Pool
    keys: KeyRing
    polls: PollBook
    webhooks: Sender
    forecasts: ForecastReader
    open_data: OpenData


class _Application(FastAPI):
    """FastAPI behind the limits and the hot reads, which would take twice as long as middleware inside it."""

    front: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (super().__call__ if self.front is None else self.front)(scope, receive, send)

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the routes."""
        await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """The API as an ASGI application; the database may be down. Raises SettingsError without its URL."""
    parts = _parts(settings)
    app = _Application(
        title="Smart parking", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan
    )
    app.state.parts = parts
    limits = Limits(settings)
    access = Access(parts.keys, limits=limits, metrics=parts.metrics, tokens=_tokens(settings))
    app.state.access = access
    problems.install(app)
    app.include_router(sites_router(parts.answers))
    app.include_router(nearby_router(parts.view, parts.nearby))
    app.include_router(forecast_router(parts.view, parts.answers, parts.forecasts))
    app.include_router(stream_router(parts.view, parts.log, parts.nearby))
    app.include_router(signs_router(parts.answers, parts.polls))
    app.include_router(sign_desk_router(parts.writes))
    reader = MaintenanceReader(settings.require_database_url())
    app.include_router(maintenance_router(reader))
    reports = Reports(settings.require_database_url())
    app.include_router(reports_router(reports))
    app.include_router(exports_router(reports))
    app.include_router(counts_router(parts.writes))
    app.include_router(keys_router(parts.writes, parts.keys))
    app.include_router(audit_router(parts.writes))
    app.include_router(registry_files_router(parts.writes, database_url=settings.require_database_url()))
    app.include_router(closures_router(parts.writes, parts.view.clock))
    app.include_router(registry_router(parts.writes))
    app.include_router(registry_changes_router(parts.writes))
    app.include_router(webhooks_router(parts.writes, settings.webhook_networks))
    history = History(settings.require_database_url(), parts.view.clock)
    app.include_router(open_data_router(parts.open_data, history))
    app.include_router(health_router(parts.view, parts.feed.status, parts.metrics))
    about = About(
        publisher=settings.publisher,
        contact="",
        navigation_url=settings.navigation_url,
    )
    places = load_places(settings.places_file) if settings.places_file else []
    names = PlaceNames(parts.view, places)
    app.state.assistants = Assistants(parts.view, parts.nearby, names)
    install_assistants(app, app.state.assistants)
    pages = install_pages(
        app,
        parts.view,
        parts.answers,
        parts.nearby,
        parts.forecasts,
        about=about,
        names=names,
        database=parts.writes,
        limits=limits,
        drawn=MapOptions(hidden=settings.withheld_categories, tiles=settings.tiles_file),
    )
    app.state.desk = install_staff(
        pages,
        settings,
        access=access,
        limits=limits,
        database=parts.writes,
        view=parts.view,
        answers=parts.answers,
        reports=reports,
        maintenance=reader,
        keys=parts.keys,
        status=parts.feed.status,
    )
    add_open_data(pages, parts.open_data.publisher)
    headers = answer_headers(settings.hsts_s)
    app.add_middleware(Edge, metrics=parts.metrics, headers=headers)
    hot = HotReads(app.routed, parts.answers, parts.metrics, headers, polls=parts.polls)
    app.front = RateLimit(hot, limits=limits, access=access, metrics=parts.metrics, headers=headers)
    return app


def _parts(settings: Settings) -> Parts:
    view = LiveView(
        clock=DatabaseClock(), stale_after_s=settings.stale_after_s, withheld=settings.withheld_categories
    )
    answers = Answers(view, settings.sign_defaults)
    log = EventLog()
    announcer = Announcer(view, answers, log)
    feed = Feed(settings.require_database_url(), view, announcer)
    writes = open_writes(settings.require_database_url())
    metrics = Metrics(view, feed.status, log)
    keys = KeyRing(writes, view.clock)
    forecasts = ForecastReader(writes, view.clock)
    metrics.registry.register(ForecastMetrics(forecasts, view.clock))
    open_data = _open_data(settings, view, forecasts)
    chances = ForecastChances(forecasts, TurnoverChances())
    return Parts(
        view=view,
        answers=answers,
        chances=chances,
        nearby=Nearby(view, chances),
        log=log,
        announcer=announcer,
        feed=feed,
        metrics=metrics,
        writes=writes,
        keys=keys,
        polls=PollBook(writes),
        webhooks=Sender(settings.require_database_url(), view, writes, Poster(settings.webhook_networks)),
        forecasts=forecasts,
        open_data=open_data,
    )


def _open_data(settings: Settings, view: LiveView, forecasts: Forecasts) -> OpenData:
    publisher = Publisher(
        name=settings.publisher,
        licence_url=settings.licence_url,
        licence=settings.licence,
        url=settings.public_url,
    )
    return OpenData(view, publisher, forecasts=forecasts)


def _tokens(settings: Settings) -> Tokens | None:
    oidc = settings.oidc
    return None if oidc is None else Tokens(oidc, IssuerKeys(oidc.issuer))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    async with parts.writes.opened(), asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(parts.feed.run(), name="live feed"),
            tasks.create_task(parts.announcer.watch(), name="staleness watch"),
            tasks.create_task(parts.keys.run(), name="use of keys"),
            tasks.create_task(parts.forecasts.run(), name="forecasts"),
            tasks.create_task(parts.polls.run(), name="polls of signs"),
            tasks.create_task(parts.webhooks.run(), name="webhooks"),
            tasks.create_task(app.state.assistants.run(), name="assistants"),
        ]
        try:
            yield
        finally:
            parts.log.close()
            parts.open_data.close()
            for task in running:
                task.cancel()
