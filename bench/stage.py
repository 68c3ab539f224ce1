"""A system to measure: a fresh database with a town in it, and the real `parking ingest` on a new session."""

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from bench import peers, wire
from bench.ground import Ground
from bench.meter import Meter
from bench.mqtt import Packets, renamed
from bench.traffic import Town, Traffic
from cli.embedded.ports import choose_port
from firmware_protocol import topics
from parking.db.connect import Connection, connect
from parking.db.registry import import_registry
from tests.support.processes import ParkingProcess

PATIENCE_S = 120.0
_POLL_S = 0.01
_OWN = ("PARKING_DATABASE_URL", "PARKING_MQTT_URL", "PARKING_TEST_", "PARKING_BENCH_")


class BenchFailed(Exception):
    """Something was not stored, or not acknowledged, in time."""


@dataclass(slots=True)
class Stage:
    """One case's database, town and session. `stored` counts the events that must be in the database."""

    ground: Ground
    database_url: str
    connection: Connection
    town: Town
    client_id: str = field(default_factory=lambda: f"parking-bench-{secrets.token_hex(4)}")
    stored: int = 0

    @property
    def database(self) -> str:
        """The database's name."""
        return urlsplit(self.database_url).path[1:]

    def meter(self, ingestor: "Ingestor | None" = None, api: ParkingProcess | None = None) -> Meter:
        """A meter of all that takes part."""
        return Meter(
            ingestor=ingestor.pid if ingestor else None,
            broker=self.ground.broker_pid,
            postmaster=self.ground.postmaster,
            database=self.database,
            own_backend=self.connection.info.backend_pid,
            api=api.pid if api else None,
        )

    def start(self, *arguments: str, **settings: str) -> ParkingProcess:
        """Start `parking ...` on this stage's services, with the tuning that our environment holds."""
        env = {
            **tuning(),
            "PARKING_DATABASE_URL": self.database_url,
            "PARKING_MQTT_URL": self.ground.mqtt_url,
            "PARKING_MQTT_CLIENT_ID": self.client_id,
            **settings,
        }
        log = self.ground.folder / f"{arguments[0]}-{secrets.token_hex(4)}.log"
        return ParkingProcess(arguments, env=env, log=log)


@dataclass(frozen=True, slots=True)
class Ingestor:
    """A running `parking ingest`, connected to the broker."""

    process: ParkingProcess
    metrics_url: str
    connected_at: float

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def metrics(self) -> dict[str, float]:
        """Its metrics, those with labels as `name{...}`."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            text = (await client.get(self.metrics_url)).raise_for_status().text
        return {name: float(value) for name, value in re.findall(r"(?m)^([a-z_]+(?:\{.*\})?) (\S+)$", text)}

    async def acknowledged(self) -> int:
        """Messages that it has acknowledged."""
        return int((await self.metrics())["parking_ingest_messages_acknowledged_total"])


@dataclass(frozen=True, slots=True)
class Run:
    """One load, from the first message sent to everything stored and acknowledged."""

    messages: int
    events: int
    seconds: float
    cpu: dict[str, float]

    @property
    def messages_per_s(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def events_per_s(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def tuning() -> dict[str, str]:
    """The PARKING_ settings of our environment that say how to work, not where."""
    return {n: v for n, v in os.environ.items() if n.startswith("PARKING_") and not n.startswith(_OWN)}


@asynccontextmanager
async def stage(ground: Ground, town: Town) -> AsyncIterator[Stage]:
    """A fresh database with the town's registry. At the end the session and all that is retained go too."""
    database_url = await asyncio.to_thread(ground.databases.create)
    try:
        async with connect(database_url, name="parking bench", autocommit=True) as connection:
            await import_registry(connection, town.registry())
            await connection.execute("ANALYZE")
            made = Stage(ground, database_url, connection, town)
            try:
                yield made
            finally:
                if ground.mqtt_url:
                    await _clean_broker(made)
    finally:
        ground.databases.drop(database_url)


@asynccontextmanager
async def ingesting(stage: Stage, **settings: str) -> AsyncIterator[Ingestor]:
    """The real ingestor, ready for messages, in its own process, with these settings besides."""
    port = choose_port()
    process = stage.start("ingest", PARKING_INGEST_PORT=str(port), **settings)
    try:
        await process.wait_for_output("connected to the broker", timeout=60)
        yield Ingestor(process, f"http://127.0.0.1:{port}/metrics", time.monotonic())
    finally:
        await process.reap()


async def load(stage: Stage, ingestor: Ingestor, traffic: Traffic) -> Run:
    """Publish at full speed and wait until every event is stored and every message acknowledged."""
    meter = stage.meter(ingestor)
    acknowledged = await ingestor.acknowledged()
    async with peers.publisher(stage.ground.mqtt_url, traffic.packets, stage.ground.folder) as peer:
        before = meter.read()
        await peer.go()
        sent = await peers.published(peer)
    stored_at = await wait_stored(stage, traffic)
    acknowledged_at = await wait_acknowledged(ingestor, acknowledged + traffic.messages)
    used = {name: value - before[name] for name, value in meter.read().items()}
    return Run(
        messages=traffic.messages,
        events=traffic.events,
        seconds=max(stored_at, acknowledged_at, sent.ended_at) - sent.started_at,
        cpu=used | {"publisher": sent.cpu_s},
    )


async def limit(stage: Stage, traffic: Traffic) -> Run:
    """The same messages, on topics beside ours, to a subscriber that acknowledges blindly."""
    filters = tuple("x" + name[1:] for name in traffic.filters)
    return await raw(stage, renamed(traffic.packets), filters, traffic.events)


async def raw(stage: Stage, packets: Packets, filters: tuple[str, ...], events: int) -> Run:
    """Publish at full speed to the raw subscriber."""
    ground = stage.ground
    async with (
        peers.subscriber(ground.mqtt_url, filters, len(packets)) as taker,
        peers.publisher(ground.mqtt_url, packets, ground.folder) as peer,
    ):
        meter = stage.meter()
        before = meter.read()
        await taker.go()
        await peer.go()
        sent, taken = await asyncio.gather(peers.published(peer), peers.received(taker))
    used = {name: value - before[name] for name, value in meter.read().items()}
    return Run(
        messages=taken.received,
        events=events,
        seconds=max(taken.ended_at, sent.ended_at) - sent.started_at,
        cpu={"broker": used.get("broker", 0.0), "publisher": sent.cpu_s, "subscriber": taken.cpu_s},
    )


async def wait_stored(stage: Stage, traffic: Traffic, *, timeout: float = PATIENCE_S) -> float:
    """Wait until all events are visible; when that was seen. Raises BenchFailed."""
    stage.stored += traffic.events

    async def last_is_there() -> bool:
        # One bay's events are quickly counted; all are counted once the last message's event is there.
        return await count(stage, traffic.last_bay) >= traffic.last_bay_events

    async def all_are_there() -> bool:
        return await count(stage) >= stage.stored

    await until(last_is_there, f"the last event of {traffic.messages} messages", timeout=timeout)
    seen_at = time.monotonic()
    if not await all_are_there():
        await until(all_are_there, f"{stage.stored} events", timeout=timeout, every=5 * _POLL_S)
        seen_at = time.monotonic()
    if (found := await count(stage)) != stage.stored:
        raise BenchFailed(f"{found} events are stored where {stage.stored} were sent")
    return seen_at


async def wait_acknowledged(ingestor: Ingestor, messages: int, *, timeout: float = PATIENCE_S) -> float:
    """Wait until the ingestor has acknowledged so many; when that was seen. Raises BenchFailed."""

    async def all_are() -> bool:
        return await ingestor.acknowledged() >= messages

    await until(all_are, f"{messages} messages acknowledged", timeout=timeout)
    return time.monotonic()


async def count(stage: Stage, bay: str | None = None) -> int:
    """How many events are stored, in all or of one bay."""
    if bay is None:
        cursor = await stage.connection.execute("SELECT count(*) FROM bay_event")
    else:
        cursor = await stage.connection.execute("SELECT count(*) FROM bay_event WHERE bay_id = %s", (bay,))
    row = await cursor.fetchone()
    assert row is not None, "a count is one row"
    return int(row[0])


async def until(
    ask: Callable[[], Awaitable[bool]], what: str, *, timeout: float, every: float = _POLL_S
) -> None:
    """Ask again and again until the answer is yes. Raises BenchFailed after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not await ask():
        if time.monotonic() > deadline:
            raise BenchFailed(f"after {timeout:g} s still not: {what}")
        await asyncio.sleep(every)


async def end_session(stage: Stage) -> None:
    """End the ingestor's session at the broker. Raises BenchFailed if it still held messages."""
    left = await asyncio.to_thread(wire.end_session, stage.ground.mqtt_url, stage.client_id)
    if left:
        raise BenchFailed(f"the broker still held {left} messages that were reported as acknowledged")


async def _clean_broker(stage: Stage) -> None:
    """Leave nothing behind: no session (first, since it would be told of the rest) and no snapshot."""
    try:
        await end_session(stage)
    finally:
        retained = [topics.availability(site) for site in stage.town.sites]
        await asyncio.to_thread(wire.clear_retained, stage.ground.mqtt_url, retained)
