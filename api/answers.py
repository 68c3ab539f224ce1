"""From prepared bytes to HTTP: ETag, 304 and Cache-Control; and what the OpenAPI document says of answers."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.prepared import Prepared

_MEANING = {
    304: "Not modified: what you have (If-None-Match) is still right.",
    400: "The body cannot be read as what it is said to be.",
    401: "An API key is needed, or the one sent is not valid; `WWW-Authenticate` says how to send one.",
    403: "The key lacks the scope, or is bound to other sites.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "It is so already, or has ended.",
    412: "It has changed since you read it, or is there already; GET it again.",
    413: "The body is longer than what is taken here.",
    415: "The body is of a kind that is not taken here.",
    422: "A value cannot be used; `errors` says which, and why.",
    428: "A change of what is there needs `If-Match` with its ETag.",
    429: "Too many requests, or wrong keys, came from this address; `Retry-After` says when to ask again.",
    503: "The numbers have not been read yet, or the database is away; `Retry-After` says when to ask again.",
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


GUARDED = (401, 403, 503)
"""What any route answers that needs a key."""


def documented(
    schema: str, *others: int, text: str | None = None, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with `schema` (a name in `bodies`) or one of `others`."""
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    if text is not None:
        content["text/plain"] = {"schema": {"type": "string"}, "example": text}
    responses: dict[int | str, dict[str, Any]] = {status: {"description": "Successful", "content": content}}
    return responses | refusals(*others)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for what it answers besides what was asked for."""
    return {status: outcome(status) for status in sorted(set(statuses))}


def outcome(status: int) -> dict[str, Any]:
    """What the OpenAPI document says of this status; from 400 on the body is a problem."""
    told: dict[str, Any] = {"description": _MEANING[status]}
    if status >= 400:
        reference = {"$ref": "#/components/schemas/Problem"}
        told["content"] = {"application/problem+json": {"schema": reference}}
    return told
