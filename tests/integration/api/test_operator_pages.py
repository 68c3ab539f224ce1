"""What operators see and do: the registry's files with a preview, keys, the audit log, the system."""

import re

import httpx
import pytest

from parking.access_keys import Scope
from parking.db.connect import connect
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.signing_in import form_token, sign_in

OPERATOR = (Scope.REGISTRY_WRITE, Scope.KEYS_WRITE, Scope.AUDIT_READ, Scope.HEALTH_READ, Scope.REPORTS_READ)
CSV = "site,bay,category\nstreet-0,street-0-1,disabled\nstreet-0,new-1,electric\n"


@pytest.fixture
async def operator(api: Api, city_url: str) -> Api:
    api.client.timeout = httpx.Timeout(60)
    await sign_in(api.client, await key_of(city_url, *OPERATOR, name="operator"))
    return api


async def post(api: Api, path: str, **sent: object) -> httpx.Response:
    """Send a form of that page."""
    token = form_token((await api.client.get(path)).text)
    data = {"csrf": token, **sent.pop("data", {})}  # type: ignore[dict-item]
    return await api.client.post(path, data=data, **sent)  # type: ignore[arg-type]


async def test_a_file_is_previewed_and_then_imported(operator: Api, city_url: str) -> None:
    path, files = "/manage/registry/import", {"file": ("bays.csv", CSV, "text/csv")}
    preview = await post(operator, path, data={"do": "preview"}, files=files)
    assert preview.status_code == 200
    assert "What bays.csv would change" in preview.text
    assert "category: &#34;standard&#34; → &#34;disabled&#34;" in preview.text
    key = bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="reader"))
    assert (await operator.client.get("/v1/registry/bays/new-1", headers=key)).status_code == 404
    done = await post(operator, path, data={"do": "import"}, files=files)
    assert "bays.csv was imported" in done.text
    assert (await operator.client.get("/v1/registry/bays/new-1", headers=key)).status_code == 200

    bad = {"file": ("bays.csv", CSV.replace("electric", "Electric!"), "text/csv")}
    refused = await post(operator, path, data={"do": "import"}, files=bad)
    assert refused.status_code == 422
    assert re.search(r"<th[^>]*>3</th><td[^>]*>category", refused.text)
    assert "Choose a file first" in (await post(operator, path, data={"do": "preview"})).text
    other = {"file": ("bays.xlsx", "x", "text/plain")}
    assert "must end in" in (await post(operator, path, files=other)).text


async def test_a_form_of_another_session_imports_nothing(operator: Api) -> None:
    files = {"file": ("bays.csv", CSV, "text/csv")}
    sent = await operator.client.post(
        "/manage/registry/import", data={"csrf": "x", "do": "import"}, files=files
    )
    assert sent.status_code == 403


async def test_a_key_is_made_shown_once_and_revoked(operator: Api) -> None:
    form = {"name": "Office", "scopes": ["reports:read"], "sites": "street-0 street-1", "days": "30"}
    made = await post(operator, "/manage/keys", data=form)
    found = re.search(r"<code>(pk_[^<]+)</code>", made.text)
    assert found is not None
    assert found[1] not in (await operator.client.get("/manage/keys")).text
    key = found[1].split("_")[1]
    known = await operator.client.get("/v1/registry/sites", headers=bearer(found[1]))
    assert known.status_code == 403
    token = form_token(made.text)
    ended = await operator.client.post(f"/manage/keys/{key}/revoke", data={"csrf": token})
    assert ended.status_code == 303
    assert (await operator.client.get("/v1/registry/sites", headers=bearer(found[1]))).status_code == 401
    beyond = await post(operator, "/manage/keys", data={**form, "name": "More", "scopes": ["signs:write"]})
    assert (beyond.status_code, "lacks itself" in beyond.text) == (403, True)
    none = await post(operator, "/manage/keys", data={"name": "None"})
    assert (none.status_code, "give at least one" in none.text) == (422, True)


async def test_the_audit_log_is_read_and_filtered(operator: Api, city_url: str) -> None:
    for number in range(52):
        await key_of(city_url, Scope.REPORTS_READ, name=f"<b>{number}")
    first = (await operator.client.get("/manage/audit", params={"action": "key."})).text
    assert "&lt;b&gt;51" in first
    assert "<b>51" not in first
    older = re.search(r'href="(/manage/audit\?[^"]+)"', first)
    assert older is not None
    assert "&#34;operator&#34;" in (await operator.client.get(older[1].replace("&amp;", "&"))).text
    none = await operator.client.get("/manage/audit", params={"action": "nothing", "below": "x"})
    assert "There is none" in none.text


async def test_the_system_page_says_what_is_wrong(operator: Api, city_url: str) -> None:
    async with connect(city_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO ingest_status (ingestor, started_at, alive_at, connected)"
            " VALUES ('one', now(), now(), true),"
            "        ('two', now() - interval '9 days', now() - interval '1 hour', false)"
        )
        await connection.execute(
            "INSERT INTO rejected_message (received_at, topic, code, detail, size)"
            " SELECT now(), 'a/b', 'unknown_device', 'no device x', 1 FROM generate_series(1, 1200)"
        )
    html = (await operator.client.get("/manage/system")).text
    rows = dict(re.findall(r"__key\">([^<]+)</dt>.*?(Well|Look here)</strong>", html))
    assert rows["Database"] == "Well"
    assert (rows["Ingestor one"], rows["Ingestor two"]) == ("Well", "Look here")
    assert "1,200" in html
    assert "unknown_device" in html


async def test_pages_are_for_those_who_may(api: Api, city_url: str) -> None:
    paths = ("registry", "keys", "audit", "system")
    for path in paths:
        assert (await api.client.get(f"/manage/{path}")).status_code == 303
    await sign_in(api.client, await key_of(city_url, Scope.REPORTS_READ, name="reader"))
    for path in paths:
        assert (await api.client.get(f"/manage/{path}")).status_code == 403
