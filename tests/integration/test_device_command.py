"""`parking device command` at the simulated city, and at a device of our own making, over a real broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cli.mqtt import broker as connection_to
from firmware_protocol import topics
from firmware_protocol.codec import decode, decode_bundle, encode, is_bundle
from firmware_protocol.commands import decode_command
from firmware_protocol.frames import (
    AckFrame,
    Frame,
    FrameError,
    FrameType,
    Outcome,
    ResetCause,
    State,
    StateFrame,
)
from firmware_protocol.sealed import Direction, mac_input, seal, split
from parking.device_keys import cmac
from parking.settings import Settings
from sensors_sim.city import City, Radio
from sensors_sim.options import Options
from sensors_sim.runner import Run, city_of
from tests.conftest import Broker, StartProcess
from tests.support.city import load, small_registry
from tests.support.polling import until

SECRET = "000102030405060708090a0b0c0d0e0f"


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that was published on our topics: topic and payload."""

    messages: list[tuple[str, bytes]]

    def of(self, device: str) -> list[Frame]:
        """The frames of one device, whichever way they came."""
        found: list[Frame] = []
        for topic, payload in self.messages:
            if is_bundle(payload):
                entries = decode_bundle(payload).entries
                found += [
                    entry.frame
                    for entry in entries
                    if entry.device == device and not isinstance(entry.frame, FrameError)
                ]
            elif topic.endswith(f"/bay/{device}/up"):
                found.append(decode(payload))
        return found

    def states(self, device: str) -> list[StateFrame]:
        return [frame for frame in self.of(device) if isinstance(frame, StateFrame)]

    def acks(self, device: str) -> list[AckFrame]:
        return [frame for frame in self.of(device) if isinstance(frame, AckFrame)]


def settings(url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(url))


@asynccontextmanager
async def listening(url: str, *filters: str) -> AsyncIterator[Heard]:
    heard = Heard([])
    async with connection_to(settings(url)) as connection, asyncio.TaskGroup() as group:
        await connection.subscribe(*filters)

        async def collect() -> None:
            async for message in connection.client.messages:
                assert isinstance(message.payload, bytes)
                heard.messages.append((str(message.topic), message.payload))

        task = group.create_task(collect())
        yield heard
        task.cancel()


@asynccontextmanager
async def living_city(url: str) -> AsyncIterator[tuple[City, Heard]]:
    """A small town at its usual pace, in which every sensor of ours has started."""
    options = Options(bays=40, sites=3, heartbeat_s=60)
    city, stopped = city_of(options), asyncio.Event()
    ours = [d for d, radio in zip(city.device_ids, city.radio, strict=True) if radio < Radio.TTS]
    filters = (topics.BAY_UP_FILTER, topics.GATEWAY_UP_FILTER)
    async with listening(url, *filters) as heard, asyncio.TaskGroup() as group:
        group.create_task(Run(options, settings(url))(stopped))
        await until(lambda: all(heard.of(device) for device in ours), timeout=20, what="all have started")
        yield city, heard
        stopped.set()


def device_with(city: City, radio: Radio) -> tuple[str, str]:
    """A site and a device of it that speaks this way."""
    bay = city.radio.tolist().index(radio)
    return city.sites[city.site_of[bay]].id, city.device_ids[bay]


async def command(
    process: StartProcess, url: str, *words: str, env: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON that was printed, and everything that was."""
    running = await process(
        "device", "command", *words, "--json", env={"PARKING_MQTT_URL": url} | (env or {})
    )
    code = await running.wait(30)
    first = running.output.splitlines()[0] if running.output else ""
    return code, json.loads(first) if first.startswith("{") else {}, running.output


@pytest.mark.parametrize("radio", [Radio.DIRECT, Radio.GATEWAY])
async def test_a_sensor_of_the_city_does_what_it_is_told(
    broker: Broker, process: StartProcess, tmp_path: Path, radio: Radio
) -> None:
    async with living_city(broker.url) as (city, heard):
        site, device = device_with(city, radio)
        registry = tmp_path / "city.json"
        registry.write_text(json.dumps(city.registry()))
        ask = partial(command, process, broker.url, device)

        code, answer, output = await ask("configure", "--heartbeat", "10", "--registry", str(registry))
        assert code == 0, output
        assert (answer["site"], answer["outcome"]) == (site, "done")
        assert answer["values"] == {"heartbeat_s": 10, "debounce_ms": 2000}
        begun = len(heard.states(device))
        await until(
            lambda: any(f.type == FrameType.HEARTBEAT for f in heard.states(device)[begun:]),
            timeout=15,
            what="a heartbeat of the new interval",
        )

        code, answer, output = await ask("status", "--site", site)
        assert code == 0, output
        assert answer["values"]["battery_v"] > 3
        assert answer["values"]["firmware"]

        before = heard.states(device)[-1]
        code, answer, output = await ask("reboot", "--site", site)
        assert code == 0, output
        started = await until(
            lambda: [f for f in heard.states(device) if f.reset_cause == ResetCause.SOFTWARE],
            what="the boot frame",
        )
        assert [(f.boot, f.seq, f.heartbeat_s) for f in started] == [((before.boot + 1) % 256, 0, 10)]

        code, again, output = await ask("reboot", "--site", site, "--id", str(answer["id"]))
        assert (code, again["outcome"]) == (0, "done"), output
        assert [ack.command for ack in heard.acks(device)].count(answer["id"]) == 2

        code, answer, output = await ask("configure", "--debounce", "5000", "--site", site)
        assert (code, answer["outcome"]) == (1, "unsupported"), output
        assert f"{device} does not know this operation or one of its arguments" in output
        assert {frame.boot for frame in heard.states(device)} == {before.boot, (before.boot + 1) % 256}


async def test_a_device_that_is_not_there_is_told_in_words(broker: Broker, process: StartProcess) -> None:
    code, answer, output = await command(
        process, broker.url, "ps-none", "status", "--site", "a", "--timeout", "1"
    )
    assert code == 1
    assert (answer["outcome"], answer["frames_heard"]) == (None, 0)
    assert "ps-none did not answer within 1 s, and nothing else was heard of it" in output
    assert f"--id {answer['id']}" in output
    assert "Traceback" not in output


async def test_the_site_of_a_device_is_looked_up_in_the_database(
    broker: Broker, process: StartProcess, database_url: str
) -> None:
    await load(database_url, small_registry())
    environment = {"PARKING_DATABASE_URL": database_url}
    code, answer, output = await command(
        process, broker.url, "sensor-0-0", "status", "--timeout", "1", env=environment
    )
    assert (code, answer["outcome"]) == (1, None)
    assert "sensor-0-0 did not answer within 1 s" in output
    code, _, output = await command(process, broker.url, "sensor-9", "status", env=environment)
    assert (code, "'sensor-9' is not in the registry" in output) == (1, True)


@asynccontextmanager
async def device_that(
    url: str, react: Callable[[bytes], list[bytes]], *, device: str = "ps-1"
) -> AsyncIterator[list[bytes]]:
    """A device that publishes what `react` makes of each command; gives what it was sent."""
    sent: list[bytes] = []
    async with connection_to(settings(url)) as connection, asyncio.TaskGroup() as group:
        await connection.subscribe(topics.bay_down("a", device))

        async def obey() -> None:
            async for message in connection.client.messages:
                assert isinstance(message.payload, bytes)
                assert not message.retain
                sent.append(message.payload)
                for payload in react(message.payload):
                    await connection.client.publish(topics.bay_up("a", device), payload, qos=1)

        task = group.create_task(obey())
        yield sent
        task.cancel()


async def test_a_command_is_not_retained(broker: Broker, process: StartProcess) -> None:
    words = ("ps-1", "reboot", "--site", "a", "--timeout", "1")
    async with device_that(broker.url, lambda _: []) as sent:
        code, answer, _ = await command(process, broker.url, *words)
    assert code == 1
    assert [decode_command(payload).id for payload in sent] == [answer["id"]]
    # Who comes later is told nothing.
    async with device_that(broker.url, lambda _: []) as late, listening(broker.url, "sync") as heard:
        async with connection_to(settings(broker.url)) as connection:
            await connection.client.publish("sync", b"", qos=1)
        await until(lambda: heard.messages, what="the broker has caught up")
    assert late == []


async def test_a_device_that_lives_and_does_not_answer_is_told_apart(
    broker: Broker, process: StartProcess
) -> None:
    beat = encode(StateFrame(type=FrameType.HEARTBEAT, state=State.VACANT, boot=1, seq=0, age_s=9))
    async with device_that(broker.url, lambda _: [beat, b"\xff"]):
        code, _, output = await command(
            process, broker.url, "ps-1", "status", "--site", "a", "--timeout", "1"
        )
    assert code == 1
    assert "but it lives: 1 other frames came" in output
    assert "parking/v1/a/bay/ps-1/down" in output


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(Outcome.INVALID, "out of its range"), (Outcome.FAILED, "tried and could not"), (99, "outcome 99")],
)
async def test_a_refusal_is_told_in_words(
    broker: Broker, process: StartProcess, outcome: int, told: str
) -> None:
    def refuse(payload: bytes) -> list[bytes]:
        return [encode(AckFrame(boot=1, command=decode_command(payload).id, outcome=outcome))]

    async with device_that(broker.url, refuse):
        code, _, output = await command(process, broker.url, "ps-1", "recalibrate", "--site", "a")
    assert (code, told in output) == (1, True), output


@pytest.mark.parametrize("honest", [True, False])
async def test_a_device_with_a_key_is_commanded_and_answers_under_seal(
    broker: Broker, process: StartProcess, tmp_path: Path, honest: bool
) -> None:
    secret = bytes.fromhex(SECRET)

    def answer(payload: bytes) -> list[bytes]:
        sealed = split(payload)
        assert abs(sealed.counter - time.time()) < 60
        assert sealed.mac == cmac(secret, mac_input("ps-1", Direction.DOWN, sealed.signed))[:8]
        told = decode_command(sealed.body)
        ack = encode(AckFrame(boot=1, command=told.id, outcome=Outcome.DONE))
        mac = partial(cmac, secret if honest else bytes(16))
        return [ack, seal(ack, device="ps-1", key=3, counter=1, mac=mac)]

    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"devices": {"ps-1": [{"key": 3, "secret": SECRET}]}}))
    keys.chmod(0o600)
    env = {"PARKING_DEVICE_KEY_FILE": str(keys)}
    async with device_that(broker.url, answer):
        words = ("ps-1", "time", "--site", "a", "--timeout", "2")
        code, found, output = await command(process, broker.url, *words, env=env)
    if honest:
        assert (code, found["outcome"]) == (0, "done"), output
    else:
        assert code == 1
        assert "ps-1 answered, but the MAC is not that of key 3 of device 'ps-1'" in output


async def test_what_cannot_be_commanded_is_told_before_anything_is_sent(
    process: StartProcess, tmp_path: Path
) -> None:
    registry = tmp_path / "city.json"
    registry.write_text(json.dumps(city_of(Options(bays=40, sites=3)).registry()))
    lorawan = device_with(city_of(Options(bays=40, sites=3)), Radio.TTS)[1]
    told = {
        ("ps-1", "configure"): "configure needs --heartbeat, --debounce or both",
        ("ps-1", "reboot", "--heartbeat", "60"): "belong to configure, not to reboot",
        ("ps-1", "reboot"): "the site of ps-1 is not known",
        ("no/id", "reboot", "--site", "a"): "no device can have this id",
        ("ps-1", "reboot", "--registry", str(registry)): "is not in the registry",
        (lorawan, "reboot", "--registry", str(registry)): "is a bosch-tps110",
    }
    for words, sentence in told.items():
        code, _, output = await command(process, "mqtt://127.0.0.1:9", *words)
        assert (code, sentence in output, "Traceback" in output) == (1, True, False), output
