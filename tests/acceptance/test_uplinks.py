"""Sensors of every maker, by every network server, from the broker to the state of their bays."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parking.db.connect import Connection, connect
from parking.registry import parse_registry
from tests.conftest import StartProcess
from tests.support.city import load
from tests.support.polling import until
from tests.support.publishing import Publish, publishing

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

Message = tuple[str, dict[str, Any]]
START = datetime.now(UTC) - timedelta(hours=2)


@dataclass(frozen=True)
class Sensor:
    """One sensor in a bay of its own, and its payloads for a free and a taken bay."""

    codec: str
    port: int
    vacant: str
    occupied: str
    number: int

    @property
    def eui(self) -> str:
        return f"70b3d5e75e0000{self.number:02x}"

    @property
    def bay(self) -> str:
        return f"bay-{self.codec}"


SENSORS = [
    Sensor("bosch-tps110", 1, "00", "01", 1),
    Sensor("pni-placepod", 2, "156600", "156601", 2),
    Sensor("nwave-nps405", 1, "0a", "0b", 3),
    Sensor("libelium-smart-parking", 4, "0001150102030405060064", "8002150102030405060064", 4),
    Sensor(
        "dingtek-do20x",
        3,
        "800002021500640000016800010002000300070081",
        "800002021500641000016800010002000300080081",
        5,
    ),
    Sensor("netvox-r719a", 6, "0159012400" + "00" * 6, "0159012401" + "00" * 6, 6),
    Sensor("tekzitel-tekzipark", 1, "281401", "a81401", 7),
]
BY_CODEC = {sensor.codec: sensor for sensor in SENSORS}
REGISTRY = {
    "sites": [
        {
            "id": "queen-street",
            "name": "Queen Street",
            "kind": "on_street",
            "counting": "bays",
            "bays": [
                {"id": sensor.bay, "sensor": {"id": sensor.eui, "codec": sensor.codec}} for sensor in SENSORS
            ],
        }
    ]
}


# Each server has a session of its own: within one, a jump of the counter would tell of a lost change.


def things_stack(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    data = b64encode(bytes.fromhex(payload)).decode()
    message = {"f_port": sensor.port, "f_cnt": fcnt, "frm_payload": data, "session_key_id": "k"}
    ids = {"device_id": f"eui-{sensor.eui}", "dev_eui": sensor.eui.upper()}
    return f"v3/app@tenant/devices/eui-{sensor.eui}/up", {
        "end_device_ids": ids,
        "received_at": at.isoformat(),
        "uplink_message": message,
    }


def chirpstack(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    return f"application/a/device/{sensor.eui}/event/up", {
        "deviceInfo": {"devEui": sensor.eui},
        "devAddr": "01020304",
        "time": at.isoformat(),
        "fPort": sensor.port,
        "fCnt": fcnt,
        "data": b64encode(bytes.fromhex(payload)).decode(),
    }


def loriot(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    return f"lorawan/loriot/{sensor.eui}/up", {
        "cmd": "rx",
        "EUI": sensor.eui.upper(),
        "ts": int(at.timestamp() * 1000),
        "fcnt": fcnt,
        "port": sensor.port,
        "data": payload,
    }


def thingpark(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    report = {"DevEUI": sensor.eui.upper(), "Time": at.isoformat(), "DevAddr": "05060708"}
    report |= {"FPort": str(sensor.port), "FCntUp": str(fcnt), "payload_hex": payload}
    return f"lorawan/thingpark/{sensor.eui}/up", {"DevEUI_uplink": report}


def helium(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    return "helium/5f2e/rx", {
        "dev_eui": sensor.eui.upper(),
        "devaddr": "090a0b0c",
        "reported_at": int(at.timestamp() * 1000),
        "fcnt": fcnt,
        "port": sensor.port,
        "payload": b64encode(bytes.fromhex(payload)).decode(),
    }


def aws_iot(sensor: Sensor, payload: str, fcnt: int, at: datetime) -> Message:
    lorawan = {"DevEui": sensor.eui, "DevAddr": "0d0e0f10", "FPort": sensor.port, "FCnt": fcnt}
    lorawan["Timestamp"] = at.isoformat()
    return f"lorawan/aws-iot/{sensor.eui}/up", {
        "PayloadData": b64encode(bytes.fromhex(payload)).decode(),
        "WirelessMetadata": {"LoRaWAN": lorawan},
    }


SERVERS = [things_stack, chirpstack, loriot, thingpark, helium, aws_iot]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    await load(database_url, parse_registry(REGISTRY, source="test"))
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
async def publish(
    database_url: str, database: Connection, mqtt_url: str, process: StartProcess
) -> AsyncIterator[Publish]:
    """Publishes to a running ingestor."""
    env = {"PARKING_DATABASE_URL": database_url, "PARKING_MQTT_URL": mqtt_url, "PARKING_INGEST_PORT": "0"}
    ingestor = await process("ingest", env=env)
    await ingestor.wait_for_output("connected to the broker")
    async with publishing(mqtt_url) as send:
        yield send
    assert await ingestor.terminate() == 0, ingestor.output


async def tell(publish: Publish, *messages: Message) -> None:
    for topic, body in messages:
        await publish(topic, json.dumps(body).encode())


async def reported(database: Connection) -> dict[str, str]:
    cursor = await database.execute("SELECT bay_id, reported FROM bay_state")
    return {bay: state for bay, state in await cursor.fetchall()}


async def events(database: Connection, sensor: Sensor) -> list[tuple[int, str]]:
    cursor = await database.execute(
        "SELECT seq, state FROM bay_event WHERE device_id = %s ORDER BY event_at", (sensor.eui,)
    )
    return [(seq, state) for seq, state in await cursor.fetchall()]


async def rejected(database: Connection) -> list[Any]:
    cursor = await database.execute("SELECT topic, code, detail FROM rejected_message")
    return await cursor.fetchall()


async def test_every_sensor_by_every_server_reaches_its_bay_once(
    publish: Publish, database: Connection
) -> None:
    at, fcnt = START, 0
    for server in SERVERS:
        for state in ("vacant", "occupied"):
            at, fcnt = at + timedelta(minutes=2), fcnt + 1
            for sensor in SENSORS:
                message = server(sensor, getattr(sensor, state), fcnt, at)
                await tell(publish, message, message)

            async def all_say(state: str = state) -> bool:
                return set((await reported(database)).values()) == {state}

            await until(all_say, timeout=60, what=f"{server.__name__}: all bays are {state}")
    for sensor in SENSORS:
        told = await events(database, sensor)
        assert told == [(n, "occupied" if n % 2 == 0 else "vacant") for n in range(1, fcnt + 1)]
    assert await rejected(database) == []


async def test_a_sensor_whose_counter_is_reset_is_believed_at_once(
    publish: Publish, database: Connection
) -> None:
    """By LORIOT, which names no session: vacant and occupied come again with counters of before."""
    sensor = BY_CODEC["bosch-tps110"]
    story = [(0, "vacant", 0), (1, "occupied", 5), (2, "vacant", 9), (0, "vacant", 12), (1, "occupied", 15)]
    messages = [
        loriot(sensor, getattr(sensor, state), fcnt, START + timedelta(minutes=minute))
        for fcnt, state, minute in story
    ]
    again = [(topic, body | {"cmd": "gw", "gws": [{}, {}]}) for topic, body in messages]
    await tell(publish, *again[3:], *messages, *again)

    async def there() -> bool:
        return len(await events(database, sensor)) == len(story)

    await until(there, timeout=60, what="all events are stored")
    assert await events(database, sensor) == [(fcnt, state) for fcnt, state, _ in story]
    assert (await reported(database))[sensor.bay] == "occupied"
    cursor = await database.execute(
        "SELECT ended_at IS NULL FROM stay WHERE bay_id = %s ORDER BY started_at", (sensor.bay,)
    )
    assert await cursor.fetchall() == [(False,), (True,)]


async def test_words_about_a_sensor_are_no_words_of_its_bay(publish: Publish, database: Connection) -> None:
    sensor = BY_CODEC["libelium-smart-parking"]
    device = {"deviceInfo": {"devEui": sensor.eui}, "time": START.isoformat()}
    topic = f"application/a/device/{sensor.eui}/event"
    broken = "0001071501020304050600"
    await tell(
        publish,
        chirpstack(sensor, sensor.occupied, 1, START),
        (f"{topic}/join", device | {"devAddr": "0a0b0c0d"}),
        (f"{topic}/status", device | {"margin": 4, "batteryLevel": 44.0}),
        (f"{topic}/log", device | {"level": "ERROR", "code": "OTAA", "description": "a key is wrong"}),
    )

    async def occupied() -> bool:
        return (await reported(database))[sensor.bay] == "occupied"

    await until(occupied, timeout=60, what="the bay is occupied")
    assert await rejected(database) == []
    # An error frame says that an axis of the detector is broken, and the bay vacant.
    await tell(publish, chirpstack(sensor, "03" + broken[2:], 2, START + timedelta(minutes=3)))

    async def unknown() -> bool:
        return (await reported(database))[sensor.bay] == "unknown"

    await until(unknown, timeout=60, what="the bay is unknown")
