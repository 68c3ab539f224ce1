"""Who calls: `Depends(needs(Scope.X))` gives the Caller, or answers 401 or 403."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as Model
from fastapi.security.base import SecurityBase
from starlette.types import Scope as RequestScope

from api.limits import Limits, too_many
from api.metrics import Metrics
from api.oidc import TokenRefused, Tokens
from api.problems import Forbidden, Refused
from parking.access_keys import MEANING, PREFIX, Scope, parse_key
from parking.db.key_ring import KeyRing
from parking.errors import ParkingError

MOST_CHARACTERS = 16_384
"""Of a credential; a longer one is refused unread."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `name` is what the audit log calls them; `sites` None: they are bound to none."""

    name: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the caller has this scope."""
        return scope in self.scopes

    def may_at(self, site: str) -> bool:
        """Whether the caller may act at this site."""
        return self.sites is None or site in self.sites

    def require_site(self, site: str) -> None:
        """Answer 403 unless the caller may act at this site."""
        if self.sites is not None and not self.may_at(site):
            raise Forbidden(
                f"This key is bound to other sites than {site!r:.80}; it is good for {_listed(self.sites)}.",
            )


class Access:
    """Finds out who calls, from the key or the token in a request's headers."""

    def __init__(
        self, ring: KeyRing, *, limits: Limits, metrics: Metrics, tokens: Tokens | None = None
    ) -> None:
        self._ring = ring
        self._limits = limits
        self.metrics = metrics
        self.tokens = tokens

    async def caller(self, request: Request, *, basic: bool) -> Caller:
        """Who calls. Answers 401 if nobody known; `basic`: say that HTTP Basic will do."""
        credential = presented(request)
        if credential is None:
            self.metrics.refused("none")
            raise _unknown("This needs an API key: send `Authorization: Bearer KEY`.", basic=basic)
        try:
            return await self.check(credential, request.scope)
        except Invalid as error:
            raise _unknown(str(error), basic=basic, wrong=True) from None

    async def check(self, credential: str, scope: RequestScope) -> Caller:
        """Whose credential this is, that came with a request.

        Raises Invalid, a 429 problem after too many of those, DatabaseUnavailable, ProviderUnavailable.
        """
        address = self._limits.addresses.of(scope)
        try:
            return await self._known(credential, search=not self._limits.failures.empty(address))
        except Invalid:
            self.metrics.refused("invalid")
            if wait_s := self._limits.failures.take(address):
                self.metrics.limited("failures")
                raise too_many(wait_s, "Too many keys that are not valid came from this address.") from None
            raise

    async def wait_s(self, scope: RequestScope, *, otherwise: float) -> float:
        """When a caller may ask whose address may not: by a bucket of their own, if they have a valid key."""
        request = Request(scope)
        if presented(request) is None:
            return otherwise
        try:
            caller = await self.caller(request, basic=False)
        except ParkingError:
            return otherwise
        return self._limits.callers.take(caller.name)

    async def _known(self, credential: str, *, search: bool) -> Caller:
        """Whose it is. Raises Invalid, DatabaseUnavailable, ProviderUnavailable."""
        key = parse_key(credential)
        if key is not None:
            found = await self._ring.find(key, search=search)
            if found is None:
                raise Invalid(
                    f"The key {PREFIX}{key.id}_... is not valid: unknown, expired, revoked or replaced."
                )
            sites = None if found.sites is None else frozenset(found.sites)
            return Caller(f"{found.name} (key {found.id})", found.scopes, sites)
        if self.tokens is None or credential.count(".") != 2:
            raise Invalid(f"This is no API key: one looks like {PREFIX}..., 66 characters.")
        try:
            return Caller(*await self.tokens.check(credential))
        except TokenRefused as error:
            raise Invalid(f"This token is not accepted: {error}.") from error


class Invalid(Exception):
    """A credential that nobody has; the reason is for whoever showed it."""


def needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency of a route: the caller, who has this scope; else a 401 or 403 problem."""
    bearer, header, basic = (Security(scheme, scopes=[scope.value]) for scheme in _SCHEMES)

    async def check(
        request: Request,
        bearer: Annotated[None, bearer],
        header: Annotated[None, header],
        basic: Annotated[None, basic],
    ) -> Caller:
        access: Access = request.app.state.access
        caller = await access.caller(request, basic=scope is Scope.CAMERAS_PUSH)
        if not caller.may(scope):
            access.metrics.refused("scope")
            raise _lacking(scope, caller)
        return caller

    return check


async def caller_if_any(request: Request) -> Caller | None:
    """Who calls a route that needs no key; None without one. Answers 401 for one that is not valid.

    A password of HTTP Basic is not looked at here: it may be that of a proxy before us.
    """
    bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not bearer and "x-api-key" not in request.headers:
        return None
    access: Access = request.app.state.access
    return await access.caller(request, basic=False)


def presented(request: Request) -> str | None:
    """The credential in the headers: X-Api-Key, else a bearer token, else the password of HTTP Basic.

    X-Api-Key comes first, since a proxy before us may have put a password of its own into Authorization.
    """
    if (key := request.headers.get("x-api-key")) is not None:
        return key.strip()[:MOST_CHARACTERS]
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    value = value.strip()[:MOST_CHARACTERS]
    if kind.lower() == "bearer":
        return value
    return _password(value) if kind.lower() == "basic" else None


def _password(value: str) -> str | None:
    try:
        user_and_password = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user_and_password.partition(":")[2]


def _unknown(detail: str, *, basic: bool, wrong: bool = False) -> Refused:
    challenge = 'Bearer realm="parking"' + (', error="invalid_token"' if wrong else "")
    # Browsers open a window at a Basic challenge, and cameras need one.
    if basic:
        challenge += ', Basic realm="parking", charset="UTF-8"'
    return Refused(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def _lacking(scope: Scope, caller: Caller) -> Refused:
    detail = (
        f"This needs the scope {scope} (to {MEANING[scope]}); {caller.name} has {_listed(caller.scopes)}."
    )
    challenge = f'Bearer realm="parking", error="insufficient_scope", scope="{scope}"'
    return Forbidden(detail, headers={"WWW-Authenticate": challenge})


def _listed(names: frozenset[str] | frozenset[Scope]) -> str:
    return ", ".join(sorted(names)[:20]) or "none"


class _Scheme(SecurityBase):
    """Tells the OpenAPI document how a key is sent; `Access` reads it."""

    def __init__(self, name: str, model: Model) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        return None


_SCHEMES = (
    _Scheme(
        "Bearer", HTTPBearer(description="an API key, or an access token of the council's identity provider")
    ),
    _Scheme(
        "ApiKey",
        APIKey(**{"in": APIKeyIn.header}, name="X-Api-Key", description="an API key in a header of its own"),
    ),
    _Scheme(
        "Basic",
        HTTPBase(scheme="basic", description="an API key as the password, with any user name: for cameras"),
    ),
)
