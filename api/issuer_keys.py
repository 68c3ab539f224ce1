"""The public keys of the identity provider: found by discovery, kept, and read anew when they change."""

import asyncio
import time
from http import HTTPStatus
from typing import Any, Final

import httpx
import jwt
import structlog

from api.problems import Refused

KINDS: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms that are accepted, all of public keys, and the kind of key that each needs."""
KEPT_S: Final = 3600.0
"""So long keys are used without asking."""
HELD_S: Final = 86_400.0
"""So long keys are used while the provider cannot be asked."""
AGAIN_S: Final = 10.0
"""The provider is asked at most this often, however many unknown keys are named in tokens."""
_ANSWER_S: Final = 5.0
_MOST_BYTES: Final = 1_000_000
_WELL_KNOWN: Final = "/.well-known/openid-configuration"

_log = structlog.get_logger()


class UnknownKey(Exception):
    """The provider has no such key."""


class ProviderUnavailable(Refused):
    """The provider's keys are not known, and it cannot be asked."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The identity provider cannot be reached, so no token can be checked now. API keys still work.",
            headers={"Retry-After": str(round(AGAIN_S))},
        )


class IssuerKeys:
    """The signing keys of one issuer, by `find`. The times are in seconds."""

    def __init__(self, issuer: str, *, kept_s: float = KEPT_S, again_s: float = AGAIN_S) -> None:
        self._issuer = issuer
        self._kept_s = kept_s
        self._again_s = again_s
        self._keys: list[dict[str, Any]] = []
        self._read_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key by this name for this algorithm (one of KINDS). Raises UnknownKey, ProviderUnavailable."""
        began = time.monotonic()
        if began - self._read_at > self._kept_s and not (self._asking.locked() and self._usable(began)):
            await self._ask(since=began - self._again_s)
        found = self._pick(kid, algorithm) if self._usable(time.monotonic()) else None
        if found is None:
            await self._ask(since=began - self._again_s)
            if self._read_at < self._asked_at:
                raise ProviderUnavailable
            found = self._pick(kid, algorithm)
        if found is None:
            raise UnknownKey
        try:
            return jwt.PyJWK(found, algorithm)
        except (jwt.PyJWTError, ValueError) as error:
            raise UnknownKey from error

    def _usable(self, now: float) -> bool:
        return now - self._read_at <= HELD_S

    def _pick(self, kid: str | None, algorithm: str) -> dict[str, Any] | None:
        fit = [
            key
            for key in self._keys
            if key.get("kty") == KINDS[algorithm]
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and (kid is None or key.get("kid") == kid)
        ]
        # A token that names no key can be checked only where there is no choice.
        return fit[0] if len(fit) == 1 else None

    async def _ask(self, *, since: float) -> None:
        """Read the keys, unless that was tried after `since` (time.monotonic); a failure is logged."""
        async with self._asking:
            if self._asked_at > since:
                return
            self._asked_at = time.monotonic()
            try:
                async with asyncio.timeout(2 * _ANSWER_S):
                    self._keys = await self._fetch()
            except (httpx.HTTPError, ValueError, TimeoutError) as error:
                _log.warning(
                    "The identity provider's keys cannot be read", issuer=self._issuer, reason=str(error)
                )
                return
            self._read_at = self._asked_at

    async def _fetch(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(timeout=_ANSWER_S) as client:
            about = await discover(client, self._issuer)
            where = about.get("jwks_uri")
            if not isinstance(where, str) or not is_safe(where):
                raise ValueError(f"jwks_uri must be an https URL (found {where!r:.200})")
            keys = (await fetch_json(client, where)).get("keys")
        if not isinstance(keys, list):
            raise ValueError(f"{where} has no list of keys")
        return [key for key in keys if isinstance(key, dict)]


async def discover(client: httpx.AsyncClient, issuer: str) -> dict[str, Any]:
    """The provider's discovery document. Raises httpx.HTTPError, ValueError."""
    about = await fetch_json(client, issuer.rstrip("/") + _WELL_KNOWN)
    if about.get("issuer") != issuer:
        raise ValueError(f"it calls itself {about.get('issuer')!r:.200}: set PARKING_OIDC_ISSUER to that")
    return about


def is_safe(url: str) -> bool:
    """Whether what comes from there can be believed: https, or this very machine."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.host in ("localhost", "127.0.0.1", "::1")
    )


async def fetch_json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """The JSON object there. Raises httpx.HTTPError, ValueError."""
    body = b""
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        response.raise_for_status()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise ValueError(f"{url} answers with more than {_MOST_BYTES} bytes")
    found = httpx.Response(200, content=body).json()
    if not isinstance(found, dict):
        raise ValueError(f"{url} answers with no JSON object")
    return found
