"""The description of the API, for developers: /docs and /openapi.json."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import answer
from api.document import openapi_document
from api.pages.site import Page, Pages, html
from api.prepared import prepared


def add_docs(pages: Pages, app: FastAPI) -> None:
    """Add both. Call it when every route is there: it describes what is there."""
    document = openapi_document(app)
    openapi = prepared(msgspec.json.encode(document))
    operations = _operations(document)

    async def docs(request: Request, page: Page) -> Response:
        return answer(request, html(page.render("docs.html", api=document, operations=operations)))

    async def openapi_json(request: Request) -> Response:
        return answer(request, openapi)

    pages.add("/docs", docs)
    app.add_api_route("/openapi.json", openapi_json, include_in_schema=False)


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"path": path, "method": method.upper(), **operation}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
