"""`parking device key`: the keys of sensors that seal their frames, in their file."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli.private_files import replace_private
from parking.device_keys import (
    MOST_KEYS,
    SECRET_SIZE,
    device_keys_text,
    load_device_keys,
    parse_device_keys,
)
from parking.errors import DeviceKeyError, SettingsError
from parking.settings import load_settings

NUMBERS = 256

key_app = typer.Typer(
    help="Keys of sensors that seal their frames. A running ingestor takes a change within seconds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="the file of keys; by default PARKING_DEVICE_KEY_FILE"),
]
Device = Annotated[str, typer.Argument(help="the sensor's id, as in its topic")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]


@key_app.callback()
def key() -> None:
    """Keys of sensors that seal their frames. A running ingestor takes a change within seconds."""


@key_app.command("add")
def add(device: Device, file: File = None, as_json: AsJson = False) -> None:
    """Give a sensor a key, or its next one, and print it: it goes into the sensor by a way that you trust.

    From then on nothing plain is taken from this sensor. To change a key: add the next one, give it to the
    sensor, and remove the old one when the sensor uses the new one. The file is made if there is none.

    Example: parking device key add ps-0001a7 --file device-keys.json
    """
    path = _file(file)
    keys = load_device_keys(path) if path.exists() else {}
    own = dict(keys.get(device, {}))
    if len(own) >= MOST_KEYS:
        numbers = " and ".join(map(str, own))
        raise DeviceKeyError(
            f"{device} has two keys already, {numbers}",
            hint=f"Remove the one that it no longer uses: parking device key remove {device} NUMBER",
        )
    number = (max(own, default=0) + 1) % NUMBERS
    secret = secrets.token_bytes(SECRET_SIZE)
    own[number] = secret
    _write(path, {**keys, device: own})
    if as_json:
        typer.echo(json.dumps({"device": device, "key": number, "secret": secret.hex()}))
    else:
        typer.echo(f"{device}  key {number}  {secret.hex()}")


@key_app.command("list")
def list_them(file: File = None, as_json: AsJson = False) -> None:
    """List which sensors have which keys, by number. No secret is shown."""
    keys = load_device_keys(_file(file))
    if as_json:
        typer.echo(
            json.dumps([{"device": device, "keys": list(own)} for device, own in sorted(keys.items())])
        )
        return
    for device, own in sorted(keys.items()):
        typer.echo(f"{device}  {'keys' if len(own) > 1 else 'key'} {', '.join(map(str, own))}")
    if not keys:
        typer.echo("no sensor has a key: all frames are plain")


@key_app.command("remove")
def remove(
    device: Device,
    number: Annotated[int, typer.Argument(min=0, max=NUMBERS - 1, help="the number of the key")],
    file: File = None,
    last: Annotated[
        bool, typer.Option("--last", help="even its last key: then what it sends plain counts again")
    ] = False,
) -> None:
    """Remove a key of a sensor: what is sealed with it is refused from then on."""
    path = _file(file)
    keys = load_device_keys(path)
    own = dict(keys.get(device, {}))
    if number not in own:
        has = f"its keys are {', '.join(map(str, own))}" if own else "it has none"
        raise DeviceKeyError(f"{device} has no key {number}: {has}")
    del own[number]
    if not own and not last:
        raise DeviceKeyError(
            f"key {number} is the only one of {device}: without it, plain frames count again",
            hint="Add the next key first, or say --last.",
        )
    others = {name: those for name, those in keys.items() if name != device}
    _write(path, {**others, device: own} if own else others)
    typer.echo(f"{device}  key {number} removed")


def _file(given: Path | None) -> Path:
    path = given or load_settings().device_key_file
    if path is None:
        raise SettingsError("which file of keys is not known", hint="Give --file or PARKING_DEVICE_KEY_FILE.")
    return path


def _write(path: Path, keys: Mapping[str, Mapping[int, bytes]]) -> None:
    """Put this in the file's place; what could not be read back is not written."""
    text = device_keys_text(keys)
    parse_device_keys(text, path)
    replace_private(path, text)
