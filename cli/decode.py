"""The body of `parking decode`: what the ingestor would make of each message, without broker or database.

One JSON line in, one JSON line out, in the same order, whatever the line holds.

In: `topic` and `payload` (text, or the JSON value itself) or `payload_hex`; `codec` beside a topic overrides
the registry's; `codec` (and `fport`) without a topic means the bare bytes of a device, whose `device` is then
null in the answer. `path` instead of a topic means a camera's message as it is posted, with its
`content_type` and, if the registry knows it, its `camera`. `retained` is the flag of an MQTT message.
`received_at` is by default now. Unknown keys are passed over.
"""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import msgspec
import typer

from ingest.adapters import cameras, checks, lorawan
from ingest.adapters.base import Ignored, Notice, Uplink
from ingest.adapters.codecs import CODECS
from ingest.authentic import NO_KEYS, Verifier
from ingest.decode import decode
from ingest.decoded import Decoded, Directory
from parking.clock import CameraClock
from parking.device_keys import load_device_keys
from parking.errors import Rejection
from parking.model import BayObservation, Observation, Occupancy
from parking.registry import Codecs, camera_clocks, load_registry

_OCCUPIED: Final = {Occupancy.OCCUPIED: True, Occupancy.VACANT: False, Occupancy.UNKNOWN: None, None: None}


class _Line(msgspec.Struct):
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")
    payload_hex: str | None = None
    codec: str | None = None
    fport: checks.Port | None = None
    received_at: str | None = None
    path: str | None = None
    content_type: str | None = None
    camera: checks.Id | None = None
    retained: bool = False


_LINE: Final = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class _Always:
    """A registry in which every device has one codec."""

    name: str | None

    def codec(self, device: str) -> str | None:
        return self.name


def decode_command(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input by default", exists=True, dir_okay=False)
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(
            help="registry file: which device has which codec, how far to trust cameras' clocks", exists=True
        ),
    ] = None,
    device_keys: Annotated[
        Path | None,
        typer.Option(
            envvar="PARKING_DEVICE_KEY_FILE",
            help="keys of the sensors that seal their frames; counters are not judged",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Say what the ingestor would make of messages. Needs no broker and no database.

    Each line is {"topic"?, "payload"? | "payload_hex"?, "codec"?, "fport"?, "received_at"?}, or, for what a
    camera posts, {"path", "content_type"?, "camera"?, "payload"? | "payload_hex"?}; each answer is
    {"observations": [...], "rejected": null | {"code", "detail"}}.

    Example: echo '{"codec": "bosch-tps110", "fport": 1, "payload_hex": "01"}' | parking decode
    """
    loaded = load_registry(registry) if registry else None
    known = Codecs(loaded) if loaded else None
    clocks = camera_clocks(loaded) if loaded else cameras.NO_CLOCKS
    with file.open("rb") if file else contextlib.nullcontext(sys.stdin.buffer) as lines:
        verifier = Verifier(load_device_keys(device_keys)) if device_keys else NO_KEYS
        raise typer.Exit(run(lines, sys.stdout, known, clocks, verifier))


def run(
    lines: Iterable[str | bytes],
    out: TextIO,
    registry: Directory | None = None,
    clocks: Mapping[str, CameraClock] = cameras.NO_CLOCKS,
    verifier: Verifier = NO_KEYS,
) -> int:
    """Answer every line; the exit code is 0, since a rejection is an answer too.

    Without a registry, a device is known only where the line names its codec. A line that cannot be read is
    answered by a rejection with the code `bad_input`, which names the line and the field.
    """
    for number, line in enumerate(lines, 1):
        try:
            answer = _answer(_read(line), registry or _Always(None), clocks, verifier)
        except Rejection as problem:
            answer = {"observations": [], "rejected": _rejected(_at_line(problem, number))}
        out.write(msgspec.json.encode(answer).decode() + "\n")
        out.flush()
    return 0


def _read(line: str | bytes) -> _Line:
    if isinstance(line, str):
        line = line.encode("utf-8", "surrogateescape")
    if not line.strip():
        raise Rejection("bad_input", "the line is empty")
    read = checks.parse_json(line, _LINE)
    if read.topic is None and read.codec is None and read.path is None:
        raise Rejection("bad_input", "topic is missing, and codec and path too: one of them is needed")
    return read


def _answer(
    line: _Line, registry: Directory, clocks: Mapping[str, CameraClock], verifier: Verifier
) -> dict[str, Any]:
    payload = _payload(line)
    received_at = (
        checks.parse_time(line.received_at, "received_at") if line.received_at else datetime.now(UTC)
    )
    if line.topic is not None:
        decoded = decode(
            line.topic,
            payload,
            received_at=received_at,
            directory=registry if line.codec is None else _Always(line.codec),
            retained=line.retained,
            clocks=clocks,
            verifier=verifier,
        )
    elif line.path is not None:
        decoded = _posted(line, payload, received_at, clocks)
    else:
        decoded = _bare(line, payload, received_at)
    return _shown(decoded)


def _payload(line: _Line) -> bytes:
    raw = bytes(line.payload)
    if (raw != b"null") == (line.payload_hex is not None):
        raise Rejection("bad_input", "exactly one of payload and payload_hex is needed")
    if line.payload_hex is None:
        return msgspec.json.decode(raw, type=str).encode() if raw.startswith(b'"') else raw
    try:
        return bytes.fromhex(line.payload_hex)
    except ValueError as error:
        raise Rejection("bad_input", f"payload_hex is not hexadecimal: {error}") from None


def _bare(line: _Line, payload: bytes, received_at: datetime) -> Decoded:
    try:
        uplink = Uplink(device="", payload=payload, fport=line.fport)
        found = lorawan.observe(uplink, codec=line.codec, codecs=CODECS, received_at=received_at)
    except Rejection as rejection:
        return Decoded(rejections=(rejection,))
    return Decoded(observations=found)


def _posted(line: _Line, payload: bytes, received_at: datetime, clocks: Mapping[str, CameraClock]) -> Decoded:
    try:
        read = cameras.read(
            payload,
            received_at=received_at,
            camera=line.camera,
            content_type=line.content_type,
            hint=line.path,
            clocks=clocks,
        )
    except Rejection as rejection:
        return Decoded(rejections=(rejection,))
    return Decoded(ignored=read.reason) if isinstance(read, Ignored) else Decoded(observations=read)


def _at_line(problem: Rejection, number: int) -> Rejection:
    return Rejection("bad_input", f"line {number}: {problem.detail}")


def _shown(decoded: Decoded) -> dict[str, Any]:
    rejected = [_rejected(rejection) for rejection in decoded.rejections]
    answer: dict[str, Any] = {
        "observations": [_observation(observation) for observation in decoded.observations],
        "rejected": rejected[0] if rejected else None,
    }
    if len(rejected) > 1:
        answer["rejections"] = rejected
    if decoded.ignored is not None:
        answer["ignored"] = decoded.ignored
    if decoded.uplink is not None:
        answer["uplink"] = _uplink(decoded.uplink)
    if decoded.notice is not None:
        answer["notice"] = _notice(decoded.notice)
    return answer


def _rejected(rejection: Rejection) -> dict[str, str]:
    return {"code": rejection.code, "detail": rejection.detail}


def _observation(seen: Observation) -> dict[str, Any]:
    if isinstance(seen, BayObservation):
        return _bay(seen)
    return {
        "kind": "plate",
        "camera": seen.camera,
        "direction": seen.direction,
        **({"motion": seen.motion} if seen.motion else {}),
        "confidence": seen.confidence,
        "event_at": _time(seen.event_at),
        "plate": seen.plate,
        "event_id": seen.event_id,
    }


def _bay(seen: BayObservation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": "bay",
        "device": seen.device or None,
        "occupied": _OCCUPIED[seen.state],
        "event_at": _time(seen.event_at),
        "seq": seen.seq,
        "session": seen.session,
        "part": seen.part,
        "event": seen.kind,
        "age_s": seen.age_s,
    }
    if seen.fault:
        shown["fault"] = True
    return shown | _given(
        seen,
        "previous_s",
        "battery_v",
        "battery_pct",
        "battery_low",
        "temperature_c",
        "firmware",
        "reset_cause",
        "margin_db",
        "heartbeat_s",
        "health",
    )


def _given(value: object, *names: str) -> dict[str, Any]:
    """Those of the attributes that are not None."""
    values = {name: getattr(value, name) for name in names}
    return {name: one for name, one in values.items() if one is not None}


def _uplink(uplink: Uplink) -> dict[str, Any]:
    """The envelope's own words; what this network server does not have is left out."""
    shown: dict[str, Any] = {"dev_eui": uplink.dev_eui} | _given(uplink, "device_id")
    shown |= {
        "fport": uplink.fport,
        "fcnt": uplink.fcnt,
        "payload_hex": uplink.payload.hex(),
    }
    if uplink.received_ms is None:
        shown["received_at"] = uplink.received_text
    else:
        shown["received_at_ms"] = uplink.received_ms
    return shown | {"n_gateways": uplink.n_gateways} | _given(uplink, "dedup_id", "cmd", "late")


def _notice(notice: Notice) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": notice.kind, "device": notice.device}
    if notice.at is not None:
        shown["at"] = _time(notice.at)
    if notice.external_power:
        shown["external_power"] = True
    return shown | _given(notice, "session", "level", "code", "text", "battery_pct", "margin_db")


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
