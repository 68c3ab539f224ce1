"""Signs as they look on the street: /signs, a wall of all of them, and /signs/{id}, one full screen."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.bodies import Sign
from api.live import LiveView
from api.pages.led import Lamps, matrix
from api.pages.site import Page, Pages, html
from api.prepared import Answers, Prepared


@dataclass(frozen=True, slots=True)
class ShownSign:
    """What one sign shows and why, and for how many seconds it may be shown; `words` is empty for blank."""

    id: str
    name: str
    words: str
    why: str
    reason: str
    valid_s: float
    poll_after_s: int
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
    message = msgspec.json.decode(answers.sign(sign_id).body, type=Sign)
    return ShownSign(
        id=sign_id,
        name=view.sign_facts(sign_id).name or sign_id,
        words=" / ".join(message.text.splitlines()),
        why=message.why.value,
        reason=message.reason,
        valid_s=round((message.valid_until - now).total_seconds(), 1),
        poll_after_s=message.poll_after_s,
        sites=[(site.facts.id, site.facts.name) for site in view.sign(sign_id)],
        lamps=matrix(message.text),
    )
