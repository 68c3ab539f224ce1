"""Recordings of frames: lines of hex digits, or of JSON with what is known of each message."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from firmware_protocol.conformance.notes import Heard
from parking.errors import RecordingError


class _Line(msgspec.Struct, omit_defaults=True):
    payload_hex: str
    topic: str | None = None
    device: str = ""
    received_at: float | str | None = None
    qos: int | None = None
    retained: bool | None = None
    five: bool = False
    expiry_s: int | None = None
    expiry_property: str | None = None


_LINE: Final = msgspec.json.Decoder(_Line)


def read_recording(source: str) -> Iterator[Heard]:
    """The messages of a file, `-` for standard input. Raises RecordingError that names the line and the rule.

    Empty lines and those that begin with # are passed over.
    """
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                text = line.strip()
                if text and not text.startswith(b"#"):
                    yield _read(text, number)
    except OSError as error:
        raise RecordingError(
            f"{source} cannot be read: {error.strerror}",
            hint="Give a file of frames, or a topic filter such as 'parking/v1/+/bay/ps-0001a7/#'.",
        ) from error


def recorded(heard: Heard) -> str:
    """The line that `read_recording` reads as this message."""
    line = _Line(
        payload_hex=heard.payload.hex(),
        topic=heard.topic,
        device=heard.device,
        received_at=heard.at,
        qos=heard.qos,
        retained=heard.retained,
        five=heard.five,
        expiry_s=heard.expiry_s,
        expiry_property=heard.expiry_property,
    )
    return msgspec.json.encode(line).decode()


def _read(text: bytes, number: int) -> Heard:
    if not text.startswith(b"{"):
        return Heard(number=number, payload=_bytes(text.decode("ascii", "replace"), number))
    try:
        line = _LINE.decode(text)
    except msgspec.MsgspecError as error:
        raise RecordingError(f"line {number}: {error}") from None
    return Heard(
        number=number,
        payload=_bytes(line.payload_hex, number),
        device=line.device,
        topic=line.topic,
        at=_time(line.received_at, number),
        qos=line.qos,
        retained=line.retained,
        five=line.five,
        expiry_s=line.expiry_s,
        expiry_property=line.expiry_property,
    )


def _bytes(text: str, number: int) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise RecordingError(f"line {number}: {text[:40]!r} is not pairs of hex digits: {error}") from None


def _time(value: float | str | None, number: int) -> float | None:
    """Unix seconds, from such or from RFC 3339."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise RecordingError(f"line {number}: received_at {value!r} is not a time of RFC 3339") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
