"""From prepared bytes to HTTP: ETag, 304 and Cache-Control; and what the OpenAPI document says of answers."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.prepared import Prepared

LIVE = "public, max-age=1, must-revalidate"
"""A cache in front may answer for a second, so a crowd costs us little and a number is hardly older."""
NEVER = "no-store"

_MEANING = {
    304: "Not modified: what you have (If-None-Match) is still right.",
    404: "There is no such thing.",
    422: "A value cannot be used; `errors` says which, and why.",
    503: "The numbers have not been read yet; `Retry-After` says when to ask again.",
}


def answer(request: Request, prepared: Prepared, *, cache: str = LIVE) -> Response:
    """The prepared body, or 304 when the client has it already."""
    headers = {"ETag": prepared.etag, "Cache-Control": cache}
    if _has(request.headers.get("if-none-match"), prepared.etag):
        return Response(status_code=304, headers=headers)
    return Response(prepared.body, headers=headers, media_type="application/json")


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


def _has(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
