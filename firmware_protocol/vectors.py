"""Our published test vectors, and frames as the plain fields that the vectors use."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firmware_protocol.codec import decode, decode_bundle, encode, encode_bundle, is_bundle
from firmware_protocol.commands import Command, decode_command, encode_command, is_command
from firmware_protocol.frames import (
    AckFrame,
    Bundle,
    BundleEntry,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    State,
    StateFrame,
    Tlv,
)
from firmware_protocol.sealed import Sealed, is_sealed, split

_MEANINGS: Final = ("frame", "bundle", "command", "sealed", "error")
VECTORS_FILE: Final = Path(__file__).with_name("vectors.json")


@dataclass(frozen=True, slots=True)
class Vector:
    """Bytes and what they mean: the fields of a frame, bundle, command or sealed frame, or an error code.

    `canonical` says that an encoder given the fields writes these bytes. `secret` is what only sealed frames
    have: the key, the device and the intermediate values of their MAC.
    """

    name: str
    clause: str
    data: bytes
    canonical: bool
    expected: Mapping[str, Any]
    secret: Mapping[str, str] | None = None


def load(path: Path = VECTORS_FILE) -> Iterator[Vector]:
    """The vectors of a file, by default ours."""
    for row in json.loads(path.read_text("utf-8"))["vectors"]:
        expected = {key: row[key] for key in _MEANINGS if key in row}
        canonical = row.get("canonical", True)
        data = bytes.fromhex(row["hex"])
        yield Vector(row["name"], row["clause"], data, canonical, expected, row.get("secret"))


def describe(data: bytes) -> dict[str, Any]:
    """What these bytes mean, in the form of a vector's `expected`."""
    try:
        if is_bundle(data):
            return {"bundle": bundle_fields(decode_bundle(data))}
        if is_command(data):
            return {"command": command_fields(decode_command(data))}
        if is_sealed(data):
            return {"sealed": sealed_fields(split(data))}
        return {"frame": frame_fields(decode(data))}
    except FrameError as error:
        return {"error": error.code}


def rewritten(data: bytes) -> bytes:
    """What an encoder makes of decoded bytes, of all but sealed frames; raises FrameError."""
    if is_bundle(data):
        return encode_bundle(decode_bundle(data))
    if is_command(data):
        return encode_command(decode_command(data))
    return encode(decode(data))


def frame_fields(frame: Frame) -> dict[str, Any]:
    """A frame as JSON values; the battery in whole millivolts, TLV values in hex."""
    fields: dict[str, Any] = {"type": frame.type.name.lower(), "boot": frame.boot}
    if isinstance(frame, AckFrame):
        return fields | {"command": frame.command, "outcome": frame.outcome, "tlvs": _tlv_rows(frame.tlvs)}
    if isinstance(frame, StateFrame):
        fields |= {
            "state": frame.state.name.lower(),
            "seq": frame.seq,
            "age_s": frame.age_s,
            "previous_s": frame.previous_s,
        }
    return fields | {
        "battery_mv": None if frame.battery_v is None else round(frame.battery_v * 1000),
        "temperature_c": frame.temperature_c,
        "battery_low": frame.battery_low,
        "calibrating": frame.calibrating,
        "tlvs": _tlv_rows(frame.tlvs),
    }


def command_fields(command: Command) -> dict[str, Any]:
    """A command as JSON values; numbers as they are, since a later version may have more of them."""
    return {"id": command.id, "operation": command.operation, "tlvs": _tlv_rows(command.tlvs)}


def command_from_fields(fields: Mapping[str, Any]) -> Command:
    """The command that `command_fields` wrote."""
    return Command(id=fields["id"], operation=fields["operation"], tlvs=_tlvs(fields["tlvs"]))


def sealed_fields(sealed: Sealed) -> dict[str, Any]:
    """The parts of a sealed frame as JSON values, not verified."""
    return {
        "key": sealed.key,
        "counter": sealed.counter,
        "body": sealed.body.hex(),
        "mac": sealed.mac.hex(),
    }


def bundle_fields(bundle: Bundle) -> dict[str, Any]:
    """A bundle as JSON values; a bad entry has an error code in place of a frame."""
    return {
        "entries": [_entry_fields(entry) for entry in bundle.entries],
        "tlvs": _tlv_rows(bundle.tlvs),
        "error": bundle.error.code if bundle.error else None,
    }


def frame_from_fields(fields: Mapping[str, Any]) -> Frame:
    """The frame that `frame_fields` wrote."""
    if fields["type"] == "ack":
        command, outcome = fields["command"], fields["outcome"]
        return AckFrame(boot=fields["boot"], command=command, outcome=outcome, tlvs=_tlvs(fields["tlvs"]))
    battery_mv = fields["battery_mv"]
    common: dict[str, Any] = {
        "boot": fields["boot"],
        "battery_v": None if battery_mv is None else battery_mv / 1000,
        "temperature_c": fields["temperature_c"],
        "battery_low": fields["battery_low"],
        "calibrating": fields["calibrating"],
        "tlvs": _tlvs(fields["tlvs"]),
    }
    if fields["type"] == "health":
        return HealthFrame(**common)
    return StateFrame(
        type=FrameType[fields["type"].upper()],
        state=State[fields["state"].upper()],
        seq=fields["seq"],
        age_s=fields["age_s"],
        previous_s=fields["previous_s"],
        **common,
    )


def bundle_from_fields(fields: Mapping[str, Any]) -> Bundle:
    """The bundle that `bundle_fields` wrote; only one without errors has all that it takes."""
    return Bundle(
        tuple(
            BundleEntry(entry["device"], entry["delay_s"], frame_from_fields(entry["frame"]))
            for entry in fields["entries"]
        ),
        _tlvs(fields["tlvs"]),
    )


def _entry_fields(entry: BundleEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {"device": entry.device, "delay_s": entry.delay_s}
    if isinstance(entry.frame, FrameError):
        return fields | {"error": entry.frame.code}
    return fields | {"frame": frame_fields(entry.frame)}


def _tlv_rows(tlvs: tuple[Tlv, ...]) -> list[list[Any]]:
    return [[tlv.type, tlv.value.hex()] for tlv in tlvs]


def _tlvs(rows: list[list[Any]]) -> tuple[Tlv, ...]:
    return tuple(Tlv(kind, bytes.fromhex(value)) for kind, value in rows)
