"""Errors as pages for drivers, in their language."""

from http import HTTPStatus

import structlog
from fastapi import Request
from starlette.responses import Response

from api.live import NotLoaded
from api.pages.site import Page
from api.problems import RETRY_AFTER_S
from parking.errors import DatabaseUnavailable, NotFound, ParkingError

_log = structlog.get_logger()


def failed(request: Request, page: Page, error: ParkingError) -> Response | None:
    """The page for an error of the domain; None for one that has no page."""
    if isinstance(error, NotFound):
        return sorry(
            page, HTTPStatus.NOT_FOUND, page.text("We know no such place. Its name may have changed.")
        )
    if isinstance(error, NotLoaded | DatabaseUnavailable):
        if isinstance(error, DatabaseUnavailable):
            _log.warning("A page had no database", path=request.url.path, reason=error.message)
        words = page.text("This cannot be done now. Please try again in a moment.")
        return sorry(page, HTTPStatus.SERVICE_UNAVAILABLE, words, retry_after_s=RETRY_AFTER_S)
    return None


def sorry(page: Page, status: HTTPStatus, words: str, *, retry_after_s: int | None = None) -> Response:
    """A page that says what is wrong and where one can go on."""
    headers = {"Cache-Control": "no-store"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Response(
        page.render("failed.html", words=words), status_code=status, media_type="text/html", headers=headers
    )
