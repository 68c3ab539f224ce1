"""Our published test vectors, and frames as the plain fields that the vectors use."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firmware_protocol.codec import decode, decode_bundle, is_bundle
from firmware_protocol.frames import (
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

VECTORS_FILE: Final = Path(__file__).with_name("vectors.json")


@dataclass(frozen=True, slots=True)
class Vector:
    """Bytes and what they mean: the fields of a frame, those of a bundle, or an error code.

    `canonical` says that an encoder given the fields writes these bytes.
    """

    name: str
    clause: str
    data: bytes
    canonical: bool
    expected: Mapping[str, Any]


def load(path: Path = VECTORS_FILE) -> Iterator[Vector]:
    """The vectors of a file, by default ours."""
    for row in json.loads(path.read_text("utf-8"))["vectors"]:
        expected = {key: row[key] for key in ("frame", "bundle", "error") if key in row}
        yield Vector(
            row["name"], row["clause"], bytes.fromhex(row["hex"]), row.get("canonical", True), expected
        )


def describe(data: bytes) -> dict[str, Any]:
    """What these bytes mean, in the form of a vector's `expected`."""
    try:
        if is_bundle(data):
            return {"bundle": bundle_fields(decode_bundle(data))}
        return {"frame": frame_fields(decode(data))}
    except FrameError as error:
        return {"error": error.code}


def frame_fields(frame: Frame) -> dict[str, Any]:
    """A frame as JSON values; the battery in whole millivolts, TLV values in hex."""
    fields: dict[str, Any] = {"type": frame.type.name.lower(), "boot": frame.boot}
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
        "tlvs": [[tlv.type, tlv.value.hex()] for tlv in frame.tlvs],
    }


def bundle_fields(bundle: Bundle) -> dict[str, Any]:
    """A bundle as JSON values; a bad entry has an error code in place of a frame."""
    return {
        "entries": [_entry_fields(entry) for entry in bundle.entries],
        "tlvs": [[tlv.type, tlv.value.hex()] for tlv in bundle.tlvs],
        "error": bundle.error.code if bundle.error else None,
    }


def frame_from_fields(fields: Mapping[str, Any]) -> Frame:
    """The frame that `frame_fields` wrote."""
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


def _tlvs(rows: list[list[Any]]) -> tuple[Tlv, ...]:
    return tuple(Tlv(kind, bytes.fromhex(value)) for kind, value in rows)
