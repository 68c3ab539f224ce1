"""The maintenance list over HTTP and as a command, from findings in a real database."""

import csv
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.sweep import sweep_if_due
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.databases import outage
from tests.support.polling import until
from tests.support.services import Services

LIST = "/v1/reports/maintenance"


async def examine(url: str) -> None:
    """Look at all devices, of which none was ever heard."""
    async with connect(url, name="test", autocommit=True) as connection:
        await connection.execute(
            "UPDATE device_assignment SET recorded_at = now() - INTERVAL '9 days'"
            " WHERE starts_with(bay_id, 'street-1')"
        )
        await sweep_if_due(connection, every_s=0)


async def test_the_list_has_the_worst_site_first_in_json_and_csv(api: Api, city_url: str) -> None:
    await examine(city_url)
    key = bearer(await key_of(city_url, Scope.MAINTENANCE_READ))
    response = await api.client.get(LIST, headers=key)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body["as_of"] is not None
    (visit,) = body["visits"]
    assert (visit["site"], visit["bays"], visit["lost_bay_hours_a_week"]) == ("street-1", 4, 672.0)
    fault = visit["faults"][0]
    assert (fault["rule"], fault["bay"], fault["device"]) == ("silent", "street-1-0", "sensor-1-0")
    assert fault["reason"] == "never heard in this bay; it should speak every 900 s"

    for asked in (
        await api.client.get(LIST, params={"format": "csv"}, headers=key),
        await api.client.get(LIST, headers={"Accept": "text/csv", **key}),
    ):
        assert asked.headers["content-type"] == "text/csv; charset=utf-8"
        lines = list(csv.DictReader(asked.text.splitlines()))
        assert [(line["visit"], line["bay"]) for line in lines] == [
            ("1", f"street-1-{number}") for number in range(4)
        ]
    other = await api.client.get(LIST, params={"format": "xml"}, headers=key)
    assert other.status_code == 422


async def test_the_list_is_for_those_with_a_key_for_it(api: Api, city_url: str) -> None:
    assert (await api.client.get(LIST)).status_code == 401
    other = bearer(await key_of(city_url, Scope.HEALTH_READ))
    assert (await api.client.get(LIST, headers=other)).status_code == 403


async def test_without_the_database_it_says_so(api: Api, city_url: str, services: Services) -> None:
    key = bearer(await key_of(city_url, Scope.MAINTENANCE_READ))
    assert (await api.client.get(LIST, headers=key)).status_code == 200
    with_outage = outage(services.database(), city_url)
    async with with_outage:

        async def refused() -> bool:
            return (await api.client.get(LIST, headers=key)).status_code == 503

        await until(refused, what="a problem instead of a list")


def test_the_command_prints_the_same(city_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setenv("PARKING_DATABASE_URL", city_url)
    before = CliRunner().invoke(app, ["maintenance"])
    assert "No device has been looked at yet" in before.stdout
    asyncio.run(examine(city_url))
    shown = CliRunner().invoke(app, ["maintenance"])
    assert shown.exit_code == 0
    assert "1. Street 1 (street-1): 4 bays, 672 bay-hours a week" in shown.stdout
    assert "street-1-0  silent" in shown.stdout
    listed = json.loads(CliRunner().invoke(app, ["maintenance", "--json"]).stdout)
    assert [visit["site"] for visit in listed["visits"]] == ["street-1"]
