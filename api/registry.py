"""Things of the registry over HTTP: their documents, their ETags, and who may change them when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.access import Caller
from api.answers import has_it
from api.bodies import encode
from api.problems import Refused
from parking.errors import Fault
from parking.registry_things import KINDS, Kind, refused

MERGE_PATCH = "application/merge-patch+json"
KEPT = {"Cache-Control": "private, no-cache"}
"""May be kept by whoever asked, and asked about again with its ETag."""


def etag_of(document: Mapping[str, Any]) -> str:
    """The ETag of a thing: another whenever a member of it is."""
    text = msgspec.json.encode(document, order="deterministic")
    return f'"{blake2b(text, digest_size=12).hexdigest()}"'


def thing_answer(request: Request, document: Mapping[str, Any], *, status: int = 200) -> Response:
    """A thing with its ETag, or 304 when the client has it already."""
    etag = etag_of(document)
    headers = {**KEPT, "ETag": etag}
    if request.method == "GET" and has_it(
        request.headers.get("if-none-match", "").encode("latin-1"), etag.encode()
    ):
        return Response(status_code=304, headers=headers)
    return Response(encode(document), status_code=status, media_type="application/json", headers=headers)


def page_answer(kind: str, documents: list[dict[str, Any]], *, limit: int, id: str = "id") -> Response:
    """A page of at most `limit` things, of which one more was read if there is another page."""
    shown = documents[:limit]
    more = shown[-1][id] if len(documents) > limit else None
    body = encode({kind: shown, "next": more})
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@dataclass(frozen=True, slots=True)
class Match:
    """Which state of a thing its changer knows: `If-Match` and `If-None-Match`, as HTTP has them."""

    wanted: str | None = None
    unwanted: str = ""

    @classmethod
    def of(cls, request: Request) -> "Match":
        """What the request says."""
        return cls(request.headers.get("if-match"), request.headers.get("if-none-match", ""))

    def require(self, now: Mapping[str, Any] | None) -> None:
        """Answer 428 or 412 unless who changes a thing knows it as it is `now` (None: it is not there)."""
        etag = None if now is None else etag_of(now)
        if now is not None and has_it(self.unwanted.encode("latin-1"), (etag or "").encode()):
            raise Refused(
                HTTPStatus.PRECONDITION_FAILED,
                "There is one with this id already (If-None-Match).",
                headers=_tag(etag),
            )
        if self.wanted is None:
            if now is not None:
                raise Refused(
                    HTTPStatus.PRECONDITION_REQUIRED,
                    "Say which state you change: send `If-Match` with the ETag that GET gave.",
                    headers=_tag(etag),
                )
            return
        tags = [tag.strip() for tag in self.wanted.split(",")]
        if now is None or not (etag in tags or "*" in tags):
            found = "there is nothing here" if now is None else "it has changed since"
            raise Refused(
                HTTPStatus.PRECONDITION_FAILED,
                f"If-Match does not hold: {found}. GET it again and look at what changed.",
                headers=_tag(etag),
            )


def may_see(caller: Caller, kind: Kind, document: Mapping[str, Any]) -> None:
    """Answer 403 for a thing of a site that the caller's key is not for."""
    may_see_site(caller, document["id"] if kind.name == "sites" else document.get("site"))


def may_see_site(caller: Caller, site: str | None) -> None:
    """Answer 403 for a site, or the store room (None), that the caller's key is not for."""
    if caller.sites is not None and site is None:
        raise Refused(
            HTTPStatus.FORBIDDEN, "A device in the store room is for keys that are bound to no site."
        )
    if site is not None:
        caller.require_site(site)


def registry_schemas() -> dict[str, Any]:
    """The schemas of all things and of pages of them, for the OpenAPI document."""
    schemas: dict[str, Any] = {}
    for kind in KINDS.values():
        name = schema_name(kind)
        own, others = kind.schema("#/components/schemas/Registry{model}")
        schemas |= {f"Registry{other}": schema for other, schema in others.items()}
        schemas[name] = own
        items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
        schemas[f"{name}Page"] = {
            "type": "object",
            "description": "Some of them by id; `next` is the `cursor` of the next page, null at the end.",
            "properties": {kind.name: items, "next": {"type": ["string", "null"]}},
            "required": [kind.name, "next"],
        }
    return schemas


def schema_name(kind: Kind) -> str:
    """What the OpenAPI document calls one of this kind."""
    return f"Registry{kind.one.capitalize()}"


def _tag(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"ETag": etag}


async def json_body(request: Request, *kinds: str) -> Any:
    """The body as JSON. Answers 415 and 422."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in kinds:
        found = media[:60] or "no Content-Type"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send {' or '.join(kinds)} (found {found!r}).")
    body = await request.body()
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refused("body", Fault("body", None, f"is not JSON: {error}")) from error
