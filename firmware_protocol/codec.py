"""Bytes to frames and back: pure, total on hostile bytes, and quick, since every uplink passes here."""

import math
import re
from typing import Final

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
from firmware_protocol.layout import (
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
    MAX_TLV_VALUE_SIZE,
    STATE_MASK,
    STATE_SIZE,
    STATE_STRUCT,
    TEMPERATURE_UNKNOWN,
    VERSION,
    pack_duration,
    unpack_duration,
)

_HEADS: Final = {VERSION << 4 | kind: kind for kind in FrameType}
_STATE_HEADS: Final = {
    VERSION << 4 | kind: kind for kind in (FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT)
}
_HEALTH_HEAD: Final = VERSION << 4 | FrameType.HEALTH
_BUNDLE_HEAD: Final = VERSION << 4 | FrameType.BUNDLE
_STATES: Final = tuple(State)
_VOLTS: Final = (*((BATTERY_BASE_MV + BATTERY_STEP_MV * n) / 1000 for n in range(BATTERY_UNKNOWN)), None)
_DEVICE: Final = re.compile(rb"[a-z0-9._-]{1,32}")
_ENTRY_OVERHEAD: Final = 3  # delay u16 and frame length u8, behind the device id


def decode(data: bytes) -> Frame:
    """One frame from the bytes of one; raises FrameError, never anything else. A bundle is not a frame."""
    size = len(data)
    kind = _STATE_HEADS.get(data[0]) if size else None
    if kind is None:
        return _decode_health(data)
    if size != STATE_SIZE:
        _check_size(size, STATE_SIZE)
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
        tlvs=_decode_tlvs(data, STATE_SIZE) if size > STATE_SIZE else (),
    )


def decode_bundle(data: bytes) -> Bundle:
    """Every entry of a gateway's bundle, each a frame or its error; raises FrameError if it is no bundle.

    What a broken entry or tail hides is in the bundle's `error`; the entries before it are kept.
    """
    if _head(data) != _BUNDLE_HEAD:
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
        return Bundle(tuple(entries), _decode_tlvs(data, at))
    except FrameError as error:
        return Bundle(tuple(entries), (), error.with_traceback(None))


def encode(frame: Frame) -> bytes:
    """The bytes of one frame; raises FrameError if a field does not fit.

    A duration, voltage or temperature beyond its range is held at the range's end.
    """
    battery, temperature = _pack_battery(frame.battery_v), _pack_temperature(frame.temperature_c)
    flags = frame.battery_low * FLAG_BATTERY_LOW | frame.calibrating * FLAG_CALIBRATING
    boot = _within(frame.boot, 0xFF, "boot")
    if isinstance(frame, HealthFrame):
        fixed = HEALTH_STRUCT.pack(_HEALTH_HEAD, flags, boot, battery, temperature)
    else:
        if frame.previous_s is not None:
            flags |= FLAG_PREVIOUS_KNOWN
        fixed = STATE_STRUCT.pack(
            _state_head(frame.type),
            flags | _within(frame.state, STATE_MASK, "state"),
            boot,
            _within(frame.seq, 0xFFFF, "seq"),
            _pack_seconds(frame.age_s, "age_s"),
            _pack_seconds(frame.previous_s or 0, "previous_s"),
            battery,
            temperature,
        )
    data = fixed + _encode_tlvs(frame.tlvs)
    if len(data) > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_FRAME_SIZE}")
    return data


def encode_bundle(bundle: Bundle) -> bytes:
    """The bytes of a bundle; an entry that holds an error is forwarded from its `raw` bytes."""
    count = len(bundle.entries)
    if count > MAX_BUNDLE_COUNT:
        raise FrameError("too_long", f"{count} entries, at most {MAX_BUNDLE_COUNT}")
    parts = [BUNDLE_STRUCT.pack(_BUNDLE_HEAD, 0, count), *map(_encode_entry, bundle.entries)]
    data = b"".join(parts) + _encode_tlvs(bundle.tlvs)
    if len(data) > MAX_BUNDLE_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_BUNDLE_SIZE}")
    return data


def is_bundle(data: bytes) -> bool:
    """Whether the first byte announces a bundle of this version."""
    return data[:1] == bytes((_BUNDLE_HEAD,))


def _head(data: bytes) -> int:
    if not data:
        raise FrameError("truncated", "no bytes")
    head = data[0]
    if head >> 4 != VERSION:
        raise FrameError("bad_version", f"version {head >> 4}, this is {VERSION}")
    if head not in _HEADS:
        raise FrameError("bad_type", f"type {head & 15} is not known")
    return head


def _check_size(size: int, least: int) -> None:
    if size > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{size} bytes, at most {MAX_FRAME_SIZE}")
    if size < least:
        raise FrameError("truncated", f"{size} of {least} bytes")


def _decode_health(data: bytes) -> HealthFrame:
    if _head(data) != _HEALTH_HEAD:
        raise FrameError("bad_type", "a bundle, where one frame is expected")
    _check_size(len(data), HEALTH_SIZE)
    _, flags, boot, battery, temperature = HEALTH_STRUCT.unpack_from(data)
    return HealthFrame(
        boot=boot,
        battery_v=_VOLTS[battery],
        temperature_c=temperature if temperature != TEMPERATURE_UNKNOWN else None,
        battery_low=flags & FLAG_BATTERY_LOW != 0,
        calibrating=flags & FLAG_CALIBRATING != 0,
        tlvs=_decode_tlvs(data, HEALTH_SIZE),
    )


def _decode_tlvs(data: bytes, at: int) -> tuple[Tlv, ...]:
    tlvs: list[Tlv] = []
    size = len(data)
    while at < size:
        end = at + 2 + data[at + 1] if at + 1 < size else size + 1
        if end > size:
            raise FrameError("bad_tlv", f"the value at byte {at} ends behind the last byte")
        tlvs.append(Tlv(data[at], data[at + 2 : end]))
        at = end
    return tuple(tlvs)


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


def _encode_entry(entry: BundleEntry) -> bytes:
    device = entry.device.encode("ascii", "replace")
    if not _DEVICE.fullmatch(device):
        raise FrameError("bad_device", f"{entry.device!r}: 1 to {MAX_DEVICE_SIZE} of a-z 0-9 . _ -")
    raw = entry.raw if isinstance(entry.frame, FrameError) else encode(entry.frame)
    if len(raw) > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(raw)} bytes, at most {MAX_FRAME_SIZE}")
    delay = _pack_seconds(entry.delay_s, "delay_s").to_bytes(2, "big")
    return bytes((len(device),)) + device + delay + bytes((len(raw),)) + raw


def _encode_tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    for tlv in tlvs:
        _within(tlv.type, 0xFF, "tlv type")
        if len(tlv.value) > MAX_TLV_VALUE_SIZE:
            raise FrameError("too_long", f"a value of {len(tlv.value)} bytes, at most {MAX_TLV_VALUE_SIZE}")
    return b"".join([bytes((tlv.type, len(tlv.value))) + tlv.value for tlv in tlvs])


def _state_head(kind: FrameType) -> int:
    head = VERSION << 4 | kind
    if head not in _STATE_HEADS:
        raise FrameError("bad_type", f"{kind!r} is not the type of a state frame")
    return head


def _within(value: int, most: int, name: str) -> int:
    if not 0 <= value <= most:
        raise FrameError("bad_value", f"{name} is {value}, 0 to {most} fit")
    return value


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
