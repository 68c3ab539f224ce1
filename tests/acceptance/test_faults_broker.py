"""The broker is restarted or cut off under load: the ingestor comes back, and nothing is lost or doubled."""

import time

import pytest

from tests.acceptance.conftest import Town
from tests.support.books import LATE_S
from tests.support.mosquitto import PrivateMosquitto
from tests.support.proxy import Proxy

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]


async def test_a_broker_that_is_restarted_cleanly_keeps_every_message(
    loaded: Town, database_url: str, mosquitto: PrivateMosquitto
) -> None:
    async with loaded(database_url=database_url) as rig:
        ingestor = await rig.connected_ingest()
        for _ in range(3):
            await rig.told(700)
            await mosquitto.stop()
            await mosquitto.start()
        await rig.stored(500)
        # And once with a backlog, while nobody is there to take it.
        await ingestor.terminate()
        await rig.told(2000)
        await mosquitto.stop()
        await mosquitto.start()
        ingestor = await rig.connected_ingest()
        await rig.told(500)
        await rig.nothing_lost_nothing_twice(ingestor)


async def test_a_broker_that_resets_and_refuses_connections_costs_nothing(
    loaded: Town, database_url: str, mosquitto: PrivateMosquitto
) -> None:
    async with (
        Proxy(mosquitto.url) as proxy,
        loaded(database_url=database_url, through={"PARKING_MQTT_URL": proxy}) as rig,
    ):
        ingestor = await rig.connected_ingest()
        for _ in range(5):
            await rig.stored(200)
            proxy.reset()
        await proxy.refuse()
        proxy.reset()
        await ingestor.wait_for_output("no connection to the broker")
        await rig.told(1500)
        await proxy.accept()
        await rig.nothing_lost_nothing_twice(ingestor)


@pytest.mark.parametrize(
    "way", [{}, {"to_client": False}, {"to_server": False}], ids=["both ways", "to it", "from it"]
)
async def test_a_connection_to_the_broker_that_stands_still_for_a_while_costs_nothing(
    loaded: Town, database_url: str, mosquitto: PrivateMosquitto, way: dict[str, bool]
) -> None:
    async with (
        Proxy(mosquitto.url) as proxy,
        loaded(database_url=database_url, through={"PARKING_MQTT_URL": proxy}) as rig,
    ):
        ingestor = await rig.connected_ingest()
        await rig.stored(500)
        proxy.freeze(**way)
        begun = time.monotonic()
        await rig.told(6000)
        proxy.resume()
        # A broker that has sent a message cannot tell how long the network held it.
        stood_still_s = time.monotonic() - begun
        await rig.nothing_lost_nothing_twice(ingestor, late_s=LATE_S + stood_still_s)


async def test_a_connection_to_the_broker_that_never_moves_again_is_given_up(
    loaded: Town, database_url: str, mosquitto: PrivateMosquitto
) -> None:
    async with (
        Proxy(mosquitto.url) as proxy,
        loaded(database_url=database_url, through={"PARKING_MQTT_URL": proxy}, rate=300) as rig,
    ):
        ingestor = await rig.connected_ingest()
        await rig.stored(500)
        proxy.freeze()
        await rig.told(1000)
        proxy.heal()
        # After one and a half times the keep-alive of 30 s. Mosquitto's `max_keepalive` cannot shorten it:
        # it cuts off clients whose keep-alive is exactly that, whatever they send.
        await ingestor.wait_for_output(r"the broker has been silent for \d+ s", timeout=120)
        await rig.stored(0, timeout=60)
        await rig.nothing_lost_nothing_twice(ingestor)
