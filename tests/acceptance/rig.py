"""A town under steady load on real processes, for tests that break one part of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from bench import wire
from bench.mqtt import Session
from cli.embedded.ports import LOOPBACK, choose_port
from parking.db.connect import connect
from tests.acceptance.system import System
from tests.conftest import StartProcess
from tests.support.books import LATE_S, Books, assert_balanced, books, wait_until_stored
from tests.support.city import load
from tests.support.polling import until
from tests.support.processes import ParkingProcess
from tests.support.proxy import Proxy
from tests.support.steady import SteadyPublisher, publishing_steadily
from tests.support.traffic import messages, town

CLIENT_ID = "parking-ingest"
SUBSCRIPTIONS = ("parking/#", "v3/+/devices/+/up")


@dataclass
class Rig:
    """A system, the publisher that loads it, and its servers' addresses when nothing is in the way."""

    system: System
    load: SteadyPublisher
    mqtt_url: str
    database_url: str
    proxies: Sequence[Proxy] = ()
    ingestors: dict[ParkingProcess, str] = field(default_factory=dict)
    """Each with the address of its metrics."""

    async def start_ingest(self, **settings: str) -> ParkingProcess:
        """Start another ingestor; returns at once."""
        port = str(choose_port())
        env = self.system.env | {"PARKING_INGEST_PORT": port} | settings
        process = await self.system.start("ingest", env=env)
        self.ingestors[process] = f"http://{LOOPBACK}:{port}/metrics"
        return process

    async def connected_ingest(self, **settings: str) -> ParkingProcess:
        """Start another ingestor; returns once its session at the broker exists."""
        process = await self.start_ingest(**settings)
        await process.wait_for_output("connected to the broker")
        return process

    async def ready(self, *, timeout: float = 60) -> None:
        """Wait until the API vouches for every number, which it does while an ingestor keeps up."""
        await self.system.processes["api"].wait_for_http(f"{self.system.url}/readyz", timeout=timeout)

    async def told(self, messages: int, *, timeout: float = 60) -> None:
        """Wait until the broker has acknowledged so many more messages."""
        wanted = len(self.load.told) + messages
        await until(
            lambda: len(self.load.told) >= wanted,
            timeout=timeout,
            what=lambda: f"{wanted} messages acknowledged (of them {len(self.load.told)} are)",
        )

    async def stored(self, messages: int, *, timeout: float = 60) -> Books:
        """Wait until so many more messages are acknowledged, and all up to there are stored."""
        await self.told(messages, timeout=timeout)
        expected = books(self.load.told)
        await wait_until_stored(expected, self.database_url, timeout=timeout)
        return expected

    async def nothing_lost_nothing_twice(
        self,
        *living: ParkingProcess,
        timeout: float = 90,
        late_s: float = LATE_S,
        sessions: tuple[str, ...] = (CLIENT_ID,),
        ways: int = 1,
    ) -> None:
        """End the load. All comes to be stored, exactly; all is ready again; `living` have never ended.

        Then the ingestors end in good order and leave nothing at the broker. `late_s` is how far an event's
        time may lie after the broker had its message. By so many `ways` (sessions) a message may have come
        that cannot be used: it is on record once for each, since nothing in it tells the copies.
        """
        expected = books(await self.load.end(timeout=timeout))
        await wait_until_stored(expected, self.database_url, timeout=timeout)
        await self.ready()
        assert [str(process) for process in living if not process.running] == []
        running = [process for process in self.ingestors if process.running]
        for process in running:
            # Copies may still be worked off when everything is stored.
            await until(partial(self._idle, process), timeout=timeout, every=0.2, what=f"{process} is idle")
        assert {await process.terminate() for process in running} == {0}
        await until(lambda: all(proxy.quiet for proxy in self.proxies), what="the last words have arrived")
        for session in sessions:
            assert await asyncio.to_thread(self._emptied, session), f"messages were left in {session}"
        async with connect(self.database_url, name="test", autocommit=True) as connection:
            await assert_balanced(expected, connection, late_s=late_s, ways=ways)
        for process in (*self.ingestors, self.system.processes["api"]):
            assert "Traceback" not in process.output, process.output

    async def _idle(self, process: ParkingProcess) -> bool:
        """Whether it is connected and holds no message, and none has come to it for a second."""
        seen = set()
        for _ in range(5):
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                told = (await client.get(self.ingestors[process])).raise_for_status().text
            found = dict(re.findall(r"(?m)^parking_ingest_(\w+) (\S+)$", told))
            held = float(found["messages_waiting"]) + float(found["messages_unacknowledged"])
            # While it is cut off, the broker has what it has not acknowledged.
            if held or found["broker_connected"] != "1.0":
                return False
            seen.add(found["messages_received_total"])
            await asyncio.sleep(0.2)
        return len(seen) == 1

    def _emptied(self, session: str) -> bool:
        # Who takes a session over makes the broker forget what it has not read yet of the connection before:
        # it has read all that once it has answered somebody else.
        with wire.connect(self.mqtt_url, Session("asks")):
            pass
        return wire.waiting(self.mqtt_url, session) == 0


@asynccontextmanager
async def loaded_town(
    *,
    database_url: str,
    mqtt_url: str,
    folder: Path,
    start: StartProcess,
    rate: float = 1000,
    through: Mapping[str, Proxy] | None = None,
    sessions: tuple[str, ...] = (CLIENT_ID,),
) -> AsyncIterator[Rig]:
    """A town with its API, and messages for it at so many a second; no ingestor runs yet.

    `through` are settings of the ingestors whose addresses lead through a proxy. The `sessions` exist at the
    broker already, so that every message from the first on waits for the ingestors.
    """
    await load(database_url, town())
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_API_PORT": str(choose_port()),
        "PARKING_INGEST_PORT": "0",
        "PARKING_STALE_AFTER_S": "8",
    }
    system = System(dict(env), folder, start, [], database_url)
    system.processes["api"] = await start("api", env=env)
    proxies = dict(through or {})
    system.env |= {setting: proxy.url for setting, proxy in proxies.items()}
    for session in sessions:
        wire.leave_session(mqtt_url, session, SUBSCRIPTIONS)
    async with publishing_steadily(mqtt_url, messages(), rate=rate) as publisher:
        yield Rig(system, publisher, mqtt_url, database_url, tuple(proxies.values()))
