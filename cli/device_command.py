"""`parking device command`: tell one of our own sensors to do something, and see what becomes of it."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from secrets import randbelow
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firmware_protocol.commands import Command, Operation
from firmware_protocol.frames import Outcome, telemetry
from firmware_protocol.topics import TopicError
from parking.errors import DeviceError, NotFound, SettingsError
from parking.registry import load_registry
from parking.settings import Settings, load_settings

if TYPE_CHECKING:
    from cli.ask_device import Answer

_REFUSALS = {
    Outcome.UNSUPPORTED: "does not know this operation or one of its arguments (unsupported)",
    Outcome.INVALID: "finds an argument missing or out of its range (invalid)",
    Outcome.FAILED: "tried and could not (failed)",
}


class Word(StrEnum):
    """What one can ask for."""

    CONFIGURE = "configure"
    STATUS = "status"
    RECALIBRATE = "recalibrate"
    REBOOT = "reboot"
    TIME = "time"


def command_device(
    device: Annotated[str, typer.Argument(help="the sensor's id, as in its topic")],
    operation: Annotated[Word, typer.Argument(help="what it is to do")],
    heartbeat: Annotated[
        int | None, typer.Option(min=10, max=65_535, help="configure: seconds between heartbeats")
    ] = None,
    debounce: Annotated[
        int | None,
        typer.Option(min=2000, max=60_000, help="configure: milliseconds that a change must hold to count"),
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="its site; by default the registry's, of --registry or the database")
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(help="registry file to look the site up in", exists=True, dir_okay=False)
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=1, max=86_400, help="seconds to wait; then the broker forgets the command, too"),
    ] = 30.0,
    number: Annotated[
        int | None,
        typer.Option(
            "--id", min=1, max=0xFFFF_FFFF, help="repeat a command: the device does not do it twice"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    """Command a sensor that speaks our own protocol, and wait for its answer.

    Ends with 0 if the device has done it, else with 1. Where PARKING_DEVICE_KEY_FILE has a key of the device,
    the command is sealed and only a sealed answer counts.

    Example: parking device command ps-0001a7 configure --heartbeat 900
    """
    command = _command(operation, heartbeat, debounce, number or 1 + randbelow(0xFFFF_FFFF))
    settings = load_settings()
    answer = asyncio.run(_ask(settings, device, command, site=site, registry=registry, timeout=timeout))
    if as_json:
        typer.echo(json.dumps(_document(device, operation, command, answer)))
    if answer.outcome != Outcome.DONE:
        raise _refused(device, operation, command, answer, timeout)
    if not as_json:
        typer.echo(_told(device, operation, command, answer))


def _command(operation: Word, heartbeat: int | None, debounce: int | None, number: int) -> Command:
    import time

    if operation != Word.CONFIGURE and (heartbeat is not None or debounce is not None):
        raise SettingsError(f"--heartbeat and --debounce belong to configure, not to {operation}")
    if operation == Word.CONFIGURE and heartbeat is None and debounce is None:
        raise SettingsError("configure needs --heartbeat, --debounce or both")
    values = telemetry(
        heartbeat_s=heartbeat,
        debounce_ms=debounce,
        time_s=int(time.time()) if operation == Word.TIME else None,
    )
    return Command(id=number, operation=Operation[operation.name], tlvs=values)


async def _ask(
    settings: Settings,
    device: str,
    command: Command,
    *,
    site: str | None,
    registry: Path | None,
    timeout: float,
) -> "Answer":
    from cli.ask_device import ask
    from parking.device_keys import load_device_keys

    keys = load_device_keys(settings.device_key_file) if settings.device_key_file else {}
    settings.require_mqtt_url()
    site = site or await _site_of(settings, device, registry)
    try:
        return await ask(settings, site=site, device=device, command=command, keys=keys, timeout=timeout)
    except TopicError as error:
        raise SettingsError(f"no device can have this id and site: {error}") from error


async def _site_of(settings: Settings, device: str, registry: Path | None) -> str:
    """The site of a registered sensor of ours. Raises NotFound, or that there is nowhere to look."""
    if registry is not None:
        return _in_file(registry, device)
    if settings.database_url is None:
        raise SettingsError(
            f"the site of {device} is not known",
            hint="Give --site, --registry FILE, or PARKING_DATABASE_URL to look it up.",
        )
    from parking.db.connect import connect
    from parking.db.registry import load_directory

    async with connect(settings.require_database_url(), name="parking device") as connection:
        watch = (await load_directory(connection)).devices.get(device)
    return _checked(device, watch.codec if watch else None, watch.site if watch else None)


def _in_file(registry: Path, device: str) -> str:
    for site in load_registry(registry).sites:
        for bay in site.bays:
            if bay.sensor is not None and bay.sensor.id == device:
                return _checked(device, bay.sensor.codec, site.id)
    return _checked(device, None, None)


def _checked(device: str, codec: str | None, site: str | None) -> str:
    if codec is None:
        raise NotFound(f"device {device!r} is not in the registry", hint="Check its id, or give --site.")
    if codec != "parking-v1":
        raise DeviceError(f"device {device!r} is a {codec}; these commands are for sensors of parking-v1")
    if site is None:
        raise NotFound(f"device {device!r} watches no bay, so it has no site", hint="Give --site.")
    return site


def _told(device: str, operation: Word, command: Command, answer: "Answer") -> str:
    lines = [f"{device} has done it: {operation}, command {command.id}, after {answer.after_s:.1f} s."]
    lines += [f"  {name}: {value}" for name, value in answer.values.items()]
    return "\n".join(lines)


def _refused(device: str, operation: Word, command: Command, answer: "Answer", timeout: float) -> DeviceError:
    if answer.outcome is not None:
        why = _REFUSALS.get(Outcome(answer.outcome)) if answer.outcome in _REFUSALS else None
        return DeviceError(f"{device} {why or f'answers with outcome {answer.outcome}, which is not known'}")
    again = f"To try again without it being done twice: --id {command.id}"
    if answer.unverified:
        return DeviceError(
            f"{device} answered, but {answer.unverified}",
            hint="Check that PARKING_DEVICE_KEY_FILE has the key that the device has.",
        )
    if answer.heard:
        return DeviceError(
            f"{device} did not answer within {timeout:g} s, but it lives: {answer.heard} other frames came",
            hint=f"It may not take commands, or not on this topic: {answer.topic}\n  {again}",
        )
    return DeviceError(
        f"{device} did not answer within {timeout:g} s, and nothing else was heard of it",
        hint=(
            "Is it on and in range, is its id right, and its site? A device that sleeps may need a longer "
            f"--timeout.\n  {again}"
        ),
    )


def _document(device: str, operation: Word, command: Command, answer: "Answer") -> dict[str, Any]:
    outcome = answer.outcome
    known = outcome in Outcome._value2member_map_
    return {
        "device": device,
        "site": answer.site,
        "id": command.id,
        "operation": operation.value,
        "outcome": Outcome(outcome).name.lower() if outcome is not None and known else outcome,
        "after_s": round(answer.after_s, 3) if outcome is not None else None,
        "values": answer.values,
        "frames_heard": answer.heard,
        "unverified": answer.unverified,
    }
