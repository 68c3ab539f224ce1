"""`parking demo`: the whole system on this machine, on embedded services, with a simulated city."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.embedded import EmbeddedBroker, EmbeddedPostgres, GuardedProcess
from cli.embedded.nats import MAX_ACK_PENDING
from cli.embedded.ports import choose_port
from cli.embedded.process import ServiceFailed
from cli.embedded.service import private_folder
from cli.past import give_past
from parking.access_keys import Scope
from parking.db.access_keys import create_key
from parking.db.connect import connect
from parking.db.migrate import migrate
from parking.db.registry import import_registry
from parking.registry import Registry, parse_registry
from parking.settings import Settings, load_settings
from sensors_sim.options import Options
from sensors_sim.runner import TOWN_ZONE, city_of

CAMERA_PORT = 9109
READY_S = 30.0
POLL_S = 0.05
PAST_DAYS = 28
PAST_BAY_DAYS = PAST_DAYS * 500
"""A larger city has fewer days of a past, so that the start takes no longer."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo's city is like."""

    bays: int
    speed: float
    seed: int
    duration: float | None
    past_days: int | None = None

    @property
    def days_before(self) -> int:
        """Days of made-up use before the start."""
        return min(PAST_DAYS, PAST_BAY_DAYS // self.bays) if self.past_days is None else self.past_days


def demo(
    bays: Annotated[int, typer.Option(min=1, max=20_000, help="Bays with sensors in the city.")] = 500,
    speed: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How many times faster the city lives.")
    ] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same city.")] = 1,
    duration: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so many seconds.", show_default="never")
    ] = None,
    past_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=365,
            help="Days of use made up before the start, for reports and forecasts; 0 for none.",
            show_default="28, fewer for more than 500 bays",
        ),
    ] = None,
) -> None:
    """Run the whole system here: database, broker, ingestor, API and a simulated city. Ctrl+C ends it all.

    Nothing has to be installed besides. Everything listens on this machine only, and all data is gone when
    it ends. Ports: PARKING_API_PORT (8000), PARKING_DEMO_MQTT_PORT (1883), PARKING_DEMO_DATABASE_PORT
    (54329); where one is taken, a free one is used.
    """
    asyncio.run(_until_signalled(DemoOptions(bays, speed, seed, duration, past_days), load_settings()))


async def _until_signalled(options: DemoOptions, settings: Settings) -> None:
    """Run the demo; a signal ends it in order, also half-way through the start."""
    running = asyncio.create_task(_demo(options, settings), name="demo")
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            typer.echo("\nStopping...")
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not stopping:
            raise
    typer.echo("Everything that the demo started has ended.")


async def _demo(options: DemoOptions, settings: Settings) -> None:
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        with _step("database"):
            postgres = await stack.enter_async_context(EmbeddedPostgres(port=settings.demo_database_port))
        with _step("broker"):
            broker = await stack.enter_async_context(EmbeddedBroker(port=settings.demo_mqtt_port))
        api_port = choose_port(settings.api_port)
        env = {
            **os.environ,
            "PARKING_DATABASE_URL": postgres.url,
            "PARKING_MQTT_URL": broker.url,
            "PARKING_MQTT_RECEIVE_MAXIMUM": str(MAX_ACK_PENDING),
            "PARKING_API_HOST": "127.0.0.1",
            "PARKING_API_PORT": str(api_port),
            "PARKING_INGEST_PORT": str(choose_port(settings.ingest_port)),
            "PARKING_PLATE_KEY_DIR": str(folder / "plate-keys"),
            # What holds for ten seconds in a town holds for a sixth of one in this town.
            "PARKING_DEBOUNCE_S": f"{settings.debounce_s / max(1.0, options.speed):g}",
            "PARKING_CAMERA_HTTP_PORT": str(choose_port(settings.camera_http_port or CAMERA_PORT)),
        }
        with _step("schema"):
            await migrate(postgres.url)
        with _step("city"):
            city = city_of(Options(seed=options.seed, bays=options.bays))
            registry = parse_registry(city.registry(), source="the simulated city")
            async with connect(postgres.url, name="parking demo", autocommit=True) as connection:
                await import_registry(connection, registry)
                _, key = await create_key(
                    connection, actor="parking demo", name="demo", scopes=frozenset(Scope)
                )
        if options.days_before:
            with _step(f"{options.days_before} days past"):
                async with connect(postgres.url, name="parking demo", autocommit=True) as connection:
                    now = datetime.now(TOWN_ZONE).replace(microsecond=0)
                    await give_past(connection, city, until=now, days=options.days_before)
        children: list[GuardedProcess] = []
        url = f"http://127.0.0.1:{api_port}"
        with _step("ingestor and API"):
            children.append(await stack.enter_async_context(_child(folder, env, "api")))
            children.append(await stack.enter_async_context(_child(folder, env, "ingest")))
            await _ready(url, children)
        with _step("simulator"):
            same_city = ("--seed", str(options.seed), "--bays", str(options.bays))
            simulate = _child(folder, env, "simulate", *same_city, "--speed", f"{options.speed:g}")
            children.append(await stack.enter_async_context(simulate))
        _announce(url, broker.url, postgres.url, key.text, time.monotonic() - started)
        _announce_past(options)
        _announce_gates(url, env["PARKING_CAMERA_HTTP_PORT"], registry)
        await _watch(children, options.duration)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = private_folder("demo")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Show that a step has begun, and how long it took."""
    begun = time.monotonic()
    typer.echo(f"  {what:<18}", nl=False)
    sys.stdout.flush()
    try:
        yield
    except BaseException:
        typer.echo("")
        raise
    typer.echo(f"{time.monotonic() - begun:5.1f} s")


@asynccontextmanager
async def _child(folder: Path, env: Mapping[str, str], *arguments: str) -> AsyncIterator[GuardedProcess]:
    """`parking ...` for as long as the context is open."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    process = GuardedProcess(command, log=folder / f"{arguments[0]}.log", env=env)
    process.start()
    try:
        yield process
    finally:
        await process.stop()


async def _ready(url: str, children: list[GuardedProcess]) -> None:
    """Wait until the API says that it and all behind it are ready."""
    deadline = time.monotonic() + READY_S
    said = "nothing"
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline:
            _check(children)
            try:
                answer = await client.get(f"{url}/readyz")
            except httpx.TransportError:
                await asyncio.sleep(POLL_S)
                continue
            if answer.status_code == 200:
                return
            said = answer.text
            await asyncio.sleep(POLL_S)
    raise ServiceFailed(f"The API is not ready after {READY_S:g} s; it says: {said}")


async def _watch(children: list[GuardedProcess], duration: float | None) -> None:
    """Wait for the end; a child that ends by itself ends the demo with its last words."""
    deadline = time.monotonic() + duration if duration else float("inf")
    while time.monotonic() < deadline:
        _check(children)
        await asyncio.sleep(0.2)


def _check(children: list[GuardedProcess]) -> None:
    for child in children:
        if child.returncode is not None:
            raise _failed(child, child.returncode)


def _failed(process: GuardedProcess, code: int) -> ServiceFailed:
    name = " ".join(process.argv[3:])
    return ServiceFailed(
        f"`parking {name}` ended with code {code}. Its last words:\n{process.tail() or '(none)'}"
    )


def _announce(url: str, mqtt_url: str, database_url: str, key: str, seconds: float) -> None:
    typer.echo(f"\nReady after {seconds:.1f} s. Open {url}\n")
    for what, where in (
        ("all sites", f"{url}/v1/sites"),
        ("for managers", f"{url}/sign-in  (with the API key)"),
        ("API reference", f"{url}/docs"),
        ("MQTT", f"{mqtt_url}  (topics parking/v1/#)"),
        ("SQL", database_url),
        ("API key", f"{key}  (for managers and operators; it may do everything)"),
    ):
        typer.echo(f"  {what:<14}{where}")
    typer.echo(f'\n  curl -H "Authorization: Bearer {key}" {url}/v1/reports/maintenance')


def _announce_past(options: DemoOptions) -> None:
    """What the reports of the first minute are made of."""
    if options.days_before:
        pace = (
            "" if options.speed == 1 else f"; from now on it lives {options.speed:g} times faster than that"
        )
        typer.echo(
            f"\n  The {options.days_before} days before are made up too, at the pace of a real town{pace}."
        )


def _announce_gates(url: str, camera_port: str, registry: Registry) -> None:
    """Where to look at the count of a car park, and where cameras can post."""
    park = next((site for site in registry.sites if site.gates), None)
    if park is not None:
        typer.echo(f"  curl {url}/v1/sites/{park.id}/counts    (a count at gates, its drift and corrections)")
        camera = park.gates[0].camera
        typer.echo(
            f"  cameras can post to http://127.0.0.1:{camera_port}/v1/cameras/{camera} with the API key"
        )
    typer.echo("\nCtrl+C ends everything and removes its data.")
