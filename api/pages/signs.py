"""Signs as they look on the street: /signs, a wall of all of them, and /signs/{id}, one full screen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.live import LiveView
from api.pages.led import COLUMNS, GAP, ROWS, columns, lamps
from api.pages.site import Page, Pages, html
from api.pages.words import clock
from api.prepared import Answers, Prepared

WIDEST = 8
"""Letters on one line of a sign."""


@dataclass(frozen=True, slots=True)
class Lamps:
    """A matrix of lamps: its size in columns and rows, and which of them are lit."""

    width: int
    height: int
    lit: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ShownSign:
    """What one sign shows and why."""

    id: str
    name: str
    text: str
    reason: str
    until: str
    valid_until: str
    poll_after_s: int
    revision: int
    sites: list[tuple[str, str]]
    lamps: Lamps


def add_signs(pages: Pages, view: LiveView, answers: Answers) -> None:
    """Add both pages. What they show is what `/v1/signs/{id}` answers at the same moment."""

    async def wall(request: Request, page: Page) -> Response:
        def render(now: datetime) -> Prepared:
            signs = [shown(view, answers, page, sign, now) for sign in view.signs]
            return html(page.render("signs.html", signs=signs), answers.signs().fresh_until)

        return answer(request, answers.prepare(("signs page", page.language.code), render))

    async def one(request: Request, page: Page) -> Response:
        sign = shown(view, answers, page, request.path_params["sign_id"], view.clock.now())
        response = answer(request, html(page.render("sign.html", sign=sign)))
        response.headers["Cache-Control"] = "no-store"
        return response

    pages.add("/signs", wall)
    pages.add("/signs/{sign_id}", one)


def shown(view: LiveView, answers: Answers, page: Page, sign_id: str, now: datetime) -> ShownSign:
    """What a sign shows at `now`. Raises NotLoaded or NotFound."""
    sites = view.sign(sign_id)
    message: dict[str, Any] = msgspec.json.decode(answers.sign(sign_id).body)
    timezone = sites[0].facts.timezone if sites else "UTC"
    return ShownSign(
        id=sign_id,
        name=view.sign_facts(sign_id).name or sign_id,
        text=message["text"],
        reason=message["reason"],
        until=clock(page, datetime.fromisoformat(message["valid_until"]), timezone, now),
        valid_until=message["valid_until"],
        poll_after_s=message["poll_after_s"],
        revision=message["revision"],
        sites=[(site.facts.id, site.facts.name) for site in sites],
        lamps=matrix(message["text"]),
    )


def matrix(text: str) -> Lamps:
    """The text in the middle of a matrix that is `WIDEST` letters wide, in as many lines as it takes."""
    lines = list(_lines(text)) or [""]
    width = WIDEST * (COLUMNS + GAP) + GAP
    height = len(lines) * (ROWS + GAP) + GAP
    lit = [
        (column + (width - columns(line)) // 2, row + GAP + number * (ROWS + GAP))
        for number, line in enumerate(lines)
        for column, row in lamps(line)
    ]
    return Lamps(width, height, lit)


def _lines(text: str) -> Iterator[str]:
    """At spaces where that is possible; a longer word is cut."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDEST:
            yield line
            line = ""
        line = f"{line} {word}".strip()
        while len(line) > WIDEST:
            yield line[:WIDEST]
            line = line[WIDEST:]
    if line:
        yield line
