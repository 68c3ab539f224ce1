"""A driver says that a space is told wrongly: /sites/{id}/report. Nothing about who says so is kept."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.buckets import Buckets
from api.limits import Limits
from api.live import LiveView
from api.pages.failures import sorry
from api.pages.site import Page, Pages
from parking.db.notes import add_note
from parking.db.pool import Pool
from parking.notes import MOST_CHARACTERS, Wrong

PER_S: Final = 1 / 120
BURST: Final = 3
"""Notes from one address: three at once, then one every two minutes."""
_HEADERS = {"Cache-Control": "no-store"}


def add_report(pages: Pages, view: LiveView, database: Pool, limits: Limits) -> None:
    """Add the form."""
    notes = Buckets(per_s=PER_S, burst=BURST)

    async def show(request: Request, page: Page) -> Response:
        site = view.site(request.path_params["site_id"])
        asked = request.query_params.get("bay", "")
        bay = asked if asked in site.bays else ""
        return _form(page, site.facts.id, site.facts.name, bay=bay, sent="sent" in request.query_params)

    async def send(request: Request, page: Page) -> Response:
        site = view.site(request.path_params["site_id"])
        form = await request.form()
        text, asked = str(form.get("text", "")), str(form.get("bay", ""))
        bay = asked if asked in site.bays else ""
        chosen = str(form.get("wrong", ""))
        if chosen not in set(Wrong):
            return _form(page, site.facts.id, site.facts.name, bay=bay, text=text, missing=True)
        done = f"{page.language.path(f'/sites/{quote(site.facts.id)}/report')}?sent=1"
        # A field that nobody sees: what fills it in is a program.
        if form.get("website") or request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
            return _seen(done)
        if notes.take(limits.addresses.of(request.scope)):
            words = page.text(
                "You have sent several notes. Please wait some minutes before you send another."
            )
            return sorry(page, HTTPStatus.TOO_MANY_REQUESTS, words, retry_after_s=round(1 / PER_S))
        async with database.transaction() as connection:
            await add_note(connection, site=site.facts.id, bay=bay or None, wrong=Wrong(chosen), text=text)
        return _seen(done)

    pages.add("/sites/{site_id}/report", show)
    pages.add("/sites/{site_id}/report", send, methods=("POST",))


def wrong_words(page: Page, wrong: Wrong) -> str:
    """What is wrong, in a driver's words."""
    return {
        Wrong.TAKEN: page.text("It says there is a space, and there is none"),
        Wrong.FREE: page.text("It says full or not known, and there are spaces"),
        Wrong.CLOSED: page.text("It is open or closed, other than you say"),
        Wrong.DETAILS: page.text("The price, the hours or another fact is wrong"),
        Wrong.OTHER: page.text("Something else"),
    }[wrong]


def _form(
    page: Page,
    site: str,
    name: str,
    *,
    bay: str,
    text: str = "",
    missing: bool = False,
    sent: bool = False,
) -> Response:
    made = page.render(
        "report.html",
        site=site,
        name=name,
        bay=bay,
        text=text[:MOST_CHARACTERS],
        most=MOST_CHARACTERS,
        choices=[(wrong.value, wrong_words(page, wrong)) for wrong in Wrong],
        missing=missing,
        sent=sent,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if missing else HTTPStatus.OK
    return Response(made, status_code=status, media_type="text/html", headers=_HEADERS)


def _seen(path: str) -> Response:
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER, headers=_HEADERS)
