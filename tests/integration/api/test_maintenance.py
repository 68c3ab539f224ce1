"""The maintenance list over HTTP and as a command, from findings in a real database."""

import csv
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.notes import add_note
from parking.db.sweep import sweep_if_due
from parking.notes import Wrong
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


async def noted(url: str, site: str, bay: str | None, text: str) -> None:
    """A driver says that a space is told as free, and is taken."""
    async with connect(url, name="test", autocommit=True) as connection, connection.transaction():
        await add_note(connection, site=site, bay=bay, wrong=Wrong.TAKEN, text=text)


async def test_notes_of_drivers_are_on_the_list_until_dealt_with(api: Api, city_url: str) -> None:
    await noted(city_url, "street-0", "street-0-1", "=A skip stands there")
    await noted(city_url, "castle-mews", None, "")
    key = bearer(await key_of(city_url, Scope.MAINTENANCE_READ))
    first, second = (await api.client.get(LIST, headers=key)).json()["notes"]
    assert (first["site"], first["bay"], first["wrong"], first["text"]) == ("castle-mews", None, "taken", "")
    assert (second["site"], second["name"], second["bay"]) == ("street-0", "Street 0", "street-0-1")
    asked = await api.client.get(LIST, params={"format": "csv"}, headers=key)
    lines = [line for line in csv.DictReader(asked.text.splitlines()) if line["rule"] == "driver_note"]
    assert [(line["site"], line["bay"], line["reason"]) for line in lines] == [
        ("castle-mews", "", "told as free, and there is no space"),
        ("street-0", "street-0-1", "told as free, and there is no space: =A skip stands there"),
    ]


async def test_a_key_of_one_site_sees_what_concerns_it(api: Api, city_url: str) -> None:
    await examine(city_url)
    await noted(city_url, "street-0", None, "")
    own = bearer(await key_of(city_url, Scope.MAINTENANCE_READ, sites=("street-0",)))
    body = (await api.client.get(LIST, headers=own)).json()
    assert (body["visits"], body["at_desk"], len(body["notes"])) == ([], [], 1)
    other = bearer(await key_of(city_url, Scope.MAINTENANCE_READ, name="other", sites=("street-1",)))
    body = (await api.client.get(LIST, headers=other)).json()
    assert ([visit["site"] for visit in body["visits"]], body["notes"]) == (["street-1"], [])


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
    asyncio.run(noted(city_url, "street-0", "street-0-1", "A skip"))
    shown = CliRunner().invoke(app, ["maintenance"])
    assert shown.exit_code == 0
    assert "1. Street 1 (street-1): 4 bays, 672 bay-hours a week" in shown.stdout
    assert "street-1-0  silent" in shown.stdout
    assert "Street 0 (street-0), street-0-1: told as free, and there is no space: A skip" in shown.stdout
    listed = json.loads(CliRunner().invoke(app, ["maintenance", "--json"]).stdout)
    assert [visit["site"] for visit in listed["visits"]] == ["street-1"]
    assert [note["bay"] for note in listed["notes"]] == ["street-0-1"]
