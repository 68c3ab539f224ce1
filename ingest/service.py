"""The ingestor: builds the parts, runs them, ends them in order."""

import asyncio
import signal
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from prometheus_client import start_http_server

from ingest.admit import Admission, Rules
from ingest.bookkeeper import Bookkeeper
from ingest.camera_http import receive
from ingest.clock import Clock
from ingest.consumer import Consumer
from ingest.examiner import Examiner
from ingest.faultpoint import FaultPoint
from ingest.forecasting import forecasting
from ingest.former import FormerSessions
from ingest.janitor import Janitor
from ingest.keeper import Keeper
from ingest.keyring import Keyring
from ingest.metrics import Metrics
from ingest.mqtt_source import MqttSource
from ingest.publisher import Publisher
from ingest.report import report
from ingest.share import share_of
from ingest.sign_keeper import SignKeeper
from ingest.sign_publisher import SignPublisher
from ingest.silencer import Silencer
from ingest.writer import Writer
from parking.db.connect import connect
from parking.db.failures import explain
from parking.db.ingestors import Condition, Session
from parking.db.migrate import check_schema
from parking.errors import DatabaseUnavailable, ParkingError
from parking.lanes import Lanes
from parking.plates import PlateKeys
from parking.settings import Settings

log = structlog.get_logger()


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
    metrics, clock, share = Metrics(), Clock(), share_of(settings)
    database_url = settings.require_database_url()
    keys = PlateKeys(settings.plate_key_dir) if settings.plate_key_dir else None
    ring = Keyring(settings.device_key_file, metrics)
    rules = Rules(
        late=timedelta(seconds=settings.late_limit_s),
        early=timedelta(seconds=settings.early_limit_s),
        pairing=timedelta(seconds=settings.pairing_window_s),
    )
    lanes = Lanes()
    faults, allowed = FaultPoint(settings.fault_point), asyncio.Event()
    source = MqttSource(settings, clock, allowed=allowed)
    publisher = Publisher(source, metrics, share)
    _serve_metrics(settings, metrics)
    await _wait_for_database(database_url, clock)
    async with Writer(
        database_url,
        metrics,
        lambda known: Admission(known, rules, keys, lanes, verifier=ring.verifier),
        clock=clock,
        faults=faults,
        debounce_s=settings.debounce_s,
    ) as writer:
        consumer = Consumer(
            settings,
            source,
            writer,
            publisher.offer,
            metrics,
            clock=clock,
            share=share,
            faults=faults,
        )
        silencer = Silencer(lambda: writer.turn(publisher.offer), consumer.current)
        session = _session(settings)
        keeper = Keeper(
            settings,
            clock,
            publisher,
            session,
            allowed=allowed,
            unseat=source.leave,
            condition=lambda: Condition(
                current=consumer.current() and silencer.recent,
                broker=session.broker if source.connected else "",
                waiting=consumer.waiting,
                behind_s=consumer.behind_s,
                heard_at=consumer.heard_at,
                stored_at=consumer.stored_at,
                trouble=writer.trouble,
            ),
            registry_changed=writer.forget,
            own_pids=lambda: writer.backend_pids,
            keys=keys,
            lanes=lanes,
        )
        sign_publisher = SignPublisher(source, clock)
        signs = SignKeeper(
            database_url,
            sign_publisher,
            clock,
            defaults=settings.sign_defaults,
            stale_after_s=settings.stale_after_s,
        )
        former = FormerSessions(
            settings, clock, session, writer, publisher.offer, connected=lambda: source.connected
        )
        metrics.watch(
            source,
            waiting=lambda: consumer.waiting,
            behind_s=lambda: consumer.behind_s,
            held_back=lambda: writer.held_back,
        )
        async with asyncio.TaskGroup() as tasks:
            for name, work in (
                ("source", source.run()),
                ("consume", consumer.run()),
                ("publish", publisher.run()),
                ("signs", signs.run()),
                ("publish signs", sign_publisher.run()),
                ("silence", silencer.run()),
                ("keep", keeper.run()),
                ("former sessions", former.run()),
                ("forecast", forecasting(settings)),
                ("what is old", Janitor(database_url, settings.kept_days, consumer.current).run()),
                ("health", Examiner(database_url, consumer.current).run()),
                ("books", Bookkeeper(settings, clock, consumer.current).run()),
                ("device keys", ring.run(writer.forget)),
                (
                    "cameras",
                    receive(settings, writer, publisher.offer, clock=clock, metrics=metrics, allowed=allowed),
                ),
                ("report", report(metrics, source, consumer, lambda: writer.trouble)),
            ):
                tasks.create_task(work, name=name)


def _session(settings: Settings) -> Session:
    """Our session at the broker."""
    url, share = urlsplit(settings.require_mqtt_url()), share_of(settings)
    port = url.port or (8883 if url.scheme == "mqtts" else 1883)
    return Session(
        name=settings.mqtt_session,
        base=settings.mqtt_client_id,
        share=share.number,
        shares=share.count,
        broker=f"{url.hostname}:{port}",
    )


async def _wait_for_database(database_url: str, clock: Clock) -> None:
    """Wait until the database is there; raises SchemaError if its schema is not the one we need."""
    while True:
        try:
            async with connect(database_url, name="parking ingest") as connection:
                await check_schema(connection)
                await clock.look(connection)
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
