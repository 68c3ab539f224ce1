"""The description of the API, for developers: /docs and /openapi.json."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from api.answers import answer
from api.document import openapi_document
from api.pages.site import Page, Pages, html
from api.prepared import Prepared, prepared


@dataclass(frozen=True, slots=True)
class _Described:
    """The description as it is read by pages and as it is answered."""

    document: dict[str, Any]
    answer: Prepared


class _Description:
    """Made when it is first asked for, in a thread: it takes a quarter of a second of processor time."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._making = asyncio.Lock()
        self._made: _Described | None = None

    async def get(self) -> _Described:
        """The description of every route."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made

    def _make(self) -> _Described:
        document = openapi_document(self._app)
        return _Described(document, prepared(msgspec.json.encode(document)))


def add_docs(pages: Pages, app: FastAPI) -> None:
    """Add both."""
    description = _Description(app)

    async def docs(request: Request, page: Page) -> Response:
        document = (await description.get()).document
        return answer(request, html(page.render("docs.html", api=document, operations=_operations(document))))

    async def openapi_json(request: Request) -> Response:
        return answer(request, (await description.get()).answer)

    pages.add("/docs", docs)
    app.add_api_route("/openapi.json", openapi_json, include_in_schema=False)


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"path": path, "method": method.upper(), **operation}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
