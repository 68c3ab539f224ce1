"""A bay that flaps, from the sensor to the reader: every word is stored, and the number moves once."""

from collections.abc import AsyncIterator

import pytest

from cli.embedded.ports import choose_port
from firmware_protocol.codec import encode
from firmware_protocol.frames import FrameType, State, StateFrame
from parking.db.connect import Connection, connect
from tests.conftest import StartProcess
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.publishing import publishing

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    await load(database_url, small_registry(bays=1))
    async with connect(database_url, name="test", autocommit=True) as connection:
        yield connection


async def test_a_bay_that_flaps_changes_the_number_once_it_rests(
    database: Connection, database_url: str, mqtt_url: str, process: StartProcess
) -> None:
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_INGEST_PORT": str(choose_port()),
        "PARKING_DEBOUNCE_S": "3",
    }
    ingestor = await process("ingest", env=env)
    await ingestor.wait_for_output("connected to the broker")

    async def ask(query: str) -> tuple[object, ...]:
        row: tuple[object, ...] | None = await (await database.execute(query.encode())).fetchone()
        assert row is not None
        return row

    async def stored(count: int) -> None:
        async def is_so() -> bool:
            return await ask("SELECT count(*) FROM bay_event") == (count,)

        await until(is_so, timeout=60, what=f"{count} events")

    async with publishing(mqtt_url) as publish:

        async def tell(seq: int, state: State, age_s: int = 0) -> None:
            frame = encode(StateFrame(type=FrameType.EVENT, state=state, boot=1, seq=seq, age_s=age_s))
            await publish("parking/v1/street-0/bay/sensor-0-0/up", frame)

        await tell(1, State.VACANT, age_s=600)
        await tell(2, State.OCCUPIED)
        await stored(2)
        began = await ask("SELECT revision, occupied FROM site_state WHERE site_id = 'street-0'")
        assert began[1] == 1
        for seq in range(3, 12):
            await tell(seq, (State.OCCUPIED, State.VACANT)[seq % 2])
        await stored(11)
        assert await ask("SELECT state, reported, held FROM bay_state WHERE bay_id = 'street-0-0'") == (
            "occupied",
            "vacant",
            "occupied",
        )
        assert await ask("SELECT revision FROM site_state WHERE site_id = 'street-0'") == began[:1]

        async def rests() -> bool:
            return await ask("SELECT state FROM bay_state WHERE bay_id = 'street-0-0'") == ("vacant",)

        await until(rests, timeout=60, what="the bay is published as vacant")
    assert isinstance(began[0], int)
    assert await ask("SELECT revision FROM site_state WHERE site_id = 'street-0'") == (began[0] + 1,)
    assert await ingestor.terminate() == 0, ingestor.output
