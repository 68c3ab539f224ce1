"""CDS aggregates from a real database: the reports' own figures, valid, and no more than may be told."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml

from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.records import Batch, BayRecord
from parking.db.write import write_batch
from parking.model import BayObservation, Occupancy
from parking.registry import parse_registry
from parking.settings import Settings
from tests.integration.api.conftest import Api, running_api
from tests.support.access import bearer, key_of
from tests.support.city import load

AGGREGATES = "/open-data/cds/metrics/aggregates"
YESTERDAY = datetime.now(ZoneInfo("Europe/London")).date() - timedelta(days=1)
NOON = datetime.combine(YESTERDAY, time(12), ZoneInfo("Europe/London")).astimezone(UTC)
STREETS = {"market": "standard", "mews": "disabled"}
TAKEN = {0: [(0, 10), (20, 30), (40, 50), (70, 80)], 1: [(0, 10), (20, 30)]}
"""By bay of each street: from when until when it was taken, minutes after noon."""


def _street(name: str, category: str) -> dict[str, Any]:
    bays = [
        {
            "id": f"{name}-{bay}",
            "category": category,
            "location": {"lon": -3.17, "lat": 51.48 + bay / 10000},
            "sensor": {"id": f"sensor-{name}-{bay}", "heartbeat_s": 900},
        }
        for bay in range(4)
    ]
    here = {"lon": -3.17, "lat": 51.48}
    return {
        "id": name, "name": name, "kind": "on_street", "counting": "bays", "location": here, "bays": bays,
    }  # fmt: skip


def _heard(name: str) -> list[BayRecord]:
    """Every ten minutes from eleven until ten to two; then all are silent."""
    rows = []
    for bay in range(4):
        for seq, minute in enumerate(range(-60, 120, 10)):
            at = NOON + timedelta(minutes=minute)
            taken = any(start <= minute < end for start, end in TAKEN.get(bay, []))
            said = BayObservation(
                device=f"sensor-{name}-{bay}",
                state=Occupancy.OCCUPIED if taken else Occupancy.VACANT,
                event_at=at,
                seen_at=at,
                session=1 << 40,
                seq=seq,
            )
            rows.append(BayRecord(f"{name}-{bay}", name, said, at))
    return rows


@pytest.fixture
async def streets(database_url: str) -> AsyncIterator[Api]:
    """A street for all and one for disabled people, of which the same was heard."""
    registry = parse_registry({"sites": [_street(*street) for street in STREETS.items()]}, source="test")
    await load(database_url, registry)
    async with connect(database_url, name="test", autocommit=True) as connection:
        rows = [row for name in STREETS for row in _heard(name)]
        await write_batch(connection, Batch(bays=rows), now=datetime.now(UTC))
    async with running_api(Settings(database_url=database_url, rate_per_s=0)) as api:
        yield api


async def _asked(api: Api, **query: str | int) -> list[dict[str, Any]]:
    day = {"start_time": _ms(NOON - timedelta(hours=12)), "end_time": _ms(NOON + timedelta(hours=11))}
    answer = await api.client.get(AGGREGATES, params={**day, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.cds+csv;version=1.1"
    rows = csv.DictReader(io.StringIO(answer.text))
    return [{**row, "hour": int(row["hour"]), "value": float(row["value"])} for row in rows]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _zone(api: Api, site: str) -> str:
    zones = (await api.client.get("/open-data/cds/curbs/zones")).json()["data"]["zones"]
    ids: dict[str, str] = {one["custom_attributes"]["site"]: one["curb_zone_id"] for one in zones}
    return ids[site]


async def test_an_hour_with_enough_events_is_told_as_the_reports_tell_it(
    streets: Api, database_url: str
) -> None:
    rows = await _asked(streets)
    noon = {row["metric_type"]: row["value"] for row in rows if row["hour"] == 12}
    assert noon == {
        "total_sessions": 5,
        "total_events": 10,
        "turnover": 5.0,
        "average_dwell_time": 10.0,
        "occupancy_percent": 20.8,
    }
    assert {row["curb_place_id"] for row in rows} == {await _zone(streets, "market")}
    assert {row["date"] for row in rows} == {YESTERDAY.isoformat()}
    query = {"from": f"{YESTERDAY}T12:00", "until": f"{YESTERDAY}T13:00", "site": "market"}
    manager = bearer(await key_of(database_url, Scope.REPORTS_READ))
    report = await streets.client.get("/v1/reports/utilisation", params=query, headers=manager)
    of = report.json()["total"]
    assert (of["sessions"], of["arrivals"] + of["departures"]) == (5, 10)
    assert of["turnover"] * 4 == pytest.approx(noon["turnover"])
    assert of["occupancy"] * 100 == pytest.approx(noon["occupancy_percent"], abs=0.05)


async def test_few_events_are_not_told_and_a_zone_that_was_offline_is_minus_one(streets: Api) -> None:
    rows = await _asked(streets)
    assert {row["hour"] for row in rows if row["value"] != -1} == {12}  # at 11 nobody came, at 13 one did
    offline = {(row["hour"], row["metric_type"]) for row in rows if row["value"] == -1}
    assert {hour for hour, _ in offline} == set(range(14, 23))  # before eleven there were no bays
    assert len(offline) == 9 * 5


async def test_the_rows_are_valid_by_the_official_schema(streets: Api, shared_dir: Path) -> None:
    file = shared_dir / "schemas" / "cds-1.1" / "Shared Data Models" / "aggregate.yaml"
    schema = yaml.safe_load(file.read_text())
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    rows = await _asked(streets)
    assert rows
    for row in rows:
        validator.validate(row)
    assert not validator.is_valid({**rows[0], "metric_type": "delight"})


async def test_it_can_be_asked_of_one_zone_one_metric_and_some_hours(streets: Api) -> None:
    market, mews = await _zone(streets, "market"), await _zone(streets, "mews")
    assert await _asked(streets, curb_place_type="zone", curb_place_id=market) == await _asked(streets)
    assert await _asked(streets, curb_place_type="zone", curb_place_id=mews) == []
    assert await _asked(streets, curb_place_type="area", curb_place_id=market) == []
    one = await _asked(
        streets,
        metric_type="total_sessions",
        start_time=_ms(NOON),
        end_time=_ms(NOON + timedelta(hours=2)),
    )
    assert [(row["hour"], row["value"]) for row in one] == [(12, 5)]


async def test_it_has_an_etag_and_a_licence(streets: Api) -> None:
    answer = await streets.client.get(AGGREGATES)
    assert 'rel="license"' in answer.headers["link"]
    assert answer.headers["cache-control"] == "public, max-age=60"
    tag = {"if-none-match": answer.headers["etag"]}
    again = await streets.client.get(AGGREGATES, headers=tag)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"start_time": 1641738460}, "start_time 1641738460 is not in the last 31 days, in milliseconds"),
        ({"start_time": _ms(NOON), "end_time": _ms(NOON)}, "25 hours at most"),
        ({"start_time": _ms(NOON - timedelta(days=3)), "end_time": _ms(NOON)}, "25 hours at most"),
        ({"curb_place_type": "zone"}, "curb_place_type and curb_place_id go together"),
    ],
    ids=["seconds", "nothing", "long", "half"],
)
async def test_what_cannot_be_asked_is_explained(api: Api, query: dict[str, Any], words: str) -> None:
    answer = await api.client.get(AGGREGATES, params=query)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


async def test_sessions_of_single_vehicles_are_not_open(api: Api) -> None:
    answer = await api.client.get("/open-data/cds/metrics/sessions")
    assert answer.status_code == 501
    assert "single vehicles" in answer.json()["detail"]
