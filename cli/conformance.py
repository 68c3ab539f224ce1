"""`parking conformance`: does a device keep the SPEC? From a recording, or from what the broker brings."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer

from cli.recording import read_recording, recorded
from cli.spans import span
from firmware_protocol.conformance.judge import Judge, Verify
from firmware_protocol.conformance.notes import Heard, Judgement
from parking.errors import Rejection, SettingsError
from parking.settings import Settings, load_settings

_MARKS: Final = {
    "violated": ("VIOLATED  ", "red"),
    "advice": ("advice    ", "yellow"),
    "passed": ("passed    ", "green"),
    "not judged": ("not judged", "bright_black"),
}


def conformance(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TOPIC",
            help="a file of frames (JSON lines or hex digits, - for standard input), or a topic filter",
        ),
    ],
    lasts: Annotated[
        str,
        typer.Option(
            "--for", metavar="SPAN", help="TOPIC: how long to listen: 10m, 12h; a number alone is seconds"
        ),
    ] = "1m",
    heartbeat: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="the interval, where the device does not tell it")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=3600, help="seconds that the network may take")
    ] = 2.0,
    save: Annotated[Path | None, typer.Option(help="TOPIC: keep what is heard, as a FILE for later")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the verdicts as JSON")] = False,
) -> None:
    """Tell clause by clause what a device does wrong, what it does right, and what could not be judged.

    A line of FILE is hex digits, or {"payload_hex", "topic"?, "device"?, "received_at"?, "qos"?, "retained"?,
    "five"?, "expiry_s"?, "expiry_property"?}. Times make it possible to judge ages and heartbeats.

    Ends with 1 if a MUST is violated. With PARKING_DEVICE_KEY_FILE the MACs of sealed frames are judged, too.

    Example: parking conformance 'parking/v1/+/bay/ps-0001a7/#' --for 10m
    """
    settings = load_settings()
    seconds = span("for", lasts, bare="s", most_s=30 * 86_400)
    judge = Judge(tolerance_s=tolerance, heartbeat_s=heartbeat, verify=_verifier(settings))
    end = None
    if "/" in source and not Path(source).exists():
        end = asyncio.run(_listen(settings, source, seconds, judge, save))
    else:
        for heard in read_recording(source):
            judge.take(heard)
    judgements = judge.finish(end)
    violated = any(judgement.verdict == "violated" for judgement in judgements)
    if as_json:
        typer.echo(json.dumps(_document(judge, judgements, conformant=not violated)))
    else:
        _show(judge, judgements)
    raise typer.Exit(1 if violated else 0)


def _verifier(settings: Settings) -> Verify:
    """Whether a sealed frame's MAC is right, where we have the device's key."""
    if settings.device_key_file is None:
        return lambda device, payload: None
    from ingest.authentic import Verifier
    from parking.device_keys import load_device_keys

    verifier = Verifier(load_device_keys(settings.device_key_file))

    def verify(device: str, payload: bytes) -> bool | None:
        if not verifier.must_seal(device):
            return None
        try:
            verifier.open(device, payload)
        except Rejection:
            return False
        return True

    return verify


async def _listen(settings: Settings, topic: str, seconds: float, judge: Judge, save: Path | None) -> float:
    """Judge what comes for so long; gives the time at the end."""
    from cli.mqtt import broker

    keep = _opened(save)
    try:
        async with broker(settings) as connection:
            shows_qos = await connection.shows_qos()
            await connection.subscribe(topic)
            typer.echo(f"Listening to {topic} for {seconds:g} s ...", err=True)
            number = 0
            try:
                async with asyncio.timeout(seconds):
                    async for message in connection.client.messages:
                        number += 1
                        heard = _heard(message, number, five=connection.five, shows_qos=shows_qos)
                        judge.take(heard)
                        if keep is not None:
                            keep.write(recorded(heard) + "\n")
            except TimeoutError:
                return time.time()
    finally:
        if keep is not None:
            keep.close()
    return time.time()


def _opened(save: Path | None) -> TextIO | None:
    if save is None:
        return None
    try:
        return save.open("w", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--save {save} cannot be written: {error.strerror}") from error


def _heard(message: Any, number: int, *, five: bool, shows_qos: bool) -> Heard:
    user = dict(getattr(message.properties, "UserProperty", ())) if message.properties else {}
    return Heard(
        number=number,
        payload=bytes(message.payload or b""),
        topic=str(message.topic),
        at=time.time(),
        qos=message.qos if shows_qos else None,
        # Only MQTT 5 leaves the flag as its publisher set it.
        retained=bool(message.retain) if five else None,
        five=five,
        expiry_s=getattr(message.properties, "MessageExpiryInterval", None) if message.properties else None,
        expiry_property=user.get("expiry"),
    )


def _show(judge: Judge, judgements: list[Judgement]) -> None:
    devices = [name or "a device without a name" for name in judge.devices]
    shown = ", ".join(devices[:5]) + (f" and {len(devices) - 5} more" if len(devices) > 5 else "")
    typer.echo(f"{judge.frames} frames of {len(devices)} devices: {shown or 'none'}")
    for judgement in judgements:
        mark, colour = _MARKS[judgement.verdict]
        why = f" ({judgement.why})" if judgement.verdict == "not judged" else ""
        clause = judgement.clause
        typer.echo(f"{typer.style(mark, fg=colour)}  {clause.name:<4}  {clause.about}{why}")
        for line in _findings(judgement):
            typer.echo(f"                  {line}")
    typer.echo(_summary(judgements))


def _findings(judgement: Judgement) -> Iterator[str]:
    for finding in judgement.findings:
        level = "" if finding.must else "SHOULD: "
        whose = f"{finding.device}, " if finding.device else ""
        yield f"{whose}line {finding.number}: {level}{finding.says}"
    more = judgement.total - len(judgement.findings)
    if more > 0:
        yield f"and {more} more"


def _summary(judgements: list[Judgement]) -> str:
    names: dict[str, list[str]] = {}
    for judgement in judgements:
        names.setdefault(judgement.verdict, []).append(judgement.clause.name)
    if "violated" in names:
        return f"It violates {', '.join(names['violated'])} of firmware_protocol/SPEC.md."
    count = len(names.get("passed", [])) + len(names.get("advice", []))
    if count == 0:
        return "Nothing was heard that could be judged."
    return f"It keeps the {count} clauses that could be judged."


def _document(judge: Judge, judgements: list[Judgement], *, conformant: bool) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "frames": judge.frames,
        "devices": judge.devices,
        "conformant": conformant,
        "clauses": [judgement.document() for judgement in judgements],
    }
