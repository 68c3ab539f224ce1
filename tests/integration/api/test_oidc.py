"""Tokens of an identity provider that really runs: discovery, keys, rotation, and all that is refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from random import randrange
from typing import Annotated, Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Depends

from api.access import Access, Caller, needs
from api.issuer_keys import IssuerKeys
from api.oidc import Tokens
from parking.access_keys import Scope
from parking.settings import Settings
from tests.integration.api.conftest import Api, StartApi, running_api, shares_api
from tests.support.access import bearer, key_of
from tests.support.issuer import AUDIENCE, Issuer, jwk, listening

ROLES = '{"Parking.Counter": ["counts:write"], "Parking.Auditor": ["audit:read", "reports:read"]}'


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with listening() as running:
        yield running


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[Issuer]:
    with listening() as running:
        yield running


async def guarded(api: Api) -> Api:
    @api.app.get("/guarded")
    async def route(caller: Annotated[Caller, Depends(needs(Scope.COUNTS_WRITE))]) -> dict[str, Any]:
        return {"name": caller.name, "scopes": sorted(caller.scopes)}

    return api


def trusting(issuer: Issuer) -> dict[str, Any]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "oidc_roles": ROLES}


@pytest.fixture
async def api(start_api: StartApi, issuer: Issuer) -> AsyncIterator[Api]:
    """The API, which trusts that provider."""
    async with start_api(**trusting(issuer)) as running:
        yield await guarded(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(shared_city_url: str, shared_issuer: Issuer) -> AsyncIterator[Api]:
    """The same for the tokens of all tests that only show one."""
    settings = Settings(database_url=shared_city_url, rate_per_s=0, **trusting(shared_issuer))
    async with running_api(settings) as running:
        yield await guarded(running)


async def ask(api: Api, token: str) -> Any:
    """Show a token, each time from another address: wrong ones from one address are limited."""
    address = f"198.51.{randrange(256)}.{randrange(256)}"
    headers = {b"Authorization": f"Bearer {token}".encode(), b"X-Forwarded-For": address.encode()}
    return await api.client.get("/guarded", headers=headers)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_token_lets_in_by_its_roles(api: Api, issuer: Issuer, algorithm: str) -> None:
    response = await ask(api, issuer.token(algorithm))
    assert response.json() == {"name": "ann@council.example (oidc 7c1f)", "scopes": ["counts:write"]}
    both = issuer.token(
        algorithm, roles=["Parking.Auditor", "Parking.Counter", "Other", 7], aud=["x", AUDIENCE]
    )
    assert (await ask(api, both)).json()["scopes"] == ["audit:read", "counts:write", "reports:read"]
    assert issuer.asked == 1


@shares_api
@pytest.mark.parametrize("roles", [None, [], ["Other"], "Other", {"a": 1}, 5])
async def test_a_holder_without_a_role_of_ours_is_403(
    shared_api: Api, shared_issuer: Issuer, roles: Any
) -> None:
    response = await ask(shared_api, shared_issuer.token(roles=roles))
    assert (response.status_code, "counts:write" in response.json()["detail"]) == (403, True)


NOW = int(time.time())


@shares_api
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"aud": "another-api"}, "Audience"),
        ({"aud": None}, "aud"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"iss": None}, "iss"),
        ({"exp": NOW - 3600}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": NOW + 3600}, "not yet valid"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "ubject"),
        ({"typ": "logout+jwt"}, "typ must be"),
        ({"kid": "nobody's", "key": "ES256"}, "has no RS256 key"),
        ({"kid": "ES256", "key": "RS256"}, "has no RS256 key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_token_that_is_not_for_us_is_401(
    shared_api: Api, shared_issuer: Issuer, changes: dict[str, Any], told: str
) -> None:
    if "key" in changes:
        changes = {**changes, "key": shared_issuer.private["RS256"]}
    response = await ask(shared_api, shared_issuer.token(**changes))
    assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
    assert told in response.json()["detail"]
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@shares_api
async def test_a_little_difference_of_clocks_is_forgiven(shared_api: Api, shared_issuer: Issuer) -> None:
    now = int(time.time())
    assert (await ask(shared_api, shared_issuer.token(exp=now - 10))).status_code == 200
    assert (await ask(shared_api, shared_issuer.token(nbf=now + 10, iat=now + 10))).status_code == 200


@shares_api
async def test_a_token_signed_by_somebody_else_is_401(shared_api: Api, shared_issuer: Issuer) -> None:
    with listening() as other:
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
            kid = "RS256" if algorithm == "PS256" else algorithm
            token = shared_issuer.token(algorithm, key=other.private[kid])
            assert (await ask(shared_api, token)).status_code == 401, algorithm


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@shares_api
async def test_neither_none_nor_a_shared_secret_is_a_signature(
    shared_api: Api, shared_issuer: Issuer
) -> None:
    good = shared_issuer.token()
    _, claims, signature = good.split(".")
    algorithms: tuple[Any, ...] = ("none", "None", "", None, "HS256", "RS1", "RS384", "ES256K", 7, [])
    for alg in algorithms:
        for ending in ("", signature):
            forged = f"{part({'alg': alg, 'typ': 'JWT', 'kid': 'RS256'})}.{claims}.{ending}"
            response = await ask(shared_api, forged)
            assert (response.status_code, alg) == (401, alg)
    public = shared_issuer.private["RS256"].public_key()
    forms = ((Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.DER, PublicFormat.PKCS1))
    for encoding, form in forms:
        secret = public.public_bytes(encoding, form)
        signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'RS256'})}.{claims}"
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert (await ask(shared_api, forged)).status_code == 401


NO_TOKENS = (
    "..",
    "a.b.c",
    "é.é.é",
    f"{part([])}.{part({})}.x",
    f"{part({'alg': 'RS256'})}..",
    "e30.e30.e30",
    f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.e30",
    f"{part({'alg': 'RS256', 'kid': {}})}.e30.e30",
    f"{part({'alg': 'RS256', 'typ': []})}.e30.e30",
)


@shares_api
@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: token[:12])
async def test_what_is_no_token_is_401(shared_api: Api, token: str) -> None:
    assert (await ask(shared_api, token)).status_code == 401


def quick(api: Api, issuer: Issuer, *, kept_s: float = 3600) -> None:
    """Let the API ask the provider as often as it likes."""
    access: Access = api.app.state.access
    oidc = access.tokens.oidc if access.tokens else None
    assert oidc is not None
    access.tokens = Tokens(oidc, IssuerKeys(issuer.url, kept_s=kept_s, again_s=0))


async def test_a_new_key_of_the_provider_is_found_and_an_old_one_ends(api: Api, issuer: Issuer) -> None:
    quick(api, issuer)
    old = issuer.token()
    assert (await ask(api, old)).status_code == 200
    with listening() as other:
        issuer.private["next"] = other.private["RS256"]
    issuer.keys.append(jwk(issuer.private["next"], "next", alg="RS256"))
    assert (await ask(api, issuer.token(kid="next"))).status_code == 200
    assert (await ask(api, old)).status_code == 200
    assert issuer.asked == 2
    issuer.keys = issuer.keys[-1:]
    # An unknown key makes it read them anew, and the old one is gone from then on.
    assert (await ask(api, issuer.token(kid="ES256", key=issuer.private["RS256"]))).status_code == 401
    assert (await ask(api, old)).status_code == 401
    assert (await ask(api, issuer.token(kid="next"))).status_code == 200


async def test_unknown_keys_do_not_make_it_ask_again_and_again(api: Api, issuer: Issuer) -> None:
    for number in range(20):
        token = issuer.token(kid=f"k{number}", key=issuer.private["RS256"])
        assert (await ask(api, token)).status_code == 401
    assert issuer.asked == 1


async def test_a_key_for_encryption_signs_nothing(api: Api, issuer: Issuer) -> None:
    issuer.keys[0]["use"] = "enc"
    assert (await ask(api, issuer.token())).status_code == 401


async def test_while_the_provider_is_away_known_keys_serve_on(start_api: StartApi, city_url: str) -> None:
    with listening() as issuer:
        pass
    settings = {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "oidc_roles": ROLES}
    async with start_api(**settings) as api:
        await guarded(api)
        cold = await ask(api, issuer.token())
        assert (cold.status_code, cold.headers["retry-after"]) == (503, "10")
        assert "API keys still work" in cold.json()["detail"]
        key = await key_of(city_url, Scope.COUNTS_WRITE)
        assert (await api.client.get("/guarded", headers=bearer(key))).status_code == 200
        quick(api, issuer, kept_s=0)
        with listening(issuer):
            assert (await ask(api, issuer.token())).status_code == 200
        assert (await ask(api, issuer.token())).status_code == 200
        assert (await ask(api, issuer.token(kid="new", key=issuer.private["RS256"]))).status_code == 503
        assert (await ask(api, issuer.token(exp=1))).status_code == 401


async def test_a_provider_that_calls_itself_otherwise_is_not_believed(api: Api, issuer: Issuer) -> None:
    issuer.named = "https://other.example"
    assert (await ask(api, issuer.token())).status_code == 503


async def test_roles_deeper_in_the_token_as_keycloak_has_them(start_api: StartApi, issuer: Issuer) -> None:
    settings = {
        "oidc_issuer": issuer.url,
        "oidc_audience": AUDIENCE,
        "oidc_roles": ROLES,
        "oidc_roles_claim": "realm_access.roles",
    }
    async with start_api(**settings) as api:
        await guarded(api)
        token = issuer.token(roles=None, realm_access={"roles": ["offline_access", "Parking.Counter"]})
        assert (await ask(api, token)).status_code == 200
        assert (await ask(api, issuer.token())).status_code == 403


async def test_without_a_provider_a_token_is_no_key(start_api: StartApi, issuer: Issuer) -> None:
    async with start_api() as api:
        await guarded(api)
        response = await ask(api, issuer.token())
        assert (response.status_code, "no API key" in response.json()["detail"]) == (401, True)
