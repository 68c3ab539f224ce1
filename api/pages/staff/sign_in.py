"""Signing in with a key of the API or through the identity provider, and signing out."""

import secrets
from http import HTTPStatus
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.access import Access, Caller, Invalid
from api.pages.site import Page, Pages
from api.pages.staff.desk import Desk, failed, require_own_form, seen, staff_page
from api.pages.staff.navigation import entries
from api.pages.staff.provider import Flow, Provider, SignInFailed
from api.sessions import Session, Sessions
from parking.access_keys import parse_key
from parking.errors import ParkingError

HOME: Final = "/manage"
_FORM: Final = "parking_form"
_FLOW: Final = "parking_flow"
_FLOW_S: Final = 600.0
_WRONG: Final = "This key is not valid. It may be mistyped, or it has expired or been replaced."
_MISSING: Final = "Enter your key"


def add_sign_in(
    pages: Pages, desk: Desk, *, access: Access, sessions: Sessions, provider: Provider | None
) -> None:
    """Add /sign-in, /sign-out and, with a provider, the way there and back."""
    door = _Door(access, sessions, provider)
    pages.add("/sign-in", door.show, translated=False)
    pages.add("/sign-in", door.enter, methods=("POST",), translated=False)
    if provider is not None:
        pages.add("/sign-in/provider", door.leave_for_provider, translated=False)
        pages.add("/sign-in/callback", door.come_back, translated=False)

    async def sign_out(request: Request, page: Page, session: Session) -> Response:
        response = seen("/sign-in?out=1")
        await sessions.end(request, response, session)
        return response

    async def manage(request: Request, page: Page, session: Session) -> Response:
        found = entries(session.caller)
        if found:
            return seen(found[0].path)
        return staff_page(page, session, "staff/nothing.html")

    desk.add("/sign-out", sign_out, scope=None, methods=("POST",))
    desk.add(HOME, manage, scope=None)


def local(path: str) -> str:
    """A path of these pages to go on to; where it is none, the first page of staff."""
    fine = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and len(path) < 2000
    return path if fine else HOME


class _Door:
    def __init__(self, access: Access, sessions: Sessions, provider: Provider | None) -> None:
        self._access = access
        self._sessions = sessions
        self._provider = provider

    async def show(self, request: Request, page: Page) -> Response:
        onward = local(request.query_params.get("next", HOME))
        try:
            if await self._sessions.find(request) is not None:
                return seen(onward)
        except ParkingError as error:
            return failed(page, None, error)
        return self._form(request, page, onward, out="out" in request.query_params)

    async def enter(self, request: Request, page: Page) -> Response:
        try:
            await require_own_form(request, request.cookies.get(_FORM) or secrets.token_hex())
            form = await request.form()
            onward, text = local(str(form.get("next", HOME))), str(form.get("key", "")).strip()
            if not text:
                return self._form(request, page, onward, error=_MISSING)
            caller = await self._access.check(text, request.scope)
            return await self._begin(request, onward, caller, text)
        except Invalid:
            return self._form(request, page, onward, error=_WRONG)
        except ParkingError as error:
            return failed(page, None, error)

    async def leave_for_provider(self, request: Request, page: Page) -> Response:
        assert self._provider is not None
        flow = Flow.new(local(request.query_params.get("next", HOME)))
        try:
            where = await self._provider.begin(flow, self._back(request))
        except ParkingError as error:
            return failed(page, None, error)
        response = seen(where)
        self._sessions.set_cookie(request, response, _FLOW, flow.written(), lasts_s=_FLOW_S)
        return response

    async def come_back(self, request: Request, page: Page) -> Response:
        assert self._provider is not None
        try:
            flow = Flow.read(request.cookies.get(_FLOW, ""))
            caller = await self._provider.finish(flow, request.query_params, self._back(request))
            response = await self._begin(request, flow.onward, caller)
        except SignInFailed as error:
            return self._form(request, page, HOME, error=str(error))
        except ParkingError as error:
            return failed(page, None, error)
        self._sessions.set_cookie(request, response, _FLOW, "", lasts_s=0)
        return response

    async def _begin(self, request: Request, onward: str, caller: Caller, key: str = "") -> Response:
        response = seen(onward)
        await self._sessions.begin(request, response, caller, key=parse_key(key))
        return response

    def _back(self, request: Request) -> str:
        return f"{self._sessions.origin(request)}/sign-in/callback"

    def _form(
        self, request: Request, page: Page, onward: str, *, error: str = "", out: bool = False
    ) -> Response:
        csrf = request.cookies.get(_FORM) or secrets.token_urlsafe(16)
        response = staff_page(
            page,
            None,
            "staff/sign-in.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
            onward=onward,
            csrf=csrf,
            error=error,
            out=out,
            provider=self._provider is not None,
        )
        self._sessions.set_cookie(request, response, _FORM, csrf, lasts_s=3600)
        return response
