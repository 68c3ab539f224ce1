"""All sites with their numbers: /sites."""

from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.live import LiveView
from api.pages.site import Page, Pages, html
from api.pages.words import site_list
from api.prepared import Answers, Prepared
from api.problems import RETRY_AFTER_S


def add_sites(pages: Pages, view: LiveView, answers: Answers) -> None:
    """Add the list of all sites."""

    async def sites(request: Request, page: Page) -> Response:
        def render(now: datetime) -> Prepared:
            listed = site_list(view, page, now)
            return html(page.render("sites.html", sites=listed, loaded=view.loaded), answers.next_stale(now))

        if view.loaded:
            return answer(request, answers.prepare(("sites page", page.language.code), render))
        response = answer(request, render(view.clock.now()), status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response

    pages.add("/sites", sites)
