"""HTML: the list of sites at /, and the API's description at /docs."""

from datetime import datetime
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.answers import answer
from api.document import openapi_document
from api.live import LiveView
from api.pages import code, sites_page
from api.prepared import Answers, Prepared, prepared
from api.problems import RETRY_AFTER_S


def templates() -> Environment:
    """The templates of the package `web`; what they are given is escaped, and a missing value is an error."""
    environment = Environment(
        loader=PackageLoader("web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    return environment


def install_pages(app: FastAPI, view: LiveView, answers: Answers) -> None:
    """Add the pages, what they load, and the OpenAPI document. Call it last: it describes what is there."""
    environment = templates()
    router = APIRouter(include_in_schema=False)
    document = openapi_document(app)
    openapi = prepared(msgspec.json.encode(document))
    docs = _html(environment.get_template("docs.html").render(api=document, operations=_operations(document)))

    def home(now: datetime) -> Prepared:
        page = environment.get_template("sites.html").render(page=sites_page(view, now), loaded=view.loaded)
        return _html(page, answers.next_stale(now))

    @router.get("/")
    async def sites(request: Request) -> Response:
        if not view.loaded:
            response = answer(request, home(view.clock.now()), status=503)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        return answer(request, answers.prepare("home", home))

    @router.get("/docs")
    async def docs_page(request: Request) -> Response:
        return answer(request, docs)

    @router.get("/openapi.json")
    async def openapi_json(request: Request) -> Response:
        return answer(request, openapi)

    app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("web") / "static")), name="static")


def _html(page: str, fresh_until: datetime | None = None) -> Prepared:
    return prepared(page.encode(), fresh_until, media_type="text/html; charset=utf-8", cache="no-cache")


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"path": path, "method": method.upper(), **operation}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
