"""The application over ASGI, without a database: problems, headers, conditional requests, the documents."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from api.app import create_app
from api.parts import Parts
from api.routes.signs import prefers_text
from parking.errors import DatabaseUnavailable, SchemaError, SettingsError
from parking.settings import Settings
from tests.support.live import NOW, everything, street


@pytest.fixture
def app() -> FastAPI:
    # The lifespan does not run here, so nothing connects.
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    return create_app(settings)


@pytest.fixture
def parts(app: FastAPI) -> Parts:
    """The parts of the application, with one street loaded."""
    parts: Parts = app.state.parts
    parts.view.replace(everything(street("vvou"), street("o", site="<b>mews"), confirmed_s_ago=0))
    return parts


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(response: httpx.Response) -> Any:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    return body


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sites",
        "/v1/sites/x",
        "/v1/sites/x/bays",
        "/v1/nearby?lat=1&lon=1",
        "/v1/stream",
        "/v1/signs",
        "/v1/signs/x",
    ],
)
async def test_before_the_first_load_data_is_asked_for_again_later(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(path)
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert "not been read" in problem(response)["detail"]


async def test_the_page_before_the_first_load_says_so(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert "not known yet" in response.text


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("path", ["/v1/sites/no", "/v1/sites/no/bays", "/v1/signs/no", "/v1/stream?site=no"])
async def test_an_unknown_id_is_404(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert "'no'" in problem(response)["detail"]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("lat=NaN&lon=0", "query.lat", "NaN"),
        ("lat=0&lon=inf", "query.lon", "inf"),
        ("lat=0&lon=-1e999", "query.lon", "-1e999"),
        ("lat=90.1&lon=0", "query.lat", "90.1"),
        ("lat=0&lon=1" + "0" * 400, "query.lon", "1" + "0" * 99),
        ("lat=abc&lon=0", "query.lat", "abc"),
        ("lon=0", "query.lat", ""),
        ("lat=0&lon=0&limit=0", "query.limit", "0"),
        ("lat=0&lon=0&limit=999999999999999999999", "query.limit", "9" * 21),
        ("lat=0&lon=0&radius_m=0", "query.radius_m", "0"),
        ("lat=0&lon=0&radius_m=nan", "query.radius_m", "nan"),
        ("lat=0&lon=0&category=", "query.category.0", ""),
        ("lat=0&lon=0&include_full=perhaps", "query.include_full", "perhaps"),
    ],
)
async def test_a_bad_value_is_named_with_its_rule(
    client: httpx.AsyncClient, query: str, field: str, value: str
) -> None:
    response = await client.get(f"/v1/nearby?{query}")
    assert response.status_code == 422
    body = problem(response)
    (error,) = [error for error in body["errors"] if error["field"] == field]
    assert error["value"] == value
    assert error["rule"]
    assert field in body["detail"]


async def test_no_such_path_and_no_such_method_are_problems(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/nope"))["status"] == 404
    assert problem(await client.get("/static/../api/app.py"))["status"] == 404
    refused = await client.post("/v1/sites")
    assert problem(refused)["status"] == 405
    assert refused.headers["allow"] == "GET"


async def test_what_fails_inside_leaves_without_a_trace(
    app: FastAPI, client: httpx.AsyncClient, parts: Parts
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the inside")

    @app.get("/schema")
    async def schema() -> None:
        raise SchemaError("secret of the inside")

    for path in ("/broken", "/schema"):
        response = await client.get(path)
        assert problem(response)["title"] == "Internal Server Error"
        assert "secret" not in response.text
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_database_that_is_away_is_503(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/away")
    async def away() -> None:
        raise DatabaseUnavailable

    response = await client.get("/away")
    assert (problem(response)["status"], response.headers["retry-after"]) == (503, "3")


@pytest.mark.usefixtures("parts")
async def test_a_conditional_request_is_answered_with_304(client: httpx.AsyncClient) -> None:
    for path in ("/v1/sites", "/v1/sites/queen-street", "/v1/sites/queen-street/bays", "/", "/docs"):
        first = await client.get(path)
        assert first.status_code == 200
        etag = first.headers["etag"]
        for condition in (etag, f'"other", W/{etag}', "*"):
            again = await client.get(path, headers={"If-None-Match": condition})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.usefixtures("parts")
async def test_the_contract_of_a_site(client: httpx.AsyncClient) -> None:
    site = (await client.get("/v1/sites/queen-street")).json()
    assert (
        site.items()
        >= {
            "id": "queen-street",
            "name": "Queen-Street",
            "capacity": 4,
            "vacant": 2,
            "occupied": 1,
            "unknown": 1,
            "free_min": 2,
            "free_max": 3,
            "revision": 1,
            "status": "open",
            "location": {"lon": -3.176, "lat": 51.482},
        }.items()
    )
    bays = (await client.get("/v1/sites/queen-street/bays")).json()
    assert [bay["state"] for bay in bays["bays"]] == ["vacant", "vacant", "occupied", "unknown"]
    assert bays.items() >= {"site": "queen-street", "revision": 1, "stale": site["stale"]}.items()


async def test_a_sign_answers_in_the_format_that_is_asked_for(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    parts.view.clock.sync(NOW, asked_at=parts.view.clock.elapsed())
    answers = {
        name: await client.get(f"/v1/signs/vms-queen-street?format={name}")
        for name in ("json", "text", "multi")
    }
    assert answers["json"].json()["multi"] == answers["multi"].text == "[jp3][jl3]2"
    assert answers["text"].text == answers["json"].json()["text"] == "2"
    assert (await client.get("/v1/signs/vms-queen-street?format=xml")).status_code == 422


@pytest.mark.usefixtures("parts")
async def test_a_sign_answers_text_alone_when_asked(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/signs/vms-queen-street", headers={"Accept": "text/plain"})
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["cache-control"] == "no-store"
    assert "Accept" in response.headers["vary"]
    as_json = await client.get("/v1/signs/vms-queen-street")
    assert as_json.json()["text"] == response.text
    assert as_json.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("*/*", False),
        ("application/json", False),
        ("text/plain", True),
        ("text/plain, */*;q=0.1", True),
        ("text/plain;q=0.5, application/json", False),
        ("text/html, text/*;q=0.8, application/json;q=0.2", True),
        ("application/json;q=0, text/plain;q=0.1", True),
        ("", False),
        ("text/plain;q=high", False),
        (";;,=", False),
    ],
)
def test_which_form_an_accept_header_asks_for(accept: str, text: bool) -> None:
    assert prefers_text(accept) is text


@pytest.mark.usefixtures("parts")
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/v1/sites", "/nope", "/static/icon.svg", "/healthz"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.usefixtures("parts")
async def test_any_origin_may_read(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/sites", headers={"Origin": "https://map.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    preflight = await client.options(
        "/v1/sites",
        headers={
            "Origin": "https://map.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "If-None-Match",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "If-None-Match" in preflight.headers["access-control-allow-headers"]


@pytest.mark.usefixtures("parts")
async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/v1/sites", "/", "/healthz"):
        full, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == full.headers["content-length"]


@pytest.mark.usefixtures("parts")
async def test_pages_ask_nothing_of_other_hosts_and_need_no_inline_script(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        page = (await client.get(path)).text
        assert re.findall(r"""(?:src|href|url)\W{1,3}(?:https?:)?//[^"' )]*""", page) == []
        assert re.findall(r"<script(?! (type=\S+ )?src)", page) == []
        assert "style=" not in page
        assert '<html lang="en"' in page


async def test_what_pages_load_is_kept_for_ever_and_comes_compressed(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    (style,) = re.findall(r'href="(/static/built/app-\w+\.css)"', page)
    packed = await client.get(style, headers={"Accept-Encoding": "gzip"})
    plain = await client.get(style, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    for answer in (packed, plain):
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.usefixtures("parts")
async def test_the_page_escapes_what_the_registry_says(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "<b>mews" not in page
    assert "&lt;b&gt;mews" in page.lower()


async def test_metrics_count_by_route_and_not_by_id(client: httpx.AsyncClient, parts: Parts) -> None:
    for site in ("queen-street", "no", "nope"):
        await client.get(f"/v1/sites/{site}")
    await client.get("/unheard-of")
    text = (await client.get("/metrics")).text
    counted = 'parking_api_requests_total{method="GET",route="/v1/sites/{site_id}",status="%s"} %s\n'
    assert counted % (200, 1.0) in text
    assert counted % (404, 2.0) in text
    assert 'route="(none)"' in text
    assert "unheard-of" not in text
    assert "parking_api_sites 2.0\n" in text


async def test_readiness_gives_its_reasons_in_words(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    body = response.json()
    assert (response.status_code, body["ready"]) == (503, False)
    assert "database: The database has not been asked yet." in body["reasons"]
    assert set(body["checks"]) == {"database", "schema", "loaded", "ingestor", "broker"}


async def test_the_process_lives_whatever_else_does_not(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).text == "ok\n"


@pytest.mark.usefixtures("parts")
async def test_the_openapi_document_describes_what_is_answered(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    asked = {
        "/v1/sites": "/v1/sites",
        "/v1/sites/{site_id}": "/v1/sites/queen-street",
        "/v1/sites/{site_id}/bays": "/v1/sites/queen-street/bays",
        "/v1/nearby": "/v1/nearby?lat=51.482&lon=-3.176",
        "/v1/signs": "/v1/signs",
        "/v1/signs/{sign_id}": "/v1/signs/vms-queen-street",
        "/readyz": "/readyz",
    }
    for template, path in asked.items():
        response = await client.get(path)
        described = document["paths"][template]["get"]["responses"][str(response.status_code)]
        schema = described["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    validator = Draft202012Validator(
        {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    )
    for path in ("/v1/sites/no", "/v1/nearby", "/nope"):
        validator.validate((await client.get(path)).json())


async def test_every_reference_in_the_openapi_document_leads_somewhere(client: httpx.AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    schemas = json.loads(text)["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= set(schemas)
    assert "HTTPValidationError" not in text


def test_an_application_without_a_database_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="PARKING_DATABASE_URL"):
        create_app(Settings(database_url=None))
