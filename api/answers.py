"""From prepared bytes to HTTP: ETag, 304 and Cache-Control; and what the OpenAPI document says of answers."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.prepared import Prepared

_MEANING = {
    304: "Not modified: what you have (If-None-Match) is still right.",
    404: "There is no such thing.",
    422: "A value cannot be used; `errors` says which, and why.",
    503: "The numbers have not been read yet; `Retry-After` says when to ask again.",
}


def answer(request: Request, prepared: Prepared, *, status: int = 200) -> Response:
    """The prepared body in the coding that the client likes best, or 304 when the client has that already."""
    prepared = prepared.accepted(request.headers.get("accept-encoding", "").encode("latin-1"))
    if has_it(request.headers.get("if-none-match", "").encode("latin-1"), prepared.etag):
        response = Response(status_code=304)
        response.raw_headers = list(prepared.validators)
    else:
        response = Response(prepared.body, status_code=status)
        response.raw_headers = list(prepared.headers)
    return response


def has_it(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header (empty when there is none) names this ETag."""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in tags or b"*" in tags


def documented(schema: str, *others: int, text: str | None = None) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with `schema` (a name in `bodies`) or one of `others`."""
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    if text is not None:
        content["text/plain"] = {"schema": {"type": "string"}, "example": text}
    responses: dict[int | str, dict[str, Any]] = {200: {"description": "Successful", "content": content}}
    for status in others:
        responses[status] = {"description": _MEANING[status]}
        if status >= 400:
            reference = {"$ref": "#/components/schemas/Problem"}
            responses[status]["content"] = {"application/problem+json": {"schema": reference}}
    return responses
