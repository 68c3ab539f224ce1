"""The accessibility statement, in the form that UK public bodies must publish: /accessibility."""

from datetime import date

from babel.dates import format_date
from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.pages.site import Page, Pages, html

PREPARED = date(2026, 11, 25)
"""When the statement was last gone through; change it with the text."""


def add_statement(pages: Pages) -> None:
    """Add the statement."""

    async def statement(request: Request, page: Page) -> Response:
        prepared = format_date(PREPARED, "d MMMM y", locale=page.language.locale)
        return answer(request, html(page.render("accessibility.html", prepared=prepared)))

    pages.add("/accessibility", statement)
