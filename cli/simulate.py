"""`parking simulate`: a living city that publishes to the broker as real sensors and cameras would."""

import asyncio
import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated

import typer

from parking.errors import SettingsError
from parking.logs import configure_logging
from parking.settings import Settings, load_settings

if TYPE_CHECKING:
    from sensors_sim.options import Options

_STARTS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def run(options: "Options", settings: Settings) -> int:
    """Let the city live until its time is over or a signal ends it; gives the exit code."""
    asyncio.run(_run(options, settings))
    return 0


async def _run(options: "Options", settings: Settings) -> None:
    from sensors_sim.runner import Run

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await Run(options, settings)(stopped)


def write_registry(options: "Options", path: Path) -> None:
    """Write the city's registry file; `-` is standard output."""
    from sensors_sim.runner import city_of

    text = json.dumps(city_of(options).registry(), indent=1) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


def write_device_keys(options: "Options", path: Path, *, share: float) -> None:
    """Write new keys for this share of the sensors that speak our own protocol."""
    from cli.private_files import create_private
    from parking.device_keys import SECRET_SIZE, device_keys_text
    from sensors_sim.runner import city_of

    own = city_of(options).own_devices
    chosen = own[: round(share * len(own))]
    create_private(path, device_keys_text({device: {1: token_bytes(SECRET_SIZE)} for device in chosen}))


def simulate(
    seed: Annotated[
        int,
        typer.Option(min=0, help="The same seed builds the same city and the same day."),
    ] = 1,
    bays: Annotated[
        int,
        typer.Option(min=0, help="Bays with a sensor, over all streets and open car parks."),
    ] = 500,
    sites: Annotated[
        int,
        typer.Option(
            min=1,
            help="Streets and car parks together; a third are car parks counted by cameras at their gates.",
        ),
    ] = 12,
    heartbeat: Annotated[
        float,
        typer.Option(
            help="Seconds (wall time) between heartbeats of our own sensors; four times that for LoRaWAN."
        ),
    ] = 900.0,
    speed: Annotated[
        float,
        typer.Option(
            help="How fast life goes: 60 makes an hour pass in a minute. Times on the wire stay true."
        ),
    ] = 1.0,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_STARTS,
            help="The town's date and time at the start. By default now; at any speed but 1, today at 08:00.",
        ),
    ] = None,
    duration: Annotated[float | None, typer.Option(help="End after so many seconds (wall time).")] = None,
    days: Annotated[float | None, typer.Option(help="End after so many days in the city.")] = None,
    duplicate: Annotated[float, typer.Option(help="Share of messages that arrive twice.")] = 0.0,
    late: Annotated[
        float,
        typer.Option(
            help="Share of messages that are held up for seconds to five minutes, so in another order."
        ),
    ] = 0.0,
    lost: Annotated[float, typer.Option(help="Share of messages that never reach the broker.")] = 0.0,
    stuck: Annotated[float, typer.Option(help="Share of sensors that say the same for ever.")] = 0.0,
    flapping: Annotated[
        float,
        typer.Option(help="Share of sensors that add changes which did not happen."),
    ] = 0.0,
    silent: Annotated[float, typer.Option(help="Share of sensors that die.")] = 0.0,
    reboot: Annotated[float, typer.Option(help="Restarts of each sensor in an hour of wall time.")] = 0.0,
    misread: Annotated[
        float,
        typer.Option(help="Share of vehicles whose plate is misread at a gate."),
    ] = 0.0,
    missed: Annotated[
        float,
        typer.Option(help="Share of vehicles that a gate's camera does not see."),
    ] = 0.0,
    double: Annotated[
        float,
        typer.Option(help="Share of vehicles that a gate's camera reports as two."),
    ] = 0.0,
    write_registry_to: Annotated[
        Path | None,
        typer.Option(
            "--write-registry",
            metavar="FILE",
            help="Write the file for `parking registry import`, and end. - is standard output.",
        ),
    ] = None,
    write_keys_to: Annotated[
        Path | None,
        typer.Option(
            "--write-device-keys",
            metavar="FILE",
            help=(
                "Write keys for a --sealed share of our own sensors, for PARKING_DEVICE_KEY_FILE, and end."
            ),
        ),
    ] = None,
    sealed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of our own sensors for --write-device-keys.")
    ] = 1.0,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=(
                "Write the ground truth as JSON lines: each event as its device sent it (identity, time,"
                " state), each vehicle through a gate, each message that the broker acknowledged, each loss"
                " and fault, and at the end the state of every bay and the count of every site. No plates."
            ),
        ),
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=64, help="Connections to the broker.")] = 2,
    boot: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=255,
            help="Boot id with which all our sensors start. By default it follows the clock, so runs differ.",
        ),
    ] = None,
) -> None:
    """Let a city live: sensors, gateways, LoRaWAN networks and cameras publish to PARKING_MQTT_URL.

    Import its registry first: parking simulate --write-registry city.json, then parking registry import
    city.json. The options that describe the city (seed, bays, sites, heartbeat) must be the same both times.
    Sensors that have a key in PARKING_DEVICE_KEY_FILE seal what they send, and obey sealed commands alone.
    Ctrl+C or SIGTERM ends the run: all that has happened is still told, which takes three seconds.
    """
    # numpy and the MQTT client are loaded by this command alone.
    from sensors_sim.faults import Faults
    from sensors_sim.options import Options

    try:
        faults = Faults(
            duplicate=duplicate,
            late=late,
            lost=lost,
            stuck=stuck,
            flapping=flapping,
            silent=silent,
            reboot=reboot,
            misread=misread,
            missed=missed,
            double=double,
        )
    except ValueError as error:
        raise SettingsError(f"--{error}") from error
    options = Options(
        seed=seed,
        bays=bays,
        sites=sites,
        speed=speed,
        start=start,
        duration_s=duration,
        days=days,
        heartbeat_s=heartbeat,
        connections=connections,
        boot=boot,
        ledger=ledger,
        faults=faults,
    )
    if write_registry_to is not None:
        write_registry(options, write_registry_to)
        return
    if write_keys_to is not None:
        write_device_keys(options, write_keys_to, share=sealed)
        return
    settings = load_settings()
    configure_logging(settings, process="simulate")
    raise typer.Exit(run(options, settings))
