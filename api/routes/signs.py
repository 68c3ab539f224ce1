"""What variable message signs show: /v1/signs."""

from time import perf_counter
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from api.answers import answer, documented
from api.bodies import Sign
from api.polls import PollBook
from api.prepared import NEVER, Answers

Id = Annotated[str, Path(max_length=200, description="the id of the sign")]
Accept = Annotated[str, Header(include_in_schema=False)]
Format = Annotated[
    Literal["json", "text", "multi"] | None,
    Query(description="instead of the Accept header; multi: MULTI for NTCIP 1203 controllers"),
]


def signs_router(answers: Answers, polls: PollBook) -> APIRouter:
    """Routes that sign controllers poll."""
    router = APIRouter(tags=["Signs"])

    @router.get("/v1/signs", responses=documented("Signs", 304, 503), summary="All signs")
    async def signs(request: Request) -> Response:
        """What every sign shows now."""
        return answer(request, answers.signs())

    @router.get(
        "/v1/signs/{sign_id}",
        responses=documented("Sign", 304, 404, 422, 503, text="42"),
        summary="What one sign shows",
    )
    async def sign(request: Request, sign_id: Id, accept: Accept = "*/*", format: Format = None) -> Response:
        """A number, FULL, CLOSED or nothing; ask for text/plain to get the text alone, or for a format.

        Show it until `valid_until`, ask again after `poll_after_s` seconds, blank the sign when you cannot.
        It is never a number when the site is closed, the number is stale, or too few spaces report.
        """
        prepared = answers.sign(sign_id)
        polls.note(sign_id, prepared.text, perf_counter())
        if format == "json" or (format is None and not prefers_text(accept)):
            return answer(request, prepared)
        text = msgspec.json.decode(prepared.body, type=Sign).multi if format == "multi" else prepared.text
        headers = {"Cache-Control": NEVER, "Vary": "Accept"}
        return Response(text, media_type="text/plain", headers=headers)

    return router


def prefers_text(accept: str) -> bool:
    """Whether an Accept header asks for text/plain rather than for JSON, which is the default."""
    return prefers(accept, "text/plain")


def prefers(accept: str, kind: str) -> bool:
    """Whether an Accept header asks for this kind of text rather than for JSON, which is the default."""
    wanted = dict(_weight(item) for item in accept.lower().split(","))
    anything = wanted.get("*/*", 0.0)
    text = wanted.get(kind, wanted.get("text/*", anything))
    json = wanted.get("application/json", wanted.get("application/*", anything))
    return text > json


def _weight(item: str) -> tuple[str, float]:
    kind, *parameters = (part.strip() for part in item.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return kind, 0.0
    return kind, 1.0
