"""Every kind of bad message: one clear record, acknowledged, and the next good message is processed."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from parking.db.connect import Connection, connect
from parking.plates import fold
from parking.registry import parse_registry
from tests.conftest import StartProcess
from tests.support.city import load
from tests.support.polling import until
from tests.support.publishing import Publish, publishing

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

EUI = "a84041000181c061"
PLATE = "JT06KLM"
BAY = "parking/v1/queen-street/bay/sensor-1/up"
GATEWAY = "parking/v1/queen-street/gateway/gw-1/up"
READ = "parking/v1/castle-mews/anpr/cm-in/read"
STACK = "v3/app@tenant/devices/tps-1/up"
CHIRP = f"application/1/device/{EUI}/event/up"
REGISTRY = {
    "sites": [
        {
            "id": "queen-street",
            "name": "Queen Street",
            "kind": "on_street",
            "counting": "bays",
            "bays": [
                {"id": "bay-1", "sensor": {"id": "sensor-1"}},
                {"id": "bay-2", "sensor": {"id": "sensor-2"}},
                {"id": "bay-3", "sensor": {"id": EUI, "codec": "bosch-tps110"}},
            ],
        },
        {
            "id": "castle-mews",
            "name": "Castle Mews",
            "kind": "off_street",
            "counting": "gates",
            "capacity": 100,
            "gates": [{"camera": "cm-in", "direction": "in"}],
        },
    ]
}


def frame(seq: int = 0, *, state: State = State.OCCUPIED, age_s: int = 0, boot: int = 1) -> bytes:
    """A frame of one of our sensors."""
    return codec.encode(StateFrame(type=FrameType.EVENT, state=state, boot=boot, seq=seq, age_s=age_s))


def bundle(*devices: str) -> bytes:
    """A gateway's bundle of an event of each device."""
    entries = (BundleEntry(device=name, delay_s=0, frame=codec.decode(frame(boot=9))) for name in devices)
    return codec.encode_bundle(Bundle(entries=tuple(entries)))


def chirpstack(**changes: Any) -> bytes:
    """An uplink of a TPS110 in ChirpStack's envelope: occupied."""
    uplink = {
        "deviceInfo": {"devEui": EUI},
        "time": datetime.now(UTC).isoformat(),
        "fPort": 1,
        "fCnt": 5,
        "data": "AQ==",
    }
    return json.dumps(uplink | changes).encode()


def things_stack(**changes: Any) -> bytes:
    """The same in that of The Things Stack."""
    uplink = {
        "end_device_ids": {"device_id": "tps-1", "dev_eui": EUI.upper()},
        "uplink_message": {"f_port": 1, "f_cnt": 6, "frm_payload": "AQ=="} | changes,
    }
    return json.dumps(uplink).encode()


def lpr(**changes: Any) -> bytes:
    """A plate read as Frigate publishes it."""
    read = {"type": "lpr", "id": "1.2-abc", "camera": "cm-in", "plate": PLATE, "score": 0.9}
    return json.dumps(read | {"timestamp": datetime.now(UTC).timestamp()} | changes).encode()


def ago(**offset: float) -> str:
    """A time before now, as text."""
    return (datetime.now(UTC) - timedelta(**offset)).isoformat()


@dataclass(frozen=True)
class Bad:
    """A message, and how it is rejected: the code, words of the detail, whether its bytes are kept."""

    topic: str
    payload: bytes
    code: str
    says: str
    kept: bool = False
    qos: int = 1


def bad_messages() -> dict[str, Bad]:
    """Each by what is wrong with it."""
    return {
        "truncated frame": Bad(BAY, frame()[:7], "truncated", "7 of 11 bytes", kept=True),
        "empty frame": Bad(BAY, b"", "truncated", "no bytes"),
        "unknown version": Bad(BAY, b"\x71" + frame()[1:], "bad_version", "7"),
        "bytes behind the frame": Bad(BAY, frame() + b"\x01\x05", "bad_tlv", "", kept=True),
        "megabyte of frame": Bad(
            BAY, frame() + bytes(999_000), "too_large", "999011 bytes, at most", kept=True
        ),
        "JSON where a frame belongs": Bad(BAY, lpr(), "bad_version", ""),
        "unknown device": Bad(
            BAY.replace("sensor-1", "nobody"), frame(), "unknown_device", "'nobody'", kept=True
        ),
        "wrong site": Bad(BAY.replace("queen", "king"), frame(), "wrong_site", "'queen-street'", kept=True),
        "unknown topic": Bad(
            "parking/v1/queen-street/bay/sensor-1/upp", frame(), "unknown_topic", "no decoder"
        ),
        "unknown version of topics": Bad(
            "parking/v2/x/bay/sensor-1/up", frame(), "unknown_topic", "no decoder"
        ),
        "published at QoS 0": Bad(BAY, frame()[:5], "truncated", "5 of 11 bytes", kept=True, qos=0),
        "published at QoS 2": Bad(BAY, frame()[:6], "truncated", "6 of 11 bytes", kept=True, qos=2),
        "truncated bundle": Bad(GATEWAY, bundle("sensor-2")[:-3], "truncated", "", kept=True),
        "a stranger in a bundle": Bad(
            GATEWAY, bundle("sensor-2", "nobody"), "unknown_device", "'nobody'", kept=True
        ),
        "invalid JSON": Bad(CHIRP, chirpstack()[:-9], "invalid_json", ""),
        "wrong UTF-8": Bad(CHIRP, chirpstack().replace(b"AQ==", b"\xff\xfe=="), "invalid_utf8", "byte at"),
        "wrong UTF-8 in a part that is not read": Bad(CHIRP, b'{"x": "\xc3("}', "invalid_utf8", "byte at 7"),
        "another JSON": Bad(CHIRP, b'{"hello": 1}', "invalid_field", "deviceInfo"),
        "number out of range": Bad(CHIRP, chirpstack(fPort=256), "invalid_field", "fPort"),
        "number that is text": Bad(CHIRP, chirpstack(fCnt="five"), "invalid_field", "fCnt"),
        "payload of another device": Bad(CHIRP, chirpstack(data="AQIDBA=="), "bad_length", "4 bytes"),
        "state that is none": Bad(CHIRP, chirpstack(data="Aw=="), "out_of_range", "0x03"),
        "not Base64": Bad(STACK, things_stack(frm_payload="~"), "invalid_field", "frm_payload"),
        "unknown port": Bad(STACK, things_stack(f_port=99), "unknown_fport", "99"),
        "unregistered device": Bad(
            CHIRP, chirpstack(deviceInfo={"devEui": "0" * 16}), "unknown_device", "0000000000000000"
        ),
        "too long ago": Bad(CHIRP, chirpstack(time=ago(days=8)), "too_late", "8 days"),
        "in the future": Bad(CHIRP, chirpstack(time=ago(hours=-1)), "too_early", "seen_at"),
        "another century": Bad(CHIRP, chirpstack(time="1969-01-01T00:00:00Z"), "out_of_range", "1969"),
        "megabyte of JSON": Bad(STACK, b'"' + bytes(999_998) + b'"', "too_large", "1000000 bytes"),
        "unknown camera": Bad(
            "frigate/tracked_object_update", lpr(camera="drive"), "unknown_camera", "'drive'"
        ),
        "camera of another site": Bad(READ.replace("castle", "tower"), lpr(), "wrong_site", "'castle-mews'"),
        "truncated read": Bad(READ, lpr()[:-20], "invalid_json", ""),
        "read without id": Bad(READ, lpr(id=None), "invalid_field", "id"),
        "score out of range": Bad(READ, lpr(score=-3), "invalid_field", "score"),
        "read too long ago": Bad(READ, lpr(timestamp=1.0), "out_of_range", "2000"),
        "read in the future": Bad(READ, lpr(timestamp=4_000_000_000.0), "too_early", "event_at"),
        "camera that shouts": Bad(READ, PLATE.encode(), "invalid_json", ""),
    }


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    await load(database_url, parse_registry(REGISTRY, source="test"))
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def env(database_url: str, mqtt_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings of an ingestor."""
    return {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_INGEST_PORT": "0",
        "PARKING_LOG_LEVEL": "debug",
        "PARKING_PLATE_KEY_DIR": str(tmp_path / "keys"),
    }


async def stored(database: Connection, boot: int) -> list[int]:
    """The sequences of the events of sensor-1 in one session."""
    cursor = await database.execute(
        "SELECT seq FROM bay_event WHERE device_id = 'sensor-1' AND session = %s ORDER BY seq", (boot,)
    )
    return [seq for (seq,) in await cursor.fetchall()]


async def good_message_is_stored(publish: Publish, database: Connection, *, boot: int) -> None:
    """Send one and wait for it: all before it have been dealt with then."""

    async def there() -> bool:
        return await stored(database, boot) == [1]

    await publish(BAY, frame(1, boot=boot))
    await until(there, timeout=60, what=f"the good message of session {boot} is stored")


async def test_each_bad_message_is_recorded_once_and_the_good_ones_between_are_stored(
    env: dict[str, str], mqtt_url: str, database: Connection, process: StartProcess
) -> None:
    ingestor = await process("ingest", env=env)
    await ingestor.wait_for_output("connected to the broker")
    bad = bad_messages()
    async with publishing(mqtt_url) as publish:
        for seq, message in enumerate(bad.values()):
            await publish(message.topic, message.payload, qos=message.qos)
            await publish(BAY, frame(seq))
        await good_message_is_stored(publish, database, boot=2)

        cursor = await database.execute(
            "SELECT topic, code, detail, size, payload FROM rejected_message ORDER BY rejected_id"
        )
        records = await cursor.fetchall()
        told = [(topic, code, size, payload) for topic, code, _, size, payload in records]
        expected = [
            (one.topic, one.code, len(one.payload), one.payload[:256] if one.kept else None)
            for one in bad.values()
        ]
        assert dict(zip(bad, told, strict=False)) == dict(zip(bad, expected, strict=True))
        assert len(records) == len(bad)
        details = {name: record[2] for name, record in zip(bad, records, strict=True)}
        assert {name: detail for name, detail in details.items() if bad[name].says not in detail} == {}
        assert await stored(database, 1) == list(range(len(bad)))
        assert fold(PLATE) not in fold(str(records)) + fold(ingestor.output)

        # The good entries beside a bad one count.
        cursor = await database.execute("SELECT device_id, session FROM bay_event WHERE session = 9")
        assert await cursor.fetchall() == [("sensor-2", 9)]

        # All were acknowledged: nothing comes again.
        assert await ingestor.terminate() == 0
        again = await process("ingest", env=env)
        await again.wait_for_output("connected to the broker")
        await good_message_is_stored(publish, database, boot=3)
        cursor = await database.execute("SELECT count(*) FROM rejected_message")
        assert await cursor.fetchone() == (len(bad),)
    for output in (ingestor.output, again.output):
        assert not re.search(r"Traceback|\berror\b", output), output


async def test_what_says_nothing_for_us_is_passed_over_without_a_record(
    env: dict[str, str], mqtt_url: str, database: Connection, process: StartProcess
) -> None:
    async with publishing(mqtt_url) as publish:
        await publish(BAY, frame(77), retain=True)
        ingestor = await process("ingest", env=env)
        await ingestor.wait_for_output("connected to the broker")
        await publish("parking/v1/queen-street/availability", b'{"site": "queen-street"}')
        await publish("parking/v1/queen-street/bay/sensor-1/down", b"\x01")
        await publish(READ, b"")
        await publish("frigate/events", json.dumps({"after": {"id": "1", "camera": "drive"}}).encode())
        await publish("frigate/tracked_object_update", lpr(type="face", name="someone"))
        await publish(CHIRP, chirpstack(data=""))
        await good_message_is_stored(publish, database, boot=2)
    cursor = await database.execute("SELECT topic, code FROM rejected_message")
    assert await cursor.fetchall() == []
    cursor = await database.execute("SELECT count(*) FROM bay_event")
    assert await cursor.fetchone() == (1,)  # the replay of a retained message was not taken for news
