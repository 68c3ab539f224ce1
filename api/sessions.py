"""Who has signed in: the cookie of their browser, and the token that their forms carry."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.access import Caller
from api.addresses import Addresses
from parking.access_keys import Presented
from parking.db.pool import Pool
from parking.db.sessions import LASTS_S, Holder, close_session, find_session, open_session

_PLAIN: Final = "parking_session"
_SECURE: Final = "__Host-parking_session"
"""Browsers take a cookie of this name only over HTTPS, from this very host, for all its paths."""
_MOST_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in; `token` is what their browser holds."""

    caller: Caller
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What their forms must carry: another site can neither read it nor guess it."""
        return hmac.digest(self.token.encode(), b"form", hashlib.sha256).hex()


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, database: Pool, addresses: Addresses, *, public_url: str | None = None) -> None:
        self._database = database
        self._addresses = addresses
        self._public_url = public_url

    async def find(self, request: Request) -> Session | None:
        """Who asks, if they have signed in. Raises DatabaseUnavailable."""
        token = request.cookies.get(self._name(request), "")
        if not token or len(token) > _MOST_CHARACTERS:
            return None
        async with self._database.transaction() as connection:
            holder = await find_session(connection, token)
        return None if holder is None else Session(_caller(holder), token)

    async def begin(
        self, request: Request, response: Response, caller: Caller, *, key: Presented | None = None
    ) -> None:
        """Sign `caller` in, and end whatever session this browser had."""
        before = await self.find(request)
        holder = Holder(caller.name, caller.scopes, caller.sites)
        async with self._database.transaction() as connection:
            if before is not None:
                await close_session(connection, _holder(before.caller), before.token)
            token = await open_session(connection, holder, key=key)
        self.set_cookie(request, response, self._name(request), token, lasts_s=LASTS_S)

    async def end(self, request: Request, response: Response, session: Session) -> None:
        """Sign out."""
        async with self._database.transaction() as connection:
            await close_session(connection, _holder(session.caller), session.token)
        self.set_cookie(request, response, self._name(request), "", lasts_s=0)

    def origin(self, request: Request) -> str:
        """This host as its clients name it: https://parking.example."""
        if self._public_url is not None:
            return self._public_url.rstrip("/")
        scheme = "https" if self._is_https(request) else "http"
        return f"{scheme}://{request.headers.get('host', 'localhost')}"

    def set_cookie(
        self, request: Request, response: Response, name: str, value: str, *, lasts_s: float
    ) -> None:
        """A cookie that no script reads and that no form of another site sends."""
        response.set_cookie(
            name,
            value,
            max_age=int(lasts_s),
            path="/",
            secure=self._is_https(request),
            httponly=True,
            samesite="lax",
        )

    def _name(self, request: Request) -> str:
        return _SECURE if self._is_https(request) else _PLAIN

    def _is_https(self, request: Request) -> bool:
        return self._addresses.is_https(request.scope)


def _caller(holder: Holder) -> Caller:
    return Caller(holder.name, holder.scopes, holder.sites)


def _holder(caller: Caller) -> Holder:
    return Holder(caller.name, caller.scopes, caller.sites)
