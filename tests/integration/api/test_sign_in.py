"""Signing in to the pages over real HTTP: by key, through a provider, and all that ends or refuses it."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.sessions import Session
from parking.access_keys import Scope, new_key
from parking.db.access_keys import revoke_key, rotate_key
from parking.db.audit import Filter, page
from parking.db.connect import connect
from parking.db.sessions import IDLE_S, LASTS_S
from tests.integration.api.conftest import Api, StartApi
from tests.support.access import key_of
from tests.support.databases import outage
from tests.support.issuer import Issuer, listening
from tests.support.polling import PATIENCE_S
from tests.support.services import Services
from tests.support.signing_in import form_token, sign_in

PATH = "/manage/of-this-test"
CLIENT = "parking-pages"
ROLES = '{"Parking.Counter": ["counts:write"]}'


def install(api: Api) -> Api:
    """A page for those who may correct counts, with a form."""

    async def shown(request: Request, page: Page, session: Session) -> Response:
        done = request.method == "POST"
        title = f"{session.caller.name} {'did it' if done else 'looks'}"
        return staff_page(page, session, "staff/error.html", title=title, detail="")

    desk: Desk = api.app.state.desk
    desk.add(PATH, shown, scope=Scope.COUNTS_WRITE, methods=("GET", "POST"))
    return api


@pytest.fixture
async def desk(api: Api) -> Api:
    return install(api)


async def test_a_key_signs_in_and_one_comes_back_to_where_one_wanted_to_be(desk: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    sent = await desk.client.get(f"{PATH}?zone=west")
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        f"/sign-in?next={PATH}%3Fzone%3Dwest",
    )
    answer = await sign_in(desk.client, key, next=f"{PATH}?zone=west")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?zone=west")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("parking_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert key.secret not in cookie
    shown = await desk.client.get(PATH)
    assert f"office (key {key.id}) looks" in shown.text
    assert shown.headers["cache-control"] == "no-store"


async def test_over_https_the_cookie_is_sent_over_https_only(desk: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    https = {"X-Forwarded-Proto": "https"}
    shown = await desk.client.get("/sign-in", headers=https)
    assert all("; Secure" in line for line in shown.headers.get_list("set-cookie"))
    form = {"csrf": form_token(shown.text), "key": key.text}
    cookies = {"Cookie": shown.headers["set-cookie"].partition(";")[0]}
    answer = await desk.client.post("/sign-in", data=form, headers={**https, **cookies})
    assert answer.headers["set-cookie"].startswith("__Host-parking_session=")
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "x", ""])
async def test_one_is_never_sent_on_to_another_site(desk: Api, city_url: str, onward: str) -> None:
    answer = await sign_in(desk.client, await key_of(city_url, Scope.COUNTS_WRITE), next=onward)
    assert answer.headers["location"] == "/manage"


async def test_a_wrong_key_is_told_and_too_many_have_to_wait(desk: Api, city_url: str) -> None:
    right = await key_of(city_url, Scope.COUNTS_WRITE)
    answer = await sign_in(desk.client, new_key())
    assert answer.status_code == 422
    assert "This key is not valid" in answer.text
    assert "parking_session" not in desk.client.cookies
    assert (await sign_in(desk.client, "")).status_code == 422
    statuses = [(await sign_in(desk.client, new_key())).status_code for _ in range(12)]
    assert statuses[-1] == 429
    limited = await sign_in(desk.client, new_key())
    assert int(limited.headers["retry-after"]) >= 1
    # A valid key is still accepted from there.
    assert (await sign_in(desk.client, right)).status_code == 303


async def test_a_form_from_elsewhere_does_nothing(desk: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    stranger = await desk.client.post("/sign-in", data={"csrf": "", "key": key.text})
    assert stranger.status_code == 403
    await sign_in(desk.client, key)
    token = form_token((await desk.client.get(PATH)).text)
    for form, headers in (
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = await desk.client.post(PATH, data=form, headers=headers)
        assert (answer.status_code, "did it" in answer.text) == (403, False)
    answer = await desk.client.post(PATH, data={"csrf": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert "did it" in answer.text


async def test_who_lacks_the_scope_is_told_which(desk: Api, city_url: str) -> None:
    await sign_in(desk.client, await key_of(city_url, Scope.AUDIT_READ))
    answer = await desk.client.get(PATH)
    assert answer.status_code == 403
    assert "counts:write" in answer.text


async def test_signing_out_ends_the_session_for_good(desk: Api, city_url: str) -> None:
    await sign_in(desk.client, await key_of(city_url, Scope.COUNTS_WRITE))
    stolen = dict(desk.client.cookies)
    token = form_token((await desk.client.get(PATH)).text)
    assert (await desk.client.post("/sign-out", data={"csrf": token})).headers["location"] == "/sign-in?out=1"
    async with httpx.AsyncClient(
        base_url=desk.url, cookies=stolen, trust_env=False, timeout=PATIENCE_S
    ) as thief:
        assert (await thief.get(PATH)).status_code == 303
    async with connect(city_url, name="test", autocommit=True) as connection:
        rows = await page(connection, Filter(action="session."), limit=9)
    assert [row.action for row in rows] == ["session.close", "session.open"]


@pytest.mark.parametrize("how", ["revoked", "replaced", "expired", "idle", "long"])
async def test_a_session_ends_with_its_key_and_with_its_time(desk: Api, city_url: str, how: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    await sign_in(desk.client, key)
    assert (await desk.client.get(PATH)).status_code == 200
    async with connect(city_url, name="test", autocommit=True) as connection:
        if how == "revoked":
            await revoke_key(connection, key.id, actor="test")
        elif how == "replaced":
            await rotate_key(connection, key.id, actor="test", overlap_s=0)
        elif how == "expired":
            await connection.execute("UPDATE api_key SET expires_at = now()")
        elif how == "idle":
            await connection.execute(
                "UPDATE session SET seen_at = now() - make_interval(secs => %s)", (IDLE_S,)
            )
        else:
            await connection.execute(
                "UPDATE session SET expires_at = expires_at - make_interval(secs => %s)", (LASTS_S,)
            )
    assert (await desk.client.get(PATH)).status_code == 303


async def test_a_session_outlives_a_rotation_with_overlap(desk: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.COUNTS_WRITE)
    await sign_in(desk.client, key)
    async with connect(city_url, name="test", autocommit=True) as connection:
        await rotate_key(connection, key.id, actor="test", overlap_s=60)
    assert (await desk.client.get(PATH)).status_code == 200


async def test_no_secret_is_in_the_database(desk: Api, city_url: str) -> None:
    await sign_in(desk.client, await key_of(city_url, Scope.COUNTS_WRITE))
    held = desk.client.cookies["parking_session"]
    async with connect(city_url, name="test", autocommit=True) as connection:
        rows = await (await connection.execute("SELECT to_jsonb(session)::text FROM session")).fetchall()
    assert len(rows) == 1
    assert held not in rows[0][0]
    assert held.encode().hex() not in rows[0][0]


async def test_without_a_database_pages_say_so(desk: Api, city_url: str, services: Services) -> None:
    await sign_in(desk.client, await key_of(city_url, Scope.COUNTS_WRITE))
    async with outage(services.database(), city_url):
        answer = await desk.client.get(PATH)
        assert answer.status_code == 503
        assert "The database cannot be reached now" in answer.text
        assert "postgresql" not in answer.text


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with listening() as running:
        yield running


@pytest.fixture
async def provided(start_api: StartApi, issuer: Issuer) -> AsyncIterator[Api]:
    """The API with that provider to sign in through."""
    settings = {
        "oidc_issuer": issuer.url,
        "oidc_audience": "parking-api",
        "oidc_roles": ROLES,
        "oidc_client_id": CLIENT,
    }
    async with start_api(**settings) as running:
        yield install(running)


async def leave(api: Api) -> dict[str, str]:
    """Begin at the sign-in page; with what the provider is asked."""
    assert "Sign in with your council account" in (await api.client.get("/sign-in")).text
    sent = await api.client.get("/sign-in/provider", params={"next": PATH})
    assert sent.status_code == 303
    asked = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert asked["redirect_uri"] == f"{api.url}/sign-in/callback"
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
    return asked


async def test_through_the_provider(provided: Api, issuer: Issuer) -> None:
    asked = await leave(provided)
    code = issuer.let_in(asked)
    back = {"code": code, "state": asked["state"]}
    answer = await provided.client.get("/sign-in/callback", params=back)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert "ann@council.example (oidc 7c1f) looks" in (await provided.client.get(PATH)).text
    again = await provided.client.get("/sign-in/callback", params=back)
    assert "Please begin again" in again.text


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "another attempt"),
        ({"aud": "another"}, "cannot be believed"),
        ({"aud": [CLIENT, "x"], "azp": "x"}, "another attempt"),
        ({"exp": 1}, "cannot be believed"),
        ({"iss": "https://evil.example"}, "cannot be believed"),
        ({"roles": ["Parking.Nobody"]}, "no role of yours"),
    ],
    ids=["nonce", "audience", "party", "expired", "issuer", "roles"],
)
async def test_a_token_that_is_not_for_this_attempt_lets_nobody_in(
    provided: Api, issuer: Issuer, claims: dict[str, object], said: str
) -> None:
    asked = await leave(provided)
    back = {"code": issuer.let_in(asked, **claims), "state": asked["state"]}
    answer = await provided.client.get("/sign-in/callback", params=back)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert (await provided.client.get(PATH)).status_code == 303


async def test_a_way_back_that_was_not_begun_here_lets_nobody_in(provided: Api, issuer: Issuer) -> None:
    asked = await leave(provided)
    code = issuer.let_in(asked)
    for params in ({"code": code, "state": "x"}, {"state": asked["state"], "error": "access_denied"}, {}):
        answer = await provided.client.get("/sign-in/callback", params=params)
        assert answer.status_code == 422
    async with httpx.AsyncClient(base_url=provided.url, trust_env=False, timeout=PATIENCE_S) as other:
        answer = await other.get("/sign-in/callback", params={"code": code, "state": asked["state"]})
        assert answer.status_code == 422


async def test_while_the_provider_is_away_keys_still_sign_in(
    start_api: StartApi, city_url: str, issuer: Issuer
) -> None:
    settings = {"oidc_audience": "parking-api", "oidc_roles": ROLES, "oidc_client_id": CLIENT}
    async with start_api(oidc_issuer="http://127.0.0.1:9", **settings) as api:
        answer = await api.client.get("/sign-in/provider")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
        assert (await sign_in(api.client, await key_of(city_url, Scope.AUDIT_READ))).status_code == 303
