"""`parking device configure` and `models`: what a sensor can be told from afar, as bytes, and on its way."""

import json
from base64 import b64encode
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from ingest.downlinks import delivery
from ingest.downlinks.base import Downlink, Model
from ingest.downlinks.delivery import Delivery
from ingest.downlinks.models import MODELS, find_model
from parking.errors import DownlinkError, Rejection


class Server(StrEnum):
    """Who brings a downlink to the device."""

    OURS = "parking"
    THINGS_STACK = "things-stack"
    CHIRPSTACK = "chirpstack"


def _known() -> str:
    """What each model can be told, for the help: one line a setting, or one for all where they are codes."""
    lines = []
    for model in MODELS.values():
        told = [setting for setting in model.settings if setting.help]
        lines.append(f"{model.name}{' (all at once)' if model.whole else ''}")
        lines += [
            f"  {setting.rule}{', or heartbeat' if setting.heartbeat else ''}: {setting.help}"
            for setting in told
        ]
        if not told:
            lines.append(f"  {len(model.settings)} settings by number; `parking device models` names them")
    return "\n".join(lines)


# The character makes click keep the lines that follow as they are.
HELP = f"""Print the downlink that sets something of a sensor, and with --send publish it.

A value is a number in the setting's unit, or with a unit (30min, 4h). `heartbeat`, in seconds or with a unit,
is the interval of reports of any model that has one.

Example: parking device configure dingtek-do200 --set heartbeat=5h --server chirpstack --application a1
--device 70b3d5e75e0000a1 --send

What each model understands:

\b
{_known()}
"""

ModelName = Annotated[str, typer.Argument(help=f"one of {', '.join(MODELS)}")]


def models(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """List what each model can be told, with limits and units. The names in brackets are the makers'."""
    if as_json:
        typer.echo(json.dumps({name: _table(model) for name, model in MODELS.items()}, indent=2))
        return
    for model in MODELS.values():
        typer.echo(f"{model.name} (codec {model.codec}){': all at once' if model.whole else ''}")
        for setting in model.settings:
            typer.echo(f"  {setting.rule} [{setting.vendor}] {setting.help}".rstrip())


def configure(
    model: ModelName,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE; may be given several times")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="ask the device for its settings instead")] = False,
    base: Annotated[
        str | None, typer.Option(help="settings that the device has now (hexadecimal), to be changed")
    ] = None,
    explain: Annotated[str | None, typer.Option(help="say what this downlink (hexadecimal) does")] = None,
    port: Annotated[int | None, typer.Option(help="its LoRaWAN port, for --explain")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="answer as JSON")] = False,
    server: Annotated[Server | None, typer.Option(help="who brings it to the device")] = None,
    site: Annotated[str | None, typer.Option(help="its site (parking)")] = None,
    application: Annotated[str | None, typer.Option(help="things-stack, chirpstack")] = None,
    tenant: Annotated[str, typer.Option(help="things-stack")] = "ttn",
    device: Annotated[str | None, typer.Option(help="its id at the server")] = None,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="the device must acknowledge")] = False,
    send: Annotated[
        bool, typer.Option("--send", help="publish it at the broker of PARKING_MQTT_URL")
    ] = False,
) -> None:
    """Print the downlink that sets something, and with --send publish it."""
    known = find_model(model)
    if explain is not None:
        downlinks = [_explained(known, explain, port)]
    else:
        downlinks = _asked(known, values) if ask else _made(known, values or [], base)
    messages: list[Delivery] = []
    if server is not None:
        names = {"site": site, "application": application, "tenant": tenant, "device": device}
        messages = _deliver(server, downlinks, names, confirmed=confirmed)
    elif send:
        raise DownlinkError("--send needs to know who brings it", hint=f"--server {'|'.join(Server)}")
    _print(known, downlinks, messages, as_json=as_json)
    if send:
        _send(messages, as_json=as_json)


def _table(model: Model) -> dict[str, Any]:
    names = ("name", "vendor", "low", "high", "step", "unit", "heartbeat", "help")
    return {
        "codec": model.codec,
        "all_at_once": model.whole,
        "can_be_asked": model.ask is not None,
        "settings": [{name: getattr(setting, name) for name in names} for setting in model.settings],
    }


def _bytes(text: str, name: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise DownlinkError(f"{name} is not hexadecimal: {error}") from error


def _explained(model: Model, text: str, port: int | None, name: str = "--explain") -> Downlink:
    try:
        return model.decode(_bytes(text, name), port)
    except Rejection as rejection:
        raise DownlinkError(f"{name} is no downlink of {model.name}: {rejection.detail}") from rejection


def _asked(model: Model, values: Sequence[str] | None) -> list[Downlink]:
    if values:
        raise DownlinkError("--ask and --set exclude each other")
    if model.ask is None:
        raise DownlinkError(f"{model.name} cannot be asked for its settings")
    return [model.ask]


def _made(model: Model, values: Sequence[str], base: str | None) -> list[Downlink]:
    texts: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise DownlinkError(f"--set {value!a} is not NAME=VALUE")
        if name in texts:
            raise DownlinkError(f"{name} is given twice")
        texts[name] = text
    given = model.read(texts)
    if not given:
        known = ", ".join(setting.name for setting in model.settings)
        raise DownlinkError("Nothing is to be set", hint=f"--set NAME=VALUE; {model.name} has {known}.")
    now = {} if base is None else dict(_explained(model, base, None, "--base").values)
    return list(model.encode(model.complete({**now, **given})))


def _deliver(
    server: Server, downlinks: Sequence[Downlink], names: dict[str, str | None], *, confirmed: bool
) -> list[Delivery]:
    needed = {
        Server.OURS: ("site", "device"),
        Server.THINGS_STACK: ("application", "tenant", "device"),
        Server.CHIRPSTACK: ("application", "device"),
    }[server]
    given = {name: value for name in needed if (value := names[name]) is not None}
    missing = [f"--{name}" for name in needed if name not in given]
    if missing:
        raise DownlinkError(f"--server {server} needs {' and '.join(missing)}")
    if server is Server.OURS:
        return delivery.ours(downlinks, **given)
    if server is Server.THINGS_STACK:
        return delivery.things_stack(downlinks, confirmed=confirmed, **given)
    return delivery.chirpstack(downlinks, confirmed=confirmed, **given)


def _print(
    model: Model, downlinks: Sequence[Downlink], messages: Sequence[Delivery], *, as_json: bool
) -> None:
    if as_json:
        shown = {
            "model": model.name,
            "downlinks": [_shown(downlink) for downlink in downlinks],
            "messages": [_message(message) for message in messages],
        }
        typer.echo(json.dumps(shown, indent=2))
        return
    for downlink in downlinks:
        told = ", ".join(_value(model, name, value) for name, value in downlink.values.items())
        typer.echo(told or "asks for the settings")
        typer.echo(f"  port {downlink.port}, {len(downlink.payload)} bytes: {downlink.payload.hex()}")
        typer.echo(f"  base64: {b64encode(downlink.payload).decode()}")
    for message in messages:
        typer.echo(f"{message.topic}\n  {_message(message)['payload']}")


def _value(model: Model, name: str, value: float) -> str:
    unit = model.setting(name).unit
    return f"{name} = {value:g}{' ' + unit if unit else ''}"


def _shown(downlink: Downlink) -> dict[str, Any]:
    return {
        "port": downlink.port,
        "payload_hex": downlink.payload.hex(),
        "payload_base64": b64encode(downlink.payload).decode(),
        "sets": downlink.values,
        "asks": not downlink.values,
    }


def _message(message: Delivery) -> dict[str, str]:
    """JSON as it is; bytes in hexadecimal."""
    text = message.payload.hex() if message.binary else message.payload.decode()
    return {"topic": message.topic, "payload": text}


def _send(messages: Sequence[Delivery], *, as_json: bool) -> None:
    from cli.broker import publish
    from parking.settings import load_settings

    publish(load_settings(), [(message.topic, message.payload) for message in messages])
    typer.echo(f"sent: {len(messages)} messages; the broker has acknowledged them", err=as_json)
