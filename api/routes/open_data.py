"""The open-data documents: /open-data/."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import RedirectResponse, Response

from api.answers import answer, documented, has_it, outcome
from api.opendata.aggregates import Aggregates
from api.opendata.document import ROOT, Document
from api.opendata.documents import DOCUMENTS
from api.opendata.history import History
from api.opendata.index import index
from api.opendata.store import OpenData
from api.prepared import Prepared
from api.routes.curb_data import curb_data_router
from api.routes.signs import prefers

Accept = Annotated[str, Header(include_in_schema=False)]


def open_data_router(data: OpenData, history: History, aggregates: Aggregates) -> APIRouter:
    """One route for each document, and those that answer a question."""
    router = APIRouter(tags=["Open data"])
    router.include_router(curb_data_router(data, history, aggregates))
    all_documents = index(data.publisher)

    @router.get(ROOT, responses=documented("OpenDataIndex", 304), summary="All open-data documents")
    async def documents(request: Request, accept: Accept = "*/*") -> Response:
        """What there is, by which standard, and on what terms; browsers are led to the same as a page."""
        if prefers(accept, "text/html"):
            return RedirectResponse(ROOT.rstrip("/"), status_code=303, headers={"Vary": "Accept"})
        return answer(request, all_documents)

    for document in DOCUMENTS:
        router.add_api_route(
            document.path,
            _route(data, document),
            methods=["GET"],
            summary=f"{document.standard}: {document.title}",
            description=document.about,
            responses=_responses(document),
            operation_id=document.path.strip("/").replace("/", "_").replace(".", "_").replace("-", "_"),
        )
    return router


def _route(data: OpenData, document: Document) -> Callable[[Request], Awaitable[Response]]:
    async def give(request: Request) -> Response:
        accept_encoding = request.headers.get("accept-encoding", "").encode("latin-1")
        prepared, made_at = await data.get(document, accept_encoding)
        if _client_has_it(request, prepared, made_at):
            response = Response(status_code=304)
            response.raw_headers = list(prepared.validators)
            return response
        response = Response(prepared.body)
        response.raw_headers = list(prepared.headers)
        return response

    return give


def _client_has_it(request: Request, prepared: Prepared, made_at: datetime) -> bool:
    """By If-None-Match, and only where that is not sent by If-Modified-Since (RFC 9110, 13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return has_it(tags.encode("latin-1"), prepared.etag)
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return parsedate_to_datetime(since) >= made_at.replace(microsecond=0)
    except (ValueError, TypeError):
        # Not a date, or one without a zone: RFC 9110, 13.1.3, says to ignore it.
        return False


def _responses(document: Document) -> dict[int | str, dict[str, Any]]:
    kind = document.media_type.partition(";")[0]
    schema = {"type": "string"} if kind.endswith(("xml", "csv")) else {"type": ["object", "array"]}
    return {
        200: {"description": "Successful", "content": {kind: {"schema": schema}}},
        304: outcome(304),
        503: outcome(503),
    }
