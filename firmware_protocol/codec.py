"""Bytes to frames and back: pure, total on hostile bytes, and quick, since every uplink passes here."""

import math
import re
from typing import Final

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
)
from firmware_protocol.layout import (
    ACK_SIZE,
    ACK_STRUCT,
    BATTERY_BASE_MV,
    BATTERY_STEP_MV,
    BATTERY_UNKNOWN,
    BUNDLE_HEADER_SIZE,
    BUNDLE_STRUCT,
    FLAG_BATTERY_LOW,
    FLAG_CALIBRATING,
    FLAG_PREVIOUS_KNOWN,
    HEALTH_SIZE,
    HEALTH_STRUCT,
    MAX_BUNDLE_COUNT,
    MAX_BUNDLE_SIZE,
    MAX_DEVICE_SIZE,
    MAX_FRAME_SIZE,
    STATE_MASK,
    STATE_SIZE,
    STATE_STRUCT,
    TEMPERATURE_UNKNOWN,
    VERSION,
    pack_duration,
    unpack_duration,
)
from firmware_protocol.tlvs import decode_tlvs, encode_tlvs, within

_HEADS: Final = frozenset(VERSION << 4 | kind for kind in FrameType)
_STATE_HEADS: Final = {
    VERSION << 4 | kind: kind for kind in (FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT)
}
_HEALTH_HEAD: Final = VERSION << 4 | FrameType.HEALTH
_BUNDLE_HEAD: Final = VERSION << 4 | FrameType.BUNDLE
_ACK_HEAD: Final = VERSION << 4 | FrameType.ACK
_ELSEWHERE: Final = {
    _BUNDLE_HEAD: "a bundle, where one frame is expected",
    VERSION << 4 | FrameType.SEALED: "a sealed frame, which is to be verified first",
    VERSION << 4 | FrameType.COMMAND: "a command, which no device sends",
}
_STATES: Final = tuple(State)
_VOLTS: Final = (*((BATTERY_BASE_MV + BATTERY_STEP_MV * n) / 1000 for n in range(BATTERY_UNKNOWN)), None)
_DEVICE: Final = re.compile(rb"[a-z0-9._-]{1,32}")
_ENTRY_OVERHEAD: Final = 3  # delay u16 and frame length u8, behind the device id


def decode(data: bytes) -> Frame:
    """One frame that a device sends, from its bytes; raises FrameError, never anything else.

    Bundles, sealed frames and commands are read elsewhere: here they are a `bad_type`.
    """
    size = len(data)
    kind = _STATE_HEADS.get(data[0]) if size else None
    if kind is None:
        return _decode_other(data)
    if size != STATE_SIZE:
        check_size(size, STATE_SIZE)
    _, flags, boot, seq, age, previous, battery, temperature = STATE_STRUCT.unpack_from(data)
    return StateFrame(
        type=kind,
        state=_STATES[flags & STATE_MASK],
        boot=boot,
        seq=seq,
        age_s=age if age < 0x8000 else unpack_duration(age),
        previous_s=unpack_duration(previous) if flags & FLAG_PREVIOUS_KNOWN else None,
        battery_v=_VOLTS[battery],
        temperature_c=temperature if temperature != TEMPERATURE_UNKNOWN else None,
        battery_low=flags & FLAG_BATTERY_LOW != 0,
        calibrating=flags & FLAG_CALIBRATING != 0,
        tlvs=decode_tlvs(data, STATE_SIZE) if size > STATE_SIZE else (),
    )


def decode_bundle(data: bytes) -> Bundle:
    """Every entry of a gateway's bundle, each a frame or its error; raises FrameError if it is no bundle.

    What a broken entry or tail hides is in the bundle's `error`; the entries before it are kept.
    """
    if check_head(data) != _BUNDLE_HEAD:
        raise FrameError("bad_type", f"type {data[0] & 15} is not a bundle")
    if len(data) > MAX_BUNDLE_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_BUNDLE_SIZE}")
    if len(data) < BUNDLE_HEADER_SIZE:
        raise FrameError("truncated", f"{len(data)} of {BUNDLE_HEADER_SIZE} bytes")
    entries: list[BundleEntry] = []
    at = BUNDLE_HEADER_SIZE
    try:
        for _ in range(BUNDLE_STRUCT.unpack_from(data)[2]):
            entry, at = _decode_entry(data, at)
            entries.append(entry)
        return Bundle(tuple(entries), decode_tlvs(data, at))
    except FrameError as error:
        return Bundle(tuple(entries), (), error.with_traceback(None))


def encode(frame: Frame) -> bytes:
    """The bytes of one frame; raises FrameError if a field does not fit.

    A duration, voltage or temperature beyond its range is held at the range's end.
    """
    if isinstance(frame, StateFrame):
        fixed = _encode_state(frame)
    elif isinstance(frame, HealthFrame):
        fixed = _encode_health(frame)
    else:
        command, outcome = (
            within(frame.command, 0xFFFF_FFFF, "command"),
            within(frame.outcome, 0xFF, "outcome"),
        )
        fixed = ACK_STRUCT.pack(_ACK_HEAD, 0, within(frame.boot, 0xFF, "boot"), command, outcome)
    data = fixed + encode_tlvs(frame.tlvs)
    if len(data) > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_FRAME_SIZE}")
    return data


def encode_bundle(bundle: Bundle) -> bytes:
    """The bytes of a bundle; an entry that holds an error is forwarded from its `raw` bytes."""
    count = len(bundle.entries)
    if count > MAX_BUNDLE_COUNT:
        raise FrameError("too_long", f"{count} entries, at most {MAX_BUNDLE_COUNT}")
    parts = [BUNDLE_STRUCT.pack(_BUNDLE_HEAD, 0, count), *map(_encode_entry, bundle.entries)]
    data = b"".join(parts) + encode_tlvs(bundle.tlvs)
    if len(data) > MAX_BUNDLE_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_BUNDLE_SIZE}")
    return data


def is_bundle(data: bytes) -> bool:
    """Whether the first byte announces a bundle of this version."""
    return data[:1] == bytes((_BUNDLE_HEAD,))


def check_head(data: bytes) -> int:
    """The first byte, if it is one of this version; else raises FrameError."""
    if not data:
        raise FrameError("truncated", "no bytes")
    head = data[0]
    if head >> 4 != VERSION:
        raise FrameError("bad_version", f"version {head >> 4}, this is {VERSION}")
    if head not in _HEADS:
        raise FrameError("bad_type", f"type {head & 15} is not known")
    return head


def check_size(size: int, least: int) -> None:
    """Raises FrameError unless a frame can have so many bytes, of which `least` are fixed."""
    if size > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{size} bytes, at most {MAX_FRAME_SIZE}")
    if size < least:
        raise FrameError("truncated", f"{size} of {least} bytes")


def _decode_other(data: bytes) -> HealthFrame | AckFrame:
    head = check_head(data)
    if head in _ELSEWHERE:
        raise FrameError("bad_type", _ELSEWHERE[head])
    return _decode_health(data) if head == _HEALTH_HEAD else _decode_ack(data)


def _decode_health(data: bytes) -> HealthFrame:
    check_size(len(data), HEALTH_SIZE)
    _, flags, boot, battery, temperature = HEALTH_STRUCT.unpack_from(data)
    return HealthFrame(
        boot=boot,
        battery_v=_VOLTS[battery],
        temperature_c=temperature if temperature != TEMPERATURE_UNKNOWN else None,
        battery_low=flags & FLAG_BATTERY_LOW != 0,
        calibrating=flags & FLAG_CALIBRATING != 0,
        tlvs=decode_tlvs(data, HEALTH_SIZE),
    )


def _decode_ack(data: bytes) -> AckFrame:
    check_size(len(data), ACK_SIZE)
    _, _, boot, command, outcome = ACK_STRUCT.unpack_from(data)
    return AckFrame(boot=boot, command=command, outcome=outcome, tlvs=decode_tlvs(data, ACK_SIZE))


def _decode_entry(data: bytes, at: int) -> tuple[BundleEntry, int]:
    behind_device = at + 1 + data[at] if at < len(data) else len(data)
    start = behind_device + _ENTRY_OVERHEAD
    end = start + data[start - 1] if start <= len(data) else len(data) + 1
    if end > len(data):
        raise FrameError("truncated", f"the entry at byte {at} ends behind the last byte")
    device, raw = data[at + 1 : behind_device], data[start:end]
    delay_s = unpack_duration(data[behind_device] << 8 | data[behind_device + 1])
    if not _DEVICE.fullmatch(device):
        error = FrameError("bad_device", f"device id {device[:MAX_DEVICE_SIZE]!r}, {len(device)} bytes")
        return BundleEntry("", delay_s, error, raw), end
    try:
        return BundleEntry(device.decode("ascii"), delay_s, decode(raw), raw), end
    except FrameError as error:
        # A kept traceback would keep the whole payload alive.
        return BundleEntry(device.decode("ascii"), delay_s, error.with_traceback(None), raw), end


def _encode_state(frame: StateFrame) -> bytes:
    return STATE_STRUCT.pack(
        _state_head(frame.type),
        _flags(frame)
        | (frame.previous_s is not None) * FLAG_PREVIOUS_KNOWN
        | within(frame.state, STATE_MASK, "state"),
        within(frame.boot, 0xFF, "boot"),
        within(frame.seq, 0xFFFF, "seq"),
        _pack_seconds(frame.age_s, "age_s"),
        _pack_seconds(frame.previous_s or 0, "previous_s"),
        _pack_battery(frame.battery_v),
        _pack_temperature(frame.temperature_c),
    )


def _encode_health(frame: HealthFrame) -> bytes:
    battery, temperature = _pack_battery(frame.battery_v), _pack_temperature(frame.temperature_c)
    return HEALTH_STRUCT.pack(
        _HEALTH_HEAD, _flags(frame), within(frame.boot, 0xFF, "boot"), battery, temperature
    )


def _flags(frame: StateFrame | HealthFrame) -> int:
    return frame.battery_low * FLAG_BATTERY_LOW | frame.calibrating * FLAG_CALIBRATING


def _encode_entry(entry: BundleEntry) -> bytes:
    device = entry.device.encode("ascii", "replace")
    if not _DEVICE.fullmatch(device):
        raise FrameError("bad_device", f"{entry.device!r}: 1 to {MAX_DEVICE_SIZE} of a-z 0-9 . _ -")
    raw = entry.raw if isinstance(entry.frame, FrameError) else encode(entry.frame)
    if len(raw) > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(raw)} bytes, at most {MAX_FRAME_SIZE}")
    delay = _pack_seconds(entry.delay_s, "delay_s").to_bytes(2, "big")
    return bytes((len(device),)) + device + delay + bytes((len(raw),)) + raw


def _state_head(kind: FrameType) -> int:
    head = VERSION << 4 | kind
    if head not in _STATE_HEADS:
        raise FrameError("bad_type", f"{kind!r} is not the type of a state frame")
    return head


def _pack_seconds(seconds: int, name: str) -> int:
    if seconds < 0:
        raise FrameError("bad_value", f"{name} is {seconds}, below zero")
    return pack_duration(seconds)


def _pack_battery(volts: float | None) -> int:
    if volts is None:
        return BATTERY_UNKNOWN
    if math.isnan(volts):
        raise FrameError("bad_value", "battery_v is not a number")
    step = BATTERY_STEP_MV / 1000
    top = BATTERY_UNKNOWN - 1
    # Clamped before the rounding, since infinity has no integer.
    return round(min(max((volts - BATTERY_BASE_MV / 1000) / step, 0), top))


def _pack_temperature(degrees: int | None) -> int:
    return TEMPERATURE_UNKNOWN if degrees is None else min(max(degrees, TEMPERATURE_UNKNOWN + 1), 127)
