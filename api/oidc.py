"""Bearer tokens of the council's identity provider: who holds one, and what their roles let them do."""

import re
from typing import Any, Final

import jwt

from api.issuer_keys import KINDS, IssuerKeys, UnknownKey
from parking.access_keys import Scope
from parking.settings import Oidc

LEEWAY_S: Final = 30
"""So far may the provider's clock be from ours."""
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_REQUIRED: Final = ["exp", "iss", "aud", "sub"]


class TokenRefused(Exception):
    """A token that is not accepted; the reason is for its holder."""


class Tokens:
    """Checks tokens of one issuer for one audience."""

    def __init__(self, oidc: Oidc, keys: IssuerKeys) -> None:
        self.oidc = oidc
        self._keys = keys

    async def check(self, token: str) -> tuple[str, frozenset[Scope]]:
        """The holder's name for the audit log, and their scopes. Raises TokenRefused, ProviderUnavailable."""
        claims = await self.claims(token)
        return holder_name(claims), scopes_of(claims, self.oidc)

    async def claims(self, token: str) -> dict[str, Any]:
        """What a good token says. Raises TokenRefused, ProviderUnavailable."""
        try:
            return await self._claims(token)
        except jwt.PyJWTError as error:
            raise TokenRefused(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise TokenRefused("it cannot be read") from error

    async def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or algorithm not in KINDS:
            raise TokenRefused(f"alg must be one of {', '.join(KINDS)} (found {algorithm!r:.40})")
        if kind is not None and (not isinstance(kind, str) or kind.lower() not in _TYPES):
            raise TokenRefused(f"typ must be JWT or at+jwt (found {kind!r:.40})")
        try:
            key = await self._keys.find(kid, algorithm)
        except UnknownKey as error:
            raise TokenRefused(f"the provider has no {algorithm} key {kid!r:.80}") from error
        return jwt.decode(
            token,
            key,
            algorithms=list(KINDS),
            audience=self.oidc.audience,
            issuer=self.oidc.issuer,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )


def scopes_of(claims: dict[str, Any], oidc: Oidc) -> frozenset[Scope]:
    """What all the holder's roles together allow; a role that is not mapped allows nothing."""
    roles = _claim(claims, oidc.roles_claim)
    if isinstance(roles, str):
        roles = roles.split()
    if not isinstance(roles, list):
        return frozenset()
    known = (oidc.roles.get(role, frozenset()) for role in roles if isinstance(role, str))
    return frozenset[Scope]().union(*known)


def holder_name(claims: dict[str, Any]) -> str:
    """A name for people, which may change, and the subject, which does not."""
    names = (claims.get(claim) for claim in ("preferred_username", "email", "name", "azp", "appid"))
    name = next((one for one in names if isinstance(one, str) and one), "token")
    return re.sub(r"[\x00-\x1f\x7f]", "?", f"{name:.100} (oidc {claims['sub']:.100})")


def _claim(claims: dict[str, Any], path: str) -> Any:
    """A claim by its name, or by a path with dots into objects: realm_access.roles."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
