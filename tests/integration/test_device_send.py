"""`parking device configure --send` hands the downlink to a real broker."""

import asyncio
from urllib.parse import unquote, urlsplit

import aiomqtt
import pytest

from cli.broker import publish
from parking.errors import BrokerUnavailable
from parking.settings import load_settings
from tests.conftest import StartProcess

pytestmark = pytest.mark.mosquitto


def client(url: str) -> aiomqtt.Client:
    parts = urlsplit(url)
    return aiomqtt.Client(
        str(parts.hostname),
        parts.port or 1883,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        protocol=aiomqtt.ProtocolVersion.V311,
    )


async def test_both_downlinks_of_a_command_reach_the_devices_topic(
    mqtt_url: str, process: StartProcess
) -> None:
    async with client(mqtt_url) as listener:
        await listener.subscribe("parking/v1/queen-street/bay/qs-1/down", qos=1)
        sender = await process(
            "device",
            "configure",
            "dingtek-do200",
            *("--set", "heartbeat=5h", "--set", "mag_threshold=30"),
            *("--server", "parking", "--site", "queen-street", "--device", "qs-1", "--send"),
            env={"PARKING_MQTT_URL": mqtt_url},
        )
        assert await sender.wait(60) == 0, sender.output
        assert "sent: 2 messages" in sender.output
        received = []
        async with asyncio.timeout(20):
            async for message in listener.messages:
                received.append(message.payload)
                if len(received) == 2:
                    break
    assert received == [b"80028888010581", b"80028888021E81"]


def test_a_broker_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKING_MQTT_URL", "mqtt://127.0.0.1:9")
    with pytest.raises(BrokerUnavailable, match="does not take the connection"):
        publish(load_settings(), [("a/b", b"x")])
