"""The embedded PostgreSQL and broker: start, refuse strangers, keep data, go away, explain failures."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import psycopg
import pytest
from psycopg import AsyncConnection

from cli.embedded import EmbeddedBroker, EmbeddedPostgres, GuardedProcess
from cli.embedded.nats import MAX_ACK_PENDING
from cli.embedded.process import ServiceFailed
from tests.support.polling import until
from tests.support.services import PROJECT


def _client(url: str, *, session: str | None = None) -> aiomqtt.Client:
    """A client with a persistent session of this name, or without one."""
    parts = urlsplit(url)
    return aiomqtt.Client(
        parts.hostname or "",
        parts.port or 0,
        username=parts.username,
        password=parts.password,
        identifier=session,
        clean_session=session is None,
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder yet to be made that the account nobody can reach when we are root; tmp_path is not."""
    folder = Path("/var/tmp") / f"parking-test-{os.getpid()}-{time.monotonic_ns()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _modes(paths: list[Path]) -> list[int]:
    return [path.stat().st_mode for path in paths]


async def _data_directory(url: str) -> Path:
    async with await AsyncConnection.connect(url) as connection:
        rows = await (await connection.execute("SHOW data_directory")).fetchall()
        return Path(rows[0][0])


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _exists(path: Path) -> bool:
    return path.exists()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if sys.platform == "linux" else True


async def test_postgres_starts_and_leaves_nothing() -> None:
    async with EmbeddedPostgres() as postgres:
        data = await _data_directory(postgres.url)
        pid = postgres.process.pid
        assert _exists(data)
        assert _is_alive(pid)
    assert not _exists(data.parent)
    assert not _is_alive(pid)


async def test_postgres_takes_no_connection_without_the_password() -> None:
    async with EmbeddedPostgres() as postgres:
        with pytest.raises(psycopg.OperationalError, match="password"):
            await AsyncConnection.connect(f"postgresql://parking@127.0.0.1:{postgres.port}/postgres")


async def test_postgres_opens_no_folder_and_keeps_its_data_to_itself(tmp_path: Path) -> None:
    watched = [PROJECT, Path(sys.prefix), Path.home(), Path("/tmp"), Path("/var/tmp"), tmp_path]
    before = _modes(watched)
    async with EmbeddedPostgres() as postgres:
        data = await _data_directory(postgres.url)
        assert _modes([data]) == [0o40700]
    assert _modes(watched) == before


async def test_postgres_gives_way_when_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with EmbeddedPostgres(port=taken) as postgres:
            assert postgres.port != taken


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedBroker])
async def test_a_free_port_that_is_asked_for_is_used(
    service: type[EmbeddedPostgres | EmbeddedBroker],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    async with service(port=free) as running:
        assert running.port == free


async def test_postgres_keeps_data_in_a_folder_that_is_given(open_folder: Path) -> None:
    for expected in (0, 1):
        async with (
            EmbeddedPostgres(open_folder) as postgres,
            await AsyncConnection.connect(postgres.url) as connection,
        ):
            await connection.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
            rows = await (await connection.execute("SELECT count(*) FROM kept")).fetchall()
            assert rows == [(expected,)]
            await connection.execute("INSERT INTO kept VALUES (1)")


async def test_a_folder_that_postgres_cannot_use_is_explained(tmp_path: Path) -> None:
    _append(tmp_path / "something", "of another program")
    with pytest.raises(ServiceFailed, match="data folder") as failure:
        await EmbeddedPostgres(tmp_path).start()
    assert failure.value.hint


async def test_a_server_with_a_broken_configuration_gives_its_last_words(open_folder: Path) -> None:
    async with EmbeddedPostgres(open_folder):
        pass
    _append(open_folder / "postgresql.conf", "no_such_setting = 1\n")
    with pytest.raises(ServiceFailed, match="no_such_setting"):
        await EmbeddedPostgres(open_folder).start()


async def test_the_broker_stores_for_a_session_that_is_away() -> None:
    async with EmbeddedBroker() as broker:
        async with _client(broker.url, session="away") as client:
            await client.subscribe("parking/v1/+/bay/+/up", qos=1)
        async with _client(broker.url) as sensor:
            for number in range(10):
                await sensor.publish("parking/v1/s/bay/d/up", bytes([number]), qos=1)
        received = []
        async with asyncio.timeout(10), _client(broker.url, session="away") as client:
            async for message in client.messages:
                received.append(bytes(message.payload))
                if len(received) == 10:
                    break
    assert received == [bytes([number]) for number in range(10)]


async def test_the_broker_keeps_messages_over_a_restart(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "store")
    async with broker, _client(broker.url) as client:
        await client.publish("parking/v1/s/availability", b"kept", qos=1, retain=True)
    async with broker, asyncio.timeout(10), _client(broker.url) as client:
        await client.subscribe("parking/v1/s/availability", qos=1)
        assert (await anext(client.messages)).payload == b"kept"


async def test_the_broker_grants_every_topic_of_the_contract_in_one_session() -> None:
    topics = [
        "parking/v1/+/bay/+/up",
        "parking/v1/+/gateway/+/up",
        "parking/v1/+/anpr/+/read",
        "v3/+/devices/+/up",
        "application/+/device/+/event/up",
        "frigate/events",
        "frigate/tracked_object_update",
    ]
    async with EmbeddedBroker() as broker, _client(broker.url, session="x") as client:
        granted = await client.subscribe([(topic, 1) for topic in topics])
    assert [int(code.value if hasattr(code, "value") else code) for code in granted] == [1] * len(topics)
    assert 2000 <= MAX_ACK_PENDING <= 65_535 // len(topics)


async def test_strangers_cannot_use_the_broker() -> None:
    async with EmbeddedBroker() as broker:
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", broker.port):
                pass


_PARENT = """
import asyncio
from cli.embedded import EmbeddedBroker, EmbeddedPostgres

async def main():
    async with EmbeddedPostgres() as postgres, EmbeddedBroker() as broker:
        folders = [str(service.process.log.parent) for service in (postgres, broker)]
        print(postgres.process.pid, broker.process.pid, *folders, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_nothing_survives_a_parent_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(30):
        words = (await parent.stdout.readline()).decode().split()
    pids, folders = [int(word) for word in words[:2]], [Path(word) for word in words[2:]]
    assert all(_is_alive(pid) for pid in pids)
    parent.kill()
    await parent.wait()
    await until(lambda: not any(map(_is_alive, pids)), timeout=20, what="the servers ended")
    await until(lambda: not any(folder.exists() for folder in folders), timeout=10, what="folders removed")


async def test_a_broker_that_does_not_start_gives_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.embedded.nats._CONFIG", "no_such_setting: [nonsense")
    with pytest.raises(ServiceFailed, match=r"(?s)Its last words.*nats"):
        await EmbeddedBroker().start()


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    )
    child = GuardedProcess(
        [sys.executable, "-c", script], log=tmp_path / "log", stop=((signal.SIGTERM, 0.2),)
    )
    child.start()
    await until(lambda: "up" in child.tail(), what="the child is up")
    assert await child.stop() == -signal.SIGKILL


async def test_the_exit_code_of_a_child_is_its_own(tmp_path: Path) -> None:
    child = GuardedProcess([sys.executable, "-c", "raise SystemExit(7)"], log=tmp_path / "log")
    child.start()
    assert await child.wait(10) == 7


def test_a_program_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="no-such-program"):
        GuardedProcess([tmp_path / "no-such-program"], log=tmp_path / "log").start()
