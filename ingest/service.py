"""The ingestor: builds the parts, runs them, ends them in order."""

import asyncio
import signal
import time
from datetime import timedelta

import structlog
from prometheus_client import start_http_server

from ingest.admit import Admission, Rules
from ingest.faultpoint import AFTER_ACKNOWLEDGE, AFTER_COMMIT, HALF_ACKNOWLEDGED, FaultPoint
from ingest.keeper import Keeper, follow_registry
from ingest.metrics import Metrics
from ingest.mqtt_source import MqttSource
from ingest.publisher import Publisher
from ingest.source import Source
from ingest.writer import Writer
from parking.db.connect import connect
from parking.db.failures import explain
from parking.db.migrate import check_schema
from parking.errors import DatabaseUnavailable, ParkingError
from parking.plates import PlateKeys
from parking.settings import Settings

log = structlog.get_logger()

REPORT_S = 60.0
CAUGHT_UP_S = 5.0
"""Numbers count as current while all that had arrived was taken within this time (seconds)."""


async def run(settings: Settings) -> None:
    """Ingest until SIGTERM or SIGINT. What was not committed by then stays with the broker."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    main = asyncio.create_task(_serve(settings), name="ingest")
    waiting = asyncio.create_task(stop.wait(), name="stop signal")
    await asyncio.wait((main, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not main.done():
        log.info("stopping")
        main.cancel()
    try:
        await main
    except asyncio.CancelledError:
        log.info("stopped")


async def _serve(settings: Settings) -> None:
    metrics = Metrics()
    database_url = settings.require_database_url()
    keys = PlateKeys(settings.plate_key_dir) if settings.plate_key_dir else None
    rules = Rules(timedelta(seconds=settings.late_limit_s), timedelta(seconds=settings.early_limit_s))
    source = MqttSource(settings)
    publisher = Publisher(source, metrics)
    _serve_metrics(settings, metrics)
    await _wait_for_database(database_url)
    faults = FaultPoint(settings.fault_point)
    async with Writer(
        database_url, metrics, lambda known: Admission(known, rules, keys), faults=faults
    ) as writer:
        loop = Consumer(settings, source, writer, publisher, metrics, faults)
        keeper = Keeper(
            settings,
            publisher,
            current=loop.current,
            silence=lambda: writer.silence(publisher.offer),
            keys=keys,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(source.run(), name="source")
            tasks.create_task(loop.run(), name="consume")
            tasks.create_task(publisher.run(), name="publish")
            tasks.create_task(keeper.run(), name="keep")
            tasks.create_task(follow_registry(database_url, writer.forget), name="registry")
            tasks.create_task(loop.report(), name="report")


async def _wait_for_database(database_url: str) -> None:
    """Wait until the database is there; raises SchemaError if its schema is not the one we need."""
    while True:
        try:
            async with connect(database_url, name="parking ingest") as connection:
                await check_schema(connection)
                return
        except Exception as error:
            problem = explain(error)
            if not isinstance(problem, DatabaseUnavailable):
                raise
            log.warning("waiting for the database", error=problem.message)
            await asyncio.sleep(1)


def _serve_metrics(settings: Settings, metrics: Metrics) -> None:
    if settings.ingest_port == 0:
        return
    try:
        start_http_server(settings.ingest_port, settings.ingest_host, registry=metrics.registry)
    except OSError as error:
        raise ParkingError(
            f"PARKING_INGEST_PORT: port {settings.ingest_port} cannot be used: {error.strerror}",
            hint="Set PARKING_INGEST_PORT to a free port, or to 0 for no metrics.",
        ) from error


class Consumer:
    """The main loop: take a batch, store it, acknowledge it."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        writer: Writer,
        publisher: Publisher,
        metrics: Metrics,
        faults: FaultPoint,
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._source = source
        self._writer = writer
        self._publisher = publisher
        self._metrics = metrics
        self._busy_since: float | None = None
        self._stored = 0

    async def run(self) -> None:
        """Take, store, acknowledge, for as long as the task lives."""
        settings, metrics = self._settings, self._metrics
        while True:
            messages = await self._source.take(most=settings.batch_size, wait_s=settings.batch_ms / 1000)
            metrics.received.inc(len(messages))
            self._busy_since = self._busy_since or time.monotonic()
            await self._writer.write(messages, self._publisher.offer)
            self._faults.reach(AFTER_COMMIT)
            if self._faults.armed(HALF_ACKNOWLEDGED):
                self._source.acknowledge(messages[: len(messages) // 2])
                await asyncio.sleep(0)  # the half is with the operating system
                self._faults.reach(HALF_ACKNOWLEDGED)
            self._source.acknowledge(messages)
            self._faults.reach(AFTER_ACKNOWLEDGE)
            metrics.acknowledged.inc(len(messages))
            self._stored += len(messages)
            if not self._source.waiting:
                self._busy_since = None

    def current(self) -> bool:
        """Whether what is published can be taken as the present: connected, and not far behind."""
        connected = self._source.connected
        self._metrics.connected.set(connected)
        self._metrics.waiting.set(self._source.waiting)
        return connected and (self._busy_since is None or time.monotonic() - self._busy_since < CAUGHT_UP_S)

    async def report(self) -> None:
        """A line a minute that an operator can read."""
        stored = 0
        while True:
            await asyncio.sleep(REPORT_S)
            log.info(
                "ingest",
                messages=self._stored - stored,
                waiting=self._source.waiting,
                connected=self._source.connected,
                current=self.current(),
            )
            stored = self._stored
