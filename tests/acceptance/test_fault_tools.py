"""The tools of the tests of faults do what those tests trust them to do, and the books do find a fault."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import LiteralString

import pytest

from cli.embedded.ports import LOOPBACK
from parking.db.connect import connect
from tests.acceptance.conftest import Town
from tests.support.books import assert_balanced, books
from tests.support.polling import until
from tests.support.proxy import Proxy
from tests.support.services import PROJECT
from tests.support.signals import family, kill_family, resident_mb, suspended

TAMPERINGS: dict[str, LiteralString] = {
    "an event is lost": "DELETE FROM bay_event WHERE ctid = (SELECT max(ctid) FROM bay_event)",
    "an event is stored twice": "INSERT INTO bay_event SELECT bay_id, device_id, site_id,"
    " event_at + interval '1 second', session, seq, part, state, fault, kind, age_s, previous_s, received_at"
    " FROM bay_event LIMIT 1",
    "an event nobody told": "INSERT INTO bay_event SELECT bay_id, device_id, site_id, event_at, session,"
    " seq + 30000, part, state, fault, kind, age_s, previous_s, received_at FROM bay_event LIMIT 1",
    "another state": "UPDATE bay_event SET state = CASE state WHEN 'vacant' THEN 'occupied' ELSE 'vacant' END"
    " WHERE (bay_id, seq) = (SELECT bay_id, seq FROM bay_event LIMIT 1)",
    # Not by UPDATE: an hour ago may lie in another chunk.
    "a time of an hour ago": "WITH gone AS (DELETE FROM bay_event"
    " WHERE (bay_id, seq) = (SELECT bay_id, seq FROM bay_event LIMIT 1) RETURNING *)"
    " INSERT INTO bay_event SELECT bay_id, device_id, site_id, event_at - interval '1 hour', session, seq,"
    " part, state, fault, kind, age_s, previous_s, received_at FROM gone",
    "a passage is lost": "DELETE FROM gate_event WHERE ctid = (SELECT max(ctid) FROM gate_event)",
    "a passage is stored twice": "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction,"
    " received_at) SELECT camera_id, site_id, event_at + interval '1 second', event_id, direction,"
    " received_at FROM gate_event LIMIT 1",
    "the count is off": "UPDATE site_state SET inside = inside + 1 WHERE inside IS NOT NULL",
    "a rejection is lost": "DELETE FROM rejected_message"
    " WHERE rejected_id = (SELECT max(rejected_id) FROM rejected_message)",
    "a rejection is on record twice": "INSERT INTO rejected_message (received_at, topic, code, detail, size)"
    " SELECT received_at, topic, code, detail, size FROM rejected_message LIMIT 1",
    "a good message is rejected": "INSERT INTO rejected_message (received_at, topic, code, detail, size)"
    " VALUES (now(), 'parking/v1/street-0/bay/sensor-0-0/up', 'not_storable', '', 11)",
    "a stay is lost": "DELETE FROM ended_stay WHERE ctid = (SELECT max(ctid) FROM ended_stay)",
    "a roll-up counts twice": "UPDATE site_usage SET arrivals = 2 * arrivals",
    "a bay's state is another": "UPDATE bay_state SET state = 'unknown' WHERE state <> 'unknown'",
    "a site's number is another": "UPDATE site_state SET vacant = vacant - 1, occupied = occupied + 1,"
    " free_min = free_min - 1, free_max = free_max - 1 WHERE inside IS NULL AND vacant > 0",
}


@pytest.mark.mosquitto
@pytest.mark.timescale
async def test_the_books_find_every_fault(loaded: Town, database_url: str) -> None:
    async with loaded(database_url=database_url) as rig:
        await rig.connected_ingest()
        await rig.stored(1500)
        expected = books(await rig.load.end())
        await rig.nothing_lost_nothing_twice()
    found = []
    async with connect(database_url, name="test", autocommit=True) as connection:
        for name, tampering in TAMPERINGS.items():
            async with connection.transaction(force_rollback=True):
                assert (await connection.execute(tampering)).rowcount > 0
                with pytest.raises(AssertionError):
                    await assert_balanced(expected, connection)
                found.append(name)
        await assert_balanced(expected, connection)
    assert found == list(TAMPERINGS)


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A server that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield f"echo://user:word@{LOOPBACK}:{server.sockets[0].getsockname()[1]}/path"


async def test_a_proxy_passes_stands_still_forgets_resets_and_refuses(echo: str) -> None:
    async with Proxy(echo) as proxy:
        host, port = LOOPBACK, int(proxy.url.rpartition("/")[0].rpartition(":")[2])
        assert proxy.url.startswith("echo://user:word@")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"

        proxy.freeze()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(100)
        proxy.resume()
        assert await reader.read(100) == b"two"

        proxy.freeze(to_server=False)
        proxy.heal()
        newer, other = await asyncio.open_connection(host, port)
        writer.write(b"three")
        other.write(b"four")
        assert await newer.read(100) == b"four"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(100)

        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await newer.read(100)
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
        for end in (writer, other):
            end.close()


async def test_a_suspended_family_stands_still_and_goes_on() -> None:
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 60 & wait", stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: len(family(shell.pid)) == 2, what="it has a child")
        with suspended(shell.pid):
            # On a busy machine a process is stopped once it next runs.
            await until(
                lambda: [state(pid) for pid in family(shell.pid)] == ["T", "T"], what="both are stopped"
            )
        await until(lambda: "T" not in [state(pid) for pid in family(shell.pid)], what="both go on")
        assert 0 < resident_mb(shell.pid) < 100
    finally:
        kill_family(shell.pid)
    assert await shell.wait() == -9


def state(pid: int) -> str:
    """The state of a process: T is stopped."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


SUSPENDER = """
import sys, time
from tests.support.services import PROJECT
from tests.support.signals import suspended
with suspended(int(sys.argv[1])):
    print("suspended", flush=True)
    time.sleep(60)
"""


async def test_a_process_goes_on_when_the_one_that_suspended_it_was_killed() -> None:
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    suspender = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUSPENDER, str(sleeper.pid)), stdout=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    try:
        assert suspender.stdout is not None
        assert await suspender.stdout.readline() == b"suspended\n"
        assert state(sleeper.pid) == "T"
        suspender.kill()
        await suspender.wait()
        await until(lambda: state(sleeper.pid) != "T", what="it goes on")
    finally:
        sleeper.kill()
        await sleeper.wait()
