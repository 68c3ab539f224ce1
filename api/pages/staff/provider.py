"""Signing in through the identity provider: OpenID Connect's authorization code flow with PKCE (RFC 7636)."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import structlog

from api.access import Caller
from api.issuer_keys import IssuerKeys, ProviderUnavailable, discover, is_safe
from api.oidc import TokenRefused, Tokens, holder_name, scopes_of
from parking.settings import OidcLogin

_ANSWER_S: Final = 10.0
_log = structlog.get_logger()


class SignInFailed(Exception):
    """The provider did not let this person in, or what it says cannot be believed; the reason is for them."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One attempt to sign in; the browser keeps it in a cookie until it comes back."""

    state: str
    nonce: str
    verifier: str
    onward: str

    @classmethod
    def new(cls, onward: str) -> "Flow":
        """A fresh attempt, which goes on to the path `onward`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, onward)

    @classmethod
    def read(cls, text: str) -> "Flow":
        """What `written` wrote. Raises SignInFailed."""
        try:
            values = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(**{name: str(values[name]) for name in ("state", "nonce", "verifier", "onward")})
        except (ValueError, KeyError, TypeError):
            raise SignInFailed("This attempt to sign in has ended. Please begin again.") from None

    def written(self) -> str:
        """The flow as the value of a cookie."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier now; the verifier itself goes with the code."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Provider:
    """The identity provider as one signs in there. Its ID token says who came, and in which roles."""

    def __init__(self, login: OidcLogin, keys: IssuerKeys) -> None:
        self._login = login
        # An ID token is for the client that asked, not for the API.
        self._oidc = replace(login.oidc, audience=login.client_id)
        self._tokens = Tokens(self._oidc, keys)

    async def begin(self, flow: Flow, back: str) -> str:
        """Where to send the browser; `back` is where it returns to. Raises ProviderUnavailable."""
        async with httpx.AsyncClient(timeout=_ANSWER_S) as client:
            where = await self._endpoint(client, "authorization_endpoint")
        query = {
            "response_type": "code",
            "client_id": self._login.client_id,
            "redirect_uri": back,
            "scope": self._login.scope,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def finish(self, flow: Flow, answer: Mapping[str, str], back: str) -> Caller:
        """Who came back with this answer. Raises SignInFailed, ProviderUnavailable."""
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise SignInFailed("This attempt to sign in has ended. Please begin again.")
        if "code" not in answer:
            raise SignInFailed(
                f"The identity provider refused: {answer.get('error', 'no reason given')!s:.80}"
            )
        token = await self._id_token(flow, answer["code"], back)
        try:
            claims = await self._tokens.claims(token)
        except TokenRefused as error:
            _log.warning("An ID token is not accepted", reason=str(error))
            raise SignInFailed("What the identity provider says of you cannot be believed.") from error
        if (
            claims.get("nonce") != flow.nonce
            or claims.get("azp", self._login.client_id) != self._login.client_id
        ):
            raise SignInFailed("The identity provider answered another attempt. Please begin again.")
        scopes = scopes_of(claims, self._oidc)
        if not scopes:
            raise SignInFailed(
                "You are known, but no role of yours may do anything here. Ask your administrator."
            )
        return Caller(holder_name(claims), scopes)

    async def _id_token(self, flow: Flow, code: str, back: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._login.client_id,
            "code_verifier": flow.verifier,
        }
        if self._login.client_secret is not None:
            form["client_secret"] = self._login.client_secret.get_secret_value()
        async with httpx.AsyncClient(timeout=_ANSWER_S) as client:
            where = await self._endpoint(client, "token_endpoint")
            try:
                response = await client.post(where, data=form, headers={"Accept": "application/json"})
                told: Any = response.json()
            except (httpx.HTTPError, ValueError) as error:
                _log.warning("The identity provider gives no token", reason=str(error))
                raise ProviderUnavailable from error
        token = told.get("id_token") if isinstance(told, dict) else None
        if response.is_error or not isinstance(token, str):
            reason = (
                told.get("error", response.status_code) if isinstance(told, dict) else response.status_code
            )
            _log.warning("The identity provider gives no token", reason=f"{reason!s:.200}")
            raise SignInFailed("The identity provider did not accept this attempt. Please begin again.")
        return token

    async def _endpoint(self, client: httpx.AsyncClient, name: str) -> str:
        try:
            where = (await discover(client, self._oidc.issuer)).get(name)
            if not isinstance(where, str) or not is_safe(where):
                raise ValueError(f"{name} must be an https URL (found {where!r:.200})")
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("The identity provider cannot be asked", reason=str(error))
            raise ProviderUnavailable from error
        return where
