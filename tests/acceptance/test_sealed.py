"""Sensors that seal their frames, on a real broker: what counts, what is refused, what survives a restart."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cli.embedded.ports import choose_port
from parking.db.connect import Connection, connect
from tests.conftest import StartProcess
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.processes import ParkingProcess
from tests.support.publishing import publishing
from tests.support.sealing import event, sealed, write_keys

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

DEVICE, SECRET, NEXT = "sensor-0-0", bytes(range(16)), bytes(range(16, 32))
TOPIC = f"parking/v1/street-0/bay/{DEVICE}/up"


def own(seq: int, counter: int, *, key: int = 1, secret: bytes = SECRET) -> bytes:
    return sealed(event(seq), counter, secret=secret, device=DEVICE, key=key)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    await load(database_url, small_registry())
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection


async def events(database: Connection) -> list[int]:
    cursor = await database.execute("SELECT seq FROM bay_event WHERE kind <> 'inferred' ORDER BY seq")
    return [seq for (seq,) in await cursor.fetchall()]


async def rejected(database: Connection) -> Counter[str]:
    cursor = await database.execute("SELECT code FROM rejected_message")
    return Counter(code for (code,) in await cursor.fetchall())


async def test_forged_replayed_and_rekeyed_messages_are_refused_and_counted_over_restarts(
    database: Connection, database_url: str, mqtt_url: str, process: StartProcess, tmp_path: Path
) -> None:
    keys = write_keys(tmp_path / "keys.json", {DEVICE: {1: SECRET}})
    port = choose_port()
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_INGEST_PORT": str(port),
        "PARKING_DEVICE_KEY_FILE": str(keys),
    }

    async def start() -> ParkingProcess:
        ingestor = await process("ingest", env=env)
        await ingestor.wait_for_output("connected to the broker")
        return ingestor

    async def counted() -> dict[str, float]:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status().text
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("parking_ingest_")]
        return {name.removeprefix("parking_ingest_"): float(value) for name, _, value in lines}

    async def wait(*, seqs: list[int], refused: Counter[str]) -> None:
        async def is_so() -> bool:
            return (await events(database), await rejected(database)) == (seqs, refused)

        await until(is_so, timeout=60, what=f"events {seqs}, rejections {refused}")

    ingestor = await start()
    async with publishing(mqtt_url) as publish:
        forged, other_key = own(2, 2, secret=NEXT), own(2, 2, key=2, secret=NEXT)
        for payload in (own(1, 1), own(1, 1), event(2), forged, other_key):
            await publish(TOPIC, payload)
        await wait(seqs=[1], refused=Counter(not_sealed=1, forged=1, unknown_key=1))
        found = await counted()
        assert found["sealed_frames_total"] == 1
        assert found["devices_with_key"] == 1
        assert found["events_duplicate_total"] == 1
        assert {code: found[f'rejected_total{{code="{code}"}}'] for code in ("not_sealed", "forged")} == {
            "not_sealed": 1,
            "forged": 1,
        }

        # The window is in the database: a new process knows it. A copy is no error, an old counter is.
        assert await ingestor.terminate() == 0, ingestor.output
        await publish(TOPIC, own(3, 100))
        await publish(TOPIC, own(1, 1))
        ingestor = await start()
        await wait(seqs=[1, 3], refused=Counter(not_sealed=1, forged=1, unknown_key=1))
        await publish(TOPIC, own(4, 36))
        refused = Counter(not_sealed=1, forged=1, unknown_key=1, replayed=1)
        await wait(seqs=[1, 3], refused=refused)

        # A second key is good as soon as its file is in place; a file that is none changes nothing.
        write_keys(keys, {DEVICE: {1: SECRET, 2: NEXT}})
        await ingestor.wait_for_output("device keys .*devices=1")
        await publish(TOPIC, own(5, 1, key=2, secret=NEXT))
        await wait(seqs=[1, 3, 5], refused=refused)
        keys.write_text("{")
        await ingestor.wait_for_output("the device keys cannot be read again")
        await publish(TOPIC, own(6, 2, key=2, secret=NEXT))
        await wait(seqs=[1, 3, 5, 6], refused=refused)
    assert await ingestor.terminate() == 0, ingestor.output


async def test_an_ingestor_with_a_key_file_that_others_can_read_does_not_start(
    database_url: str, mqtt_url: str, process: StartProcess, tmp_path: Path
) -> None:
    keys = write_keys(tmp_path / "keys.json", {DEVICE: {1: SECRET}})
    keys.chmod(0o644)
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_INGEST_PORT": "0",
        "PARKING_DEVICE_KEY_FILE": str(keys),
    }
    ingestor = await process("ingest", env=env)
    assert await ingestor.wait(20) == 1
    assert "open to other users" in ingestor.output
    assert SECRET.hex() not in ingestor.output
