"""Puts the API together: routes and pages over the parts, and what every request passes first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.assistants.endpoint import install_assistants
from api.edge import Edge, answer_headers
from api.hot import HotReads
from api.pages.install import install_pages
from api.pages.map import MapOptions
from api.pages.open_data import add_open_data
from api.pages.site import About
from api.pages.staff.install import install_staff
from api.parts import Parts, make_parts
from api.rate_limit import RateLimit
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
from parking.settings import Settings


class _Application(FastAPI):
    """FastAPI behind the limits; `hot` answers the hot reads before it."""

    front: ASGIApp | None = None
    hot: HotReads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (super().__call__ if self.front is None else self.front)(scope, receive, send)

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the routes."""
        await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """The API as an ASGI application; the database may be down. Raises SettingsError without its URL."""
    parts = make_parts(settings)
    app = _Application(
        title="Smart parking", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan
    )
    app.state.parts = parts
    app.state.access = parts.access
    problems.install(app)
    _add_reads(app, parts)
    _add_management(app, parts)
    _add_administration(app, parts, settings)
    install_assistants(app, parts.assistants)
    _add_pages(app, parts, settings)
    headers = answer_headers(settings.hsts_s)
    app.add_middleware(Edge, metrics=parts.metrics, headers=headers)
    app.hot = HotReads(
        parts.answers, limits=parts.limits, metrics=parts.metrics, polls=parts.polls, extra=headers
    )
    app.front = RateLimit(
        app.routed, limits=parts.limits, access=parts.access, metrics=parts.metrics, headers=headers
    )
    return app


def _add_reads(app: FastAPI, parts: Parts) -> None:
    """What is open to all."""
    app.include_router(sites_router(parts.answers))
    app.include_router(nearby_router(parts.view, parts.nearby))
    app.include_router(forecast_router(parts.view, parts.answers, parts.forecasts))
    app.include_router(stream_router(parts.view, parts.log, parts.nearby))
    app.include_router(signs_router(parts.answers, parts.polls))
    app.include_router(open_data_router(parts.open_data, parts.history, parts.aggregates))
    app.include_router(health_router(parts.view, parts.feed.status, parts.metrics))


def _add_management(app: FastAPI, parts: Parts) -> None:
    """For managers: figures, corrections, what signs show by hand."""
    app.include_router(maintenance_router(parts.maintenance))
    app.include_router(reports_router(parts.reports))
    app.include_router(exports_router(parts.reports))
    app.include_router(counts_router(parts.writes))
    app.include_router(sign_desk_router(parts.writes))


def _add_administration(app: FastAPI, parts: Parts, settings: Settings) -> None:
    """For operators: the registry, keys, webhooks, the log of changes."""
    # Files first: /v1/registry/import is no collection.
    app.include_router(registry_files_router(parts.writes, database_url=settings.require_database_url()))
    app.include_router(closures_router(parts.writes, parts.view.clock))
    app.include_router(registry_router(parts.writes))
    app.include_router(registry_changes_router(parts.writes))
    app.include_router(keys_router(parts.writes, parts.keys))
    app.include_router(audit_router(parts.writes))
    app.include_router(webhooks_router(parts.writes, settings.webhook_networks))


def _add_pages(app: FastAPI, parts: Parts, settings: Settings) -> None:
    """What people look at."""
    pages = install_pages(
        app,
        parts.view,
        parts.answers,
        parts.nearby,
        parts.forecasts,
        about=About(
            publisher=settings.publisher,
            contact=settings.contact,
            navigation_url=settings.navigation_url,
        ),
        names=parts.names,
        database=parts.writes,
        limits=parts.limits,
        drawn=MapOptions(hidden=settings.withheld_categories, tiles=settings.tiles_file),
    )
    app.state.desk = install_staff(
        pages,
        settings,
        access=parts.access,
        limits=parts.limits,
        database=parts.writes,
        view=parts.view,
        answers=parts.answers,
        reports=parts.reports,
        maintenance=parts.maintenance,
        keys=parts.keys,
        status=parts.feed.status,
    )
    add_open_data(pages, parts.open_data.publisher)


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
            tasks.create_task(parts.assistants.run(), name="assistants"),
        ]
        try:
            yield
        finally:
            parts.log.close()
            parts.open_data.close()
            for task in running:
                task.cancel()
