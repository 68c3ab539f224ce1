"""What is foretold, over HTTP: from what is stored in a real database to JSON, page, metrics and nearby."""

from datetime import UTC, datetime, timedelta

import pytest

from parking.access_keys import Scope
from parking.db.connect import Connection, connect
from parking.db.forecaster import Forecaster
from tests.integration.api.conftest import Api, StartApi
from tests.support.access import bearer, key_of
from tests.support.counts import evening
from tests.support.databases import outage
from tests.support.foretelling import past, present, quarters
from tests.support.polling import until
from tests.support.services import Services

MEWS = "castle-mews"
FORECAST = f"/v1/sites/{MEWS}/forecast"
REPORT = "/v1/reports/forecast"


@pytest.fixture
async def foretold_url(city_url: str) -> str:
    """That city with two weeks of the car park's past, forecasts of this minute, and scores."""
    async with connect(city_url, name="test", autocommit=True) as connection:
        await foretell(connection)
        await connection.execute(
            "INSERT INTO forecast_score VALUES (%s, 30, current_date, 100, 200, 300, 81, 2.5),"
            " (%s, 60, current_date, 100, 300, 500, 79, 3.5)",
            (MEWS, MEWS),
        )
    return city_url


async def foretell(connection: Connection) -> datetime:
    """Make the forecasts of now."""
    now = datetime.now(UTC)
    start = (now - timedelta(days=14)).replace(minute=0, second=0, microsecond=0)
    counts = {at: round(100 * evening(at.date(), at.hour)) for at in quarters(start, now)}
    await past(connection, MEWS, counts, capacity=100)
    await present(connection, now, {MEWS: round(100 * evening(now.date(), now.hour))})
    forecaster = Forecaster(frozenset())
    await forecaster.round(connection, now=now)
    while await forecaster.learn(connection, now=now) is not None:
        pass
    return now


async def read(api: Api) -> None:
    """Have the API read what was foretold, as it does every few seconds."""
    await api.parts.forecasts.read()


async def test_the_forecast_of_a_site_as_json(foretold_url: str, api: Api) -> None:
    await read(api)
    response = await api.client.get(FORECAST)
    assert response.status_code == 200
    body = response.json()
    assert (body["site"], body["capacity"], body["basis"], body["trusted"]) == (MEWS, 100, "history", True)
    assert body["why"].startswith("Usually ")
    made_at = datetime.fromisoformat(body["made_at"])
    minutes = [(datetime.fromisoformat(one["at"]) - made_at) / timedelta(minutes=1) for one in body["points"]]
    assert (minutes[0], minutes[-1]) == (5, 1440)
    assert all(0 <= one["low"] <= one["free"] <= one["high"] <= 100 for one in body["points"])
    assert all(0 <= one["chance"] <= 1 for one in body["points"])
    assert body["accuracy"] == [
        {"horizon_min": 30, "n": 100, "mae": 2.0, "plain_mae": 3.0, "coverage": 0.81, "brier": 0.025},
        {"horizon_min": 60, "n": 100, "mae": 3.0, "plain_mae": 5.0, "coverage": 0.79, "brier": 0.035},
    ]
    again = await api.client.get(FORECAST, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


async def test_before_anything_is_foretold_that_is_said(api: Api) -> None:
    body = (await api.client.get(FORECAST)).json()
    assert (body["made_at"], body["basis"], body["points"]) == (None, "nothing", [])
    assert body["why"].startswith("No forecast")
    assert (await api.client.get("/v1/sites/nowhere/forecast")).status_code == 404
    page = await api.client.get(f"/sites/{MEWS}")
    assert page.status_code == 200
    assert 'id="forecast"' not in page.text


async def test_what_was_foretold_long_ago_is_not_told(foretold_url: str, start_api: StartApi) -> None:
    async with connect(foretold_url, name="test", autocommit=True) as connection:
        await connection.execute("UPDATE site_forecast SET made_at = made_at - INTERVAL '20 minutes'")
    async with start_api() as api:
        await read(api)
        assert api.parts.forecasts.made_at is not None
        assert (await api.client.get(FORECAST)).json()["made_at"] is None


async def test_the_site_page_shows_the_day_as_a_plot_and_as_tables(foretold_url: str, api: Api) -> None:
    await read(api)
    page = (await api.client.get(f"/sites/{MEWS}")).text
    assert '<path class="app-curve__usual" d="M' in page
    assert '<path class="app-curve__band" d="M' in page
    assert "What to expect on arrival" in page
    assert "in 30 minutes" in page
    assert "hour by hour" in page


async def test_the_report_and_the_metrics_tell_how_good_it_was(foretold_url: str, api: Api) -> None:
    await read(api)
    assert (await api.client.get(REPORT)).status_code == 401
    key = bearer(await key_of(foretold_url, Scope.REPORTS_READ))
    body = (await api.client.get(REPORT, headers=key)).json()
    assert [(one["horizon_min"], one["n"], one["mae"]) for one in body["overall"]] == [
        (30, 100, 2.0),
        (60, 100, 3.0),
    ]
    assert [one["site"] for one in body["sites"]] == [MEWS, "street-0", "street-1"]
    metrics = (await api.client.get("/metrics")).text
    assert 'parking_api_forecast_mae_percent{minutes_ahead="30"} 2.0' in metrics
    assert 'parking_api_forecast_coverage_ratio{minutes_ahead="60"} 0.79' in metrics
    assert "parking_api_forecast_distrusted_sites 0.0" in metrics


async def test_a_key_for_some_sites_sees_the_accuracy_of_those(foretold_url: str, api: Api) -> None:
    await read(api)
    key = bearer(await key_of(foretold_url, Scope.REPORTS_READ, sites=frozenset({"street-1"})))
    body = (await api.client.get(REPORT, headers=key)).json()
    assert [one["site"] for one in body["sites"]] == ["street-1"]
    assert body["overall"] == []


async def test_nearby_goes_by_the_forecast_for_the_arrival(foretold_url: str, api: Api) -> None:
    async with connect(foretold_url, name="test", autocommit=True) as connection:
        await connection.execute("UPDATE site SET lon = -3.17, lat = 51.48 WHERE site_id = %s", (MEWS,))
        await connection.execute("SELECT pg_notify('parking_registry', '')")
        await connection.execute("UPDATE ingest_status SET alive_at = clock_timestamp()")
    await until(lambda: api.parts.view.sites[MEWS].facts.location is not None, what="the place is known")
    await read(api)

    async def reason() -> str:
        found = await api.client.get("/v1/nearby", params={"lat": 51.48, "lon": -3.17, "arrival": 45})
        return next((str(one["reason"]) for one in found.json()["results"] if one["id"] == MEWS), "")

    async def expected() -> bool:
        return "free expected then" in await reason()

    await until(expected, what="the reason tells what is expected")


async def test_without_the_database_what_was_read_stands(
    foretold_url: str, api: Api, services: Services
) -> None:
    await read(api)
    async with outage(services.database(), foretold_url):
        assert (await api.client.get(FORECAST)).json()["basis"] == "history"
