"""CDS events from a real database: whole hours of the last day, no more than may be told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import Api
from tests.support.ingestor import HandIngestor

EVENTS = "/open-data/cds/events/events"
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


@pytest.fixture
async def busy(api: Api, city_url: str) -> Api:
    """Street 0 had six vehicles in the hour, of which one was there before; street 1 had two."""
    stays = [("street-0-0", minute, minute + 8) for minute in (0, 10, 20, 30, 40)]
    stays += [("street-0-1", -30, 5), ("street-1-0", 3, 9), ("street-1-0", 12, 900)]
    with HandIngestor(city_url) as ingestor:
        for bay, start, end in stays:
            ingestor.run(
                "INSERT INTO ended_stay VALUES (%s, %s, %s, %s, true, true)",
                (
                    bay,
                    bay[:8],
                    HOUR + timedelta(minutes=start, seconds=30),
                    HOUR + timedelta(minutes=end, seconds=30),
                ),
            )
    return api


async def _events(api: Api, **query: str) -> list[dict[str, Any]]:
    answer = await api.client.get(EVENTS, params={"event_time": f"{HOUR:%Y-%m-%dT%H}", **query})
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["data"]["events"]
    return events


async def test_an_hour_is_told_to_the_minute_where_enough_happened(busy: Api) -> None:
    events = await _events(busy)
    kinds = [event["event_type"] for event in events]
    assert (kinds.count("park_start"), kinds.count("park_end")) == (5, 6)
    first = int(HOUR.timestamp() * 1000)
    assert {event["event_time"] - first for event in events if event["event_type"] == "park_start"} == {
        minute * 60_000 for minute in (0, 10, 20, 30, 40)
    }
    zones = {zone["curb_zone_id"]: zone["custom_attributes"]["site"] for zone in await _zones(busy)}
    assert {zones[event["curb_zone_id"]] for event in events} == {"street-0"}
    assert await _events(busy, curb_zone_id=next(id for id in zones if zones[id] == "street-1")) == []


async def _zones(api: Api) -> list[dict[str, Any]]:
    zones: list[dict[str, Any]] = (await api.client.get("/open-data/cds/curbs/zones")).json()["data"]["zones"]
    return zones


async def test_the_same_hour_has_the_same_ids(busy: Api) -> None:
    assert await _events(busy) == await _events(busy)


async def test_without_a_time_it_is_the_last_whole_hour(busy: Api) -> None:
    answer = await busy.client.get(EVENTS)
    assert answer.status_code == 200
    assert answer.json()["data"]["events"] == []


@pytest.mark.parametrize("hours", [-30, 5])
async def test_an_hour_that_is_not_told_of_is_named_with_the_rule(busy: Api, hours: int) -> None:
    time = f"{HOUR + timedelta(hours=hours):%Y-%m-%dT%H}"
    answer = await busy.client.get(EVENTS, params={"event_time": time})
    assert answer.status_code == 422
    assert time in answer.json()["detail"]
    assert "last 24 whole hours" in answer.json()["detail"]
    answer = await busy.client.get(EVENTS, params={"event_time": "yesterday"})
    assert answer.status_code == 422


async def test_what_we_lack_of_cds_is_said_as_cds_wants_it(api: Api) -> None:
    for name in ("areas", "spaces", "objects"):
        assert (await api.client.get(f"/open-data/cds/curbs/{name}")).status_code == 501
