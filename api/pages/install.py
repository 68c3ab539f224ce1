"""Puts the pages into the application."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import answer
from api.forecasts import ForecastReader
from api.limits import Limits
from api.live import LiveView
from api.nearby import Nearby
from api.pages.assets import Assets, service_worker
from api.pages.corrected import LastCorrections
from api.pages.docs import add_docs
from api.pages.failures import failed
from api.pages.home import add_home
from api.pages.map import MapOptions, add_map
from api.pages.place import add_place
from api.pages.report import add_report
from api.pages.signs import add_signs
from api.pages.site import About, Pages
from api.pages.sites import add_sites
from api.pages.statement import add_statement
from api.place_names import PlaceNames
from api.prepared import Answers, prepared
from parking.db.pool import Pool


def install_pages(
    app: FastAPI,
    view: LiveView,
    answers: Answers,
    nearby: Nearby,
    forecasts: ForecastReader,
    about: About,
    names: PlaceNames,
    *,
    database: Pool,
    limits: Limits,
    drawn: MapOptions,
) -> Pages:
    """Add the pages and what they load."""
    pages = Pages(app, about, failed)
    add_home(pages, view, nearby, names)
    add_sites(pages, view, answers)
    add_place(pages, view, answers, forecasts, LastCorrections(database))
    add_report(pages, view, database, limits)
    add_map(app, pages, view, answers, drawn)
    add_signs(pages, view, answers)
    add_statement(pages)
    add_docs(pages, app)
    worker = prepared(service_worker(), None, media_type="text/javascript; charset=utf-8", cache="no-cache")

    async def sw(request: Request) -> Response:
        return answer(request, worker)

    app.add_api_route("/sw.js", sw, include_in_schema=False)
    app.mount("/static", Assets(), name="static")
    return pages
