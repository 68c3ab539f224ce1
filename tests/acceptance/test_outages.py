"""Outages of the database, the broker and the sensors: nothing is lost, nothing untrue is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cli.embedded.ports import choose_port
from firmware_protocol import codec
from firmware_protocol.frames import FrameType, State, StateFrame
from parking.db.connect import connect
from tests.acceptance.system import System, assert_api_equals_ledger, assert_equal_to_ledger, system
from tests.conftest import Broker, StartProcess
from tests.support.city import load, small_registry
from tests.support.databases import outage
from tests.support.polling import until
from tests.support.publishing import Publish, publishing
from tests.support.services import Services

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

QUICK = {"PARKING_STALE_AFTER_S": "4"}


@pytest.fixture
async def city(
    database_url: str, broker: Broker, tmp_path: Path, process: StartProcess
) -> AsyncIterator[System]:
    async with system(database_url=database_url, mqtt_url=broker.url, folder=tmp_path, start=process) as made:
        made.env |= QUICK
        yield made


async def sites(city: System) -> list[dict[str, Any]]:
    """What the API says of all sites."""
    found: list[dict[str, Any]] = (await city.get("/v1/sites"))["sites"]
    return found


async def signs(city: System) -> list[str]:
    """What every sign shows."""
    return [sign["text"] for sign in (await city.get("/v1/signs"))["signs"]]


async def all_stale(city: System) -> bool:
    """Whether the API calls every number stale."""
    return all(site["stale"] for site in await sites(city))


async def none_stale(city: System) -> bool:
    """Whether the API vouches for every number."""
    return not any(site["stale"] for site in await sites(city))


async def turns_stale_and_blank(city: System) -> None:
    """The API goes on answering; within 20 seconds its numbers are stale and signs show none."""
    before = {site["id"]: site["revision"] for site in await sites(city)}
    await until(lambda: all_stale(city), timeout=60, every=0.1, what="every site is stale")
    assert before.keys() == {site["id"] for site in await sites(city)}
    assert [text for text in await signs(city) if any(character.isdigit() for character in text)] == []


async def test_outages_lose_nothing_and_show_nothing_untrue(
    city: System, services: Services, broker: Broker
) -> None:
    ingest, api = await city.start_ingest(), await city.start_api()
    simulator = await city.simulate("--speed", "300", "--duration", "24")
    await until(lambda: none_stale(city), what="the numbers are live")

    async with outage(services.database(), city.database_url):
        await turns_stale_and_blank(city)
        await asyncio.sleep(2)  # messages go on flowing into the outage
    await until(lambda: none_stale(city), timeout=60, what="the numbers are live again after the database's")

    await broker.stop()
    await turns_stale_and_blank(city)
    await broker.start()
    await until(lambda: none_stale(city), timeout=60, what="the numbers are live again after the broker's")

    assert await simulator.wait(60) == 0, simulator.output
    await assert_equal_to_ledger(city)
    await assert_api_equals_ledger(city)
    assert [await ingest.terminate(), await api.terminate()] == [0, 0]
    assert "Traceback" not in ingest.output + api.output


async def test_processes_that_start_without_a_database_wait_for_it(
    city: System, services: Services, broker: Broker
) -> None:
    async with outage(services.database(), city.database_url):
        ingest = await city.start("ingest", env=city.env)
        api = await city.start("api", env=city.env)
        await ingest.wait_for_output("waiting for the database")
        await api.wait_for_http(f"{city.url}/readyz", status=503)
        await api.wait_for_http(f"{city.url}/healthz")
        assert await ingest.terminate(5) == 0, ingest.output  # it can be ended while it waits
        ingest = await city.start("ingest", env=city.env)
        await ingest.wait_for_output("waiting for the database")
    await api.wait_for_http(f"{city.url}/readyz", timeout=30)
    await until(lambda: none_stale(city), what="the numbers are live")
    await broker.stop()
    await ingest.wait_for_output("no connection to the broker")
    assert [await ingest.terminate(10), await api.terminate()] == [0, 0]
    assert "Traceback" not in ingest.output + api.output


async def test_an_ingestor_full_of_messages_can_be_ended_while_the_database_is_away(
    city: System, services: Services, broker: Broker
) -> None:
    ingest = await city.start("ingest", env=city.env | {"PARKING_MQTT_RECEIVE_MAXIMUM": "10"})
    await ingest.wait_for_output("connected to the broker")
    async with outage(services.database(), city.database_url):
        async with publishing(broker.url) as publish:
            for number in range(100):
                await publish("parking/v1/x/bay/y/up", bytes([number % 256]), qos=number % 2)
        await ingest.wait_for_output("does not take the batch")
        assert await ingest.terminate(10) == 0, ingest.output


@pytest.fixture
async def street(database_url: str, broker: Broker, tmp_path: Path, process: StartProcess) -> System:
    """A street of two bays whose sensors report every two seconds."""
    await load(database_url, small_registry(heartbeat_s=2))
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": broker.url,
        "PARKING_API_PORT": str(choose_port()),
        "PARKING_INGEST_PORT": "0",
    }
    made = System(env, tmp_path, process, [], database_url)
    await made.start_ingest()
    await made.start_api()
    return made


async def tell(publish: Publish, bay: int, state: State, seq: int, *, age_s: int = 0) -> None:
    """A sensor speaks."""
    kind = FrameType.HEARTBEAT if age_s else FrameType.EVENT
    frame = codec.encode(StateFrame(type=kind, state=state, boot=1, seq=seq, age_s=age_s))
    await publish(f"parking/v1/street-0/bay/sensor-0-{bay}/up", frame)


async def test_a_silent_sensor_leaves_its_bay_unknown_never_vacant(street: System, broker: Broker) -> None:
    async def states() -> list[str]:
        bays = (await street.get("/v1/sites/street-0/bays"))["bays"]
        return [bay["state"] for bay in sorted(bays, key=lambda bay: str(bay["id"]))]

    seen: list[list[str]] = []

    async def shown(*expected: str) -> bool:
        now = await states()
        if not seen or seen[-1] != now:
            seen.append(now)
        return now == list(expected)

    async with publishing(broker.url) as publish:
        await tell(publish, 0, State.OCCUPIED, 1)
        await tell(publish, 1, State.VACANT, 1)
        await until(lambda: shown("occupied", "vacant"), what="both bays are known")
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        beats = 0

        async def only_the_second_beats() -> bool:
            nonlocal beats
            if loop.time() - heard_at > 2 * (beats + 1):
                beats += 1
                await tell(publish, 1, State.VACANT, 1, age_s=2 * beats)
            return await shown("unknown", "vacant")

        await until(only_the_second_beats, timeout=15, every=0.1, what="the silent one is unknown")
        assert 4.5 < loop.time() - heard_at < 9  # 2.5 heartbeats, and the ingestor looks every 2 s
        site = await street.get("/v1/sites/street-0")
        assert (site["vacant"], site["occupied"], site["unknown"]) == (1, 0, 1)
        assert (site["free_min"], site["free_max"]) == (1, 2)

        await tell(publish, 0, State.OCCUPIED, 1, age_s=7)
        await until(lambda: shown("occupied", "vacant"), timeout=5, what="it is known again")
    assert {first for first, _ in seen} == {"unknown", "occupied"}
    async with connect(street.database_url, name="test") as connection:
        cursor = await connection.execute("SELECT bay_id, state FROM bay_event ORDER BY 1")
        assert await cursor.fetchall() == [("street-0-0", "occupied"), ("street-0-1", "vacant")]
