"""Rate limits over real HTTP: by address, by key, for signs, for wrong keys."""

from collections.abc import AsyncIterator

import pytest

from api.edge import MOST_BODY
from api.limits import FAILURES_BURST
from parking.access_keys import Scope, new_key
from tests.integration.api.conftest import Api, StartApi
from tests.support.access import bearer, key_of

BURST = 5
ONE = {"X-Forwarded-For": "198.51.100.1"}
OTHER = {"X-Forwarded-For": "198.51.100.2"}


@pytest.fixture
async def slow(start_api: StartApi) -> AsyncIterator[Api]:
    """The API, in which an address may ask five times and then once in 100 s."""
    async with start_api(rate_per_s=0.01, rate_burst=BURST) as api:
        yield api


async def statuses(api: Api, path: str, headers: dict[str, str], *, count: int) -> list[int]:
    return [(await api.client.get(path, headers=headers)).status_code for _ in range(count)]


@pytest.mark.parametrize(
    "path", ["/v1/sites", "/v1/sites/street-0", "/v1/nearby?lat=51.48&lon=-3.17", "/", "/no"]
)
async def test_an_address_that_asks_too_much_waits_and_others_do_not(slow: Api, path: str) -> None:
    usual = (await slow.client.get(path, headers=OTHER)).status_code
    assert await statuses(slow, path, ONE, count=BURST + 2) == [usual] * BURST + [429, 429]
    response = await slow.client.get(path, headers=ONE)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["status"], response.json()["instance"]) == (429, path.partition("?")[0])
    assert 90 < int(response.headers["retry-after"]) <= 100
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["access-control-allow-origin"] == "*"
    assert (await slow.client.head(path, headers=ONE)).status_code == 429
    assert (await slow.client.get(path, headers=OTHER)).status_code == usual


async def test_neighbours_in_one_ipv6_network_are_one(slow: Api) -> None:
    for number in range(BURST):
        headers = {"X-Forwarded-For": f"2001:db8::{number:x}"}
        assert (await slow.client.get("/v1/sites", headers=headers)).status_code == 200
    headers = {"X-Forwarded-For": "2001:db8::ffff"}
    assert (await slow.client.get("/v1/sites", headers=headers)).status_code == 429


async def test_signs_have_a_bucket_of_their_own(slow: Api) -> None:
    assert 429 in await statuses(slow, "/v1/sites", ONE, count=BURST + 1)
    assert await statuses(slow, "/v1/signs/vms-0", ONE, count=BURST + 1) == [200] * BURST + [429]


async def test_a_caller_with_a_key_goes_on_where_the_address_may_not(slow: Api, city_url: str) -> None:
    key = {**ONE, **bearer(await key_of(city_url, Scope.REPORTS_READ))}
    assert 429 in await statuses(slow, "/v1/sites", ONE, count=BURST + 1)
    assert await statuses(slow, "/v1/sites", key, count=BURST + 1) == [200] * BURST + [429]
    wrong = {**ONE, **bearer(new_key())}
    assert await statuses(slow, "/v1/sites", wrong, count=2) == [429, 429]


async def test_wrong_keys_are_limited_harder_and_a_right_one_is_not(api: Api, city_url: str) -> None:
    key = await key_of(city_url, Scope.MAINTENANCE_READ)
    path = "/v1/reports/maintenance"
    assert (await api.client.get(path, headers={**ONE, **bearer(key)})).status_code == 200
    wrong = {**ONE, **bearer(new_key())}
    seen = await statuses(api, path, wrong, count=FAILURES_BURST + 2)
    assert seen == [401] * FAILURES_BURST + [429, 429]
    response = await api.client.get(path, headers=wrong)
    assert int(response.headers["retry-after"]) <= 6
    reads = api.parts.keys.reads
    assert await statuses(api, path, {**ONE, **bearer(new_key())}, count=5) == [429] * 5
    assert api.parts.keys.reads == reads
    assert (await api.client.get(path, headers={**ONE, **bearer(key)})).status_code == 200
    assert (await api.client.get(path, headers={**OTHER, **bearer(new_key())})).status_code == 401
    # Nobody is counted who shows nothing.
    assert (await api.client.get(path, headers=ONE)).status_code == 401


async def test_the_metrics_count_who_was_refused_and_limited(slow: Api) -> None:
    await statuses(slow, "/v1/sites", ONE, count=BURST + 2)
    await statuses(slow, "/v1/audit", OTHER, count=1)
    await statuses(slow, "/v1/audit", {**OTHER, **bearer("x")}, count=2)
    text = (await slow.client.get("/metrics")).text
    assert 'parking_api_limited_total{what="reads"} 2.0' in text
    assert 'parking_api_requests_total{method="GET",route="(limited)",status="429"} 2.0' in text
    assert 'parking_api_refused_total{why="none"} 1.0' in text
    assert 'parking_api_refused_total{why="invalid"} 2.0' in text


async def test_a_proxy_that_is_not_trusted_is_one_client(
    start_api: StartApi, capsys: pytest.CaptureFixture[str]
) -> None:
    async with start_api(rate_per_s=0.01, rate_burst=BURST, trusted_proxies="10.0.0.1") as api:
        for number in range(BURST):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert (await api.client.get("/v1/sites", headers=headers)).status_code == 200
        assert await statuses(api, "/v1/sites", OTHER, count=3) == [429] * 3
    assert capsys.readouterr().out.count("add it to PARKING_TRUSTED_PROXIES") == 1


async def test_zero_is_no_limit(start_api: StartApi) -> None:
    async with start_api(rate_per_s=0, rate_burst=1) as api:
        assert set(await statuses(api, "/v1/sites", ONE, count=50)) == {200}


async def test_https_alone_is_asked_for_only_where_it_is_set(start_api: StartApi, api: Api) -> None:
    for path in ("/", "/v1/sites", "/healthz"):
        assert "strict-transport-security" not in (await api.client.get(path)).headers
    async with start_api(hsts_s=31_536_000, rate_per_s=0.01, rate_burst=3) as secure:
        for path in ("/", "/v1/sites", "/healthz", "/"):
            response = await secure.client.get(path)
            assert response.headers["strict-transport-security"] == "max-age=31536000"
        assert response.status_code == 429


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_long_is_refused_unread(api: Api, city_url: str, chunked: bool) -> None:
    key = bearer(await key_of(city_url, Scope.KEYS_WRITE))
    size = MOST_BODY + 1

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // 100_000 + 1):
            yield b" " * 100_000

    content = chunks() if chunked else b" " * size
    headers = {**key, "Content-Type": "application/json"}
    response = await api.client.post("/v1/keys", content=content, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
