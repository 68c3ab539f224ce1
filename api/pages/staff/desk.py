"""How a page of staff comes about: who asks, may they, and is a form really theirs.

`Desk.add(path, handler, scope=...)` adds a page. The handler gets the request, the page and the session, and
answers with `staff_page`. Whoever has not signed in is sent to do so and comes back; an error becomes a page.
"""

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.pages.site import Page, Pages
from api.pages.staff.navigation import entries
from api.problems import STATUS_OF, Refused
from api.sessions import Session, Sessions
from parking.access_keys import MEANING, Scope
from parking.errors import DatabaseUnavailable, ParkingError

Handler = Callable[[Request, Page, Session], Awaitable[Response]]

_log = structlog.get_logger()
_AWAY = "The database cannot be reached now. Nothing was changed. Please try again in a moment."


class Desk:
    """Adds pages that only signed-in people see. They are in English."""

    def __init__(self, pages: Pages, sessions: Sessions) -> None:
        self._pages = pages
        self._sessions = sessions

    def add(
        self, path: str, handler: Handler, *, scope: Scope | None, methods: tuple[str, ...] = ("GET",)
    ) -> None:
        """Answer at `path` to those who have `scope` (None: to all who have signed in).

        A POST reaches the handler only if it comes from a form of this session (`csrf_field`).
        """

        async def endpoint(request: Request, page: Page) -> Response:
            session = None
            try:
                session = await self._sessions.find(request)
                if session is None:
                    return to_sign_in(request)
                if scope is not None and not session.caller.may(scope):
                    return _lacking(page, session, scope)
                if request.method == "POST":
                    await require_own_form(request, session.csrf)
                return await handler(request, page, session)
            except ParkingError as error:
                return failed(page, session, error)
            except HTTPException as error:
                return error_page(page, session, HTTPStatus(error.status_code), str(error.detail))
            finally:
                await request.close()  # files that came with a form

        self._pages.add(path, endpoint, methods=methods, translated=False)


def staff_page(
    page: Page,
    session: Session | None,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Response:
    """A page for staff. No browser and no proxy keeps it. The template also sees `session` and `entries`."""
    text = page.render(
        template,
        session=session,
        entries=entries(session.caller) if session else [],
        **context,
    )
    return Response(
        text,
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def seen(path: str) -> Response:
    """The answer to a form that was done: look at that page (303), so that a reload does nothing again."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def to_sign_in(request: Request) -> Response:
    """Sign in first, and come back to what was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    # What was typed into a form is lost with its session: one comes back to where the form is.
    return seen(f"/sign-in?next={quote(request.url.path + query, safe='/')}")


async def require_own_form(request: Request, expected: str) -> None:
    """Answer 403 unless the form that was sent is one of ours, from a page of this session.

    Browsers name the site that a request comes from; the token in the form holds for those that do not.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(HTTPStatus.FORBIDDEN, "This form was sent from another site. Nothing was changed.")
    sent = (await request.form()).get("csrf")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Refused(
            HTTPStatus.FORBIDDEN, "This form is from a session that has ended. Go back, reload and try again."
        )


def failed(page: Page, session: Session | None, error: ParkingError) -> Response:
    """An error of the domain as a page; what names servers and users stays inside."""
    if isinstance(error, Refused):
        return error_page(page, session, error.status, error.message, dict(error.headers))
    if isinstance(error, DatabaseUnavailable):
        _log.warning("A page had no database", path=page.path, reason=error.message)
        return error_page(page, session, HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, {"Retry-After": "3"})
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)
    if status is None:
        _log.error("A page failed", path=page.path, error=error.message)
        return error_page(page, session, HTTPStatus.INTERNAL_SERVER_ERROR, "It was written to the log.")
    return error_page(page, session, status, error.message)


def error_page(
    page: Page,
    session: Session | None,
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """What went wrong, and what one can do."""
    title = _TITLES.get(status, "There is a problem")
    return staff_page(
        page, session, "staff/error.html", status=status, headers=headers, title=title, detail=detail
    )


_TITLES = {
    HTTPStatus.FORBIDDEN: "You cannot do this",
    HTTPStatus.NOT_FOUND: "There is no such thing",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many attempts",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed on our side",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now",
}


def _lacking(page: Page, session: Session, scope: Scope) -> Response:
    detail = f"This page is for those who may {MEANING[scope]} (the scope {scope})."
    return error_page(page, session, HTTPStatus.FORBIDDEN, detail)
