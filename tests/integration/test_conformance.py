"""`parking conformance TOPIC` at a real broker: the simulated city, and a device that is broken."""

import asyncio
import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cli.mqtt import broker as connection_to
from firmware_protocol import topics
from parking.settings import Settings
from sensors_sim.options import Options
from sensors_sim.runner import Run
from tests.conftest import Broker, StartProcess
from tests.support.processes import ParkingProcess


async def listen(process: StartProcess, url: str, topic: str, *options: str) -> ParkingProcess:
    """A `parking conformance` that listens already."""
    env = {"PARKING_MQTT_URL": url}
    running = await process("conformance", topic, "--json", *options, env=env)
    await running.wait_for_output("Listening to")
    return running


async def answer_of(running: ParkingProcess) -> tuple[int, Any]:
    code = await running.wait(60)
    return code, json.loads(running.output.splitlines()[-1])


def verdicts(answer: Any, verdict: str) -> set[str]:
    return {row["clause"] for row in answer["clauses"] if row["verdict"] == verdict}


def wrong(answer: Any) -> list[str]:
    return [f"{row['clause']}: {row['findings']}" for row in answer["clauses"] if row["findings"]]


async def test_the_simulated_city_conforms_live_and_from_the_recording(
    broker: Broker, process: StartProcess, tmp_path: Path
) -> None:
    path = tmp_path / "city.jsonl"
    running = await listen(process, broker.url, "parking/v1/#", "--for", "14", "--save", str(path))
    options = Options(bays=200, sites=4, speed=240, duration_s=12, heartbeat_s=5)
    await Run(options, Settings(mqtt_url=SecretStr(broker.url)))(asyncio.Event())
    code, answer = await answer_of(running)
    assert (code, verdicts(answer, "violated")) == (0, set()), wrong(answer)
    assert {"S-2", "S-3", "S-4", "D-4", "Q-2", "M-1", "B-6"} <= verdicts(answer, "passed")
    again = await process("conformance", str(path), "--json")
    _, from_file = await answer_of(again)
    assert from_file["frames"] == answer["frames"] > 100
    assert verdicts(from_file, "violated") == set()


async def test_a_broken_device_is_told_what_it_does_wrong(broker: Broker, process: StartProcess) -> None:
    running = await listen(process, broker.url, "parking/v1/a/bay/ps-1/#", "--for", "2")
    frame = bytes.fromhex("110502000100040078a1fc")
    async with connection_to(Settings(mqtt_url=SecretStr(broker.url))) as connection:
        await connection.client.publish(topics.bay_up("a", "ps-1"), frame, qos=0, retain=True)
        await connection.client.publish(topics.bay_up("a", "ps-1"), b"\x11\xe5" + frame[2:], qos=0)
    code, answer = await answer_of(running)
    assert code == 1, running.output
    # The retain flag as the device set it is seen by MQTT 5 alone, as is the expiry; and our Mosquitto raises
    # the QoS of what it delivers, so that it does not show the device's.
    retained = {"M-3"} if "M-4" in verdicts(answer, "advice") else set()
    shown = {"M-2"} if "M-2" not in verdicts(answer, "not judged") else set()
    assert verdicts(answer, "violated") == {"F-5"} | retained | shown
    assert retained | shown


async def test_a_topic_without_a_broker_is_told(process: StartProcess) -> None:
    env = {"PARKING_MQTT_URL": "mqtt://127.0.0.1:9"}
    running = await process("conformance", "parking/v1/#", env=env)
    assert await running.wait(20) == 1
    assert "does not take the connection" in running.output
    running = await process("conformance", "no-such-file", env=env)
    assert await running.wait(20) == 1
    assert "no-such-file cannot be read" in running.output
