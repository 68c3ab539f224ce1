"""Frames as frozen values: what a sensor says, free of how it is written on the wire."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import ClassVar, Final, Literal

ErrorCode = Literal[
    "truncated", "bad_version", "bad_type", "bad_tlv", "too_long", "bad_device", "bad_value"
]  # stable: SPEC.md section 9


class FrameError(Exception):
    """These bytes are not a frame, or this value does not fit into one."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(code, detail)
        self.code: ErrorCode = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class FrameType(IntEnum):
    """The low nibble of the first byte."""

    EVENT = 1
    HEARTBEAT = 2
    BOOT = 3
    HEALTH = 4
    BUNDLE = 5
    SEALED = 7
    COMMAND = 8
    ACK = 9


class State(IntEnum):
    """What the sensor knows of its bay."""

    VACANT = 0
    OCCUPIED = 1
    UNKNOWN = 2
    FAULT = 3


class ResetCause(IntEnum):
    """Why the device started last."""

    UNKNOWN = 0
    POWER_ON = 1
    BROWN_OUT = 2
    WATCHDOG = 3
    SOFTWARE = 4
    PIN = 5
    CRASH = 6
    UPDATE = 7


class Outcome(IntEnum):
    """What became of a command."""

    DONE = 0
    UNSUPPORTED = 1
    INVALID = 2
    FAILED = 3


class TlvType(IntEnum):
    """Types that this version names; 128 to 255 belong to vendors."""

    FIRMWARE = 1
    HARDWARE = 2
    RESET_CAUSE = 3
    RSSI = 4
    UPTIME = 5
    HEARTBEAT = 6
    FRAMES_SENT = 7
    FRAMES_FAILED = 8
    DEBOUNCE = 9
    TIME = 10


TLV_NUMBERS: Final[Mapping[TlvType, str]] = MappingProxyType(
    {
        TlvType.RESET_CAUSE: ">B",
        TlvType.RSSI: ">b",
        TlvType.UPTIME: ">I",
        TlvType.HEARTBEAT: ">H",
        TlvType.FRAMES_SENT: ">I",
        TlvType.FRAMES_FAILED: ">I",
        TlvType.DEBOUNCE: ">H",
        TlvType.TIME: ">I",
    }
)
"""The struct format of each numeric value; the other types are text."""

_TEXT = re.compile(rb"[\x20-\x7e]{1,32}")


@dataclass(frozen=True, slots=True)
class Tlv:
    """One optional value behind a frame, as it was sent; `type` 0 to 255, at most 255 bytes."""

    type: int
    value: bytes


class Telemetry:
    """Reads the known optional values of a frame; absent or of an unexpected form is None."""

    __slots__ = ()
    tlvs: tuple[Tlv, ...]

    def _number(self, wanted: TlvType) -> int | None:
        layout = TLV_NUMBERS[wanted]
        for tlv in self.tlvs:
            if tlv.type == wanted and len(tlv.value) == struct.calcsize(layout):
                return int(struct.unpack(layout, tlv.value)[0])
        return None

    def _text(self, wanted: TlvType) -> str | None:
        for tlv in self.tlvs:
            if tlv.type == wanted and _TEXT.fullmatch(tlv.value):
                return tlv.value.decode("ascii")
        return None

    @property
    def firmware(self) -> str | None:
        """Firmware version."""
        return self._text(TlvType.FIRMWARE)

    @property
    def hardware(self) -> str | None:
        """Hardware model or revision."""
        return self._text(TlvType.HARDWARE)

    @property
    def reset_cause(self) -> ResetCause | None:
        """Why the device started; a cause that this version does not list is UNKNOWN."""
        cause = self._number(TlvType.RESET_CAUSE)
        if cause is None:
            return None
        return ResetCause(cause) if cause in ResetCause._value2member_map_ else ResetCause.UNKNOWN

    @property
    def rssi_dbm(self) -> int | None:
        """Signal strength of the last downlink that the device heard, dBm."""
        return self._number(TlvType.RSSI)

    @property
    def uptime_s(self) -> int | None:
        """Seconds since the device started."""
        return self._number(TlvType.UPTIME)

    @property
    def heartbeat_s(self) -> int | None:
        """The heartbeat interval that the device is set to, seconds."""
        return self._number(TlvType.HEARTBEAT)

    @property
    def frames_sent(self) -> int | None:
        """Frames sent since the start, re-sends included."""
        return self._number(TlvType.FRAMES_SENT)

    @property
    def frames_failed(self) -> int | None:
        """Frames since the start that no one acknowledged."""
        return self._number(TlvType.FRAMES_FAILED)

    @property
    def debounce_ms(self) -> int | None:
        """How long a change must hold to count, milliseconds."""
        return self._number(TlvType.DEBOUNCE)

    @property
    def time_s(self) -> int | None:
        """A clock's time, seconds since 1970 UTC."""
        return self._number(TlvType.TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFrame(Telemetry):
    """An event, heartbeat or boot frame; `age_s` since the transition, `previous_s` the state before it."""

    type: FrameType
    state: State
    boot: int
    seq: int
    age_s: int
    previous_s: int | None = None
    battery_v: float | None = None
    temperature_c: int | None = None
    battery_low: bool = False
    calibrating: bool = False
    tlvs: tuple[Tlv, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFrame(Telemetry):
    """How the device is, without its bay's state: everything but the battery and temperature is optional."""

    type: ClassVar[FrameType] = FrameType.HEALTH
    boot: int
    battery_v: float | None = None
    temperature_c: int | None = None
    battery_low: bool = False
    calibrating: bool = False
    tlvs: tuple[Tlv, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AckFrame(Telemetry):
    """What became of the command with the id `command`; `outcome` is an Outcome, or a later version's."""

    type: ClassVar[FrameType] = FrameType.ACK
    boot: int
    command: int
    outcome: int
    tlvs: tuple[Tlv, ...] = ()


Frame = StateFrame | HealthFrame | AckFrame


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One frame that a gateway forwards: who sent it, seconds it was held, and the frame or why it is none.

    `device` is empty if it was not readable. `raw` holds the frame's bytes as received.
    """

    device: str
    delay_s: int
    frame: Frame | FrameError
    raw: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A gateway's frames, in its order. `error` says why what followed the last entry could not be read."""

    entries: tuple[BundleEntry, ...]
    tlvs: tuple[Tlv, ...] = ()
    error: FrameError | None = None


def telemetry(
    *,
    firmware: str | None = None,
    hardware: str | None = None,
    reset_cause: ResetCause | None = None,
    rssi_dbm: int | None = None,
    uptime_s: int | None = None,
    heartbeat_s: int | None = None,
    frames_sent: int | None = None,
    frames_failed: int | None = None,
    debounce_ms: int | None = None,
    time_s: int | None = None,
) -> tuple[Tlv, ...]:
    """The optional values for a frame's `tlvs`; raises FrameError if one does not fit its form."""
    texts = {TlvType.FIRMWARE: firmware, TlvType.HARDWARE: hardware}
    numbers = {
        TlvType.RESET_CAUSE: reset_cause,
        TlvType.RSSI: rssi_dbm,
        TlvType.UPTIME: uptime_s,
        TlvType.HEARTBEAT: heartbeat_s,
        TlvType.FRAMES_SENT: frames_sent,
        TlvType.FRAMES_FAILED: frames_failed,
        TlvType.DEBOUNCE: debounce_ms,
        TlvType.TIME: time_s,
    }
    return tuple(
        [_text_tlv(kind, text) for kind, text in texts.items() if text is not None]
        + [_number_tlv(kind, number) for kind, number in numbers.items() if number is not None]
    )


def _text_tlv(kind: TlvType, text: str) -> Tlv:
    value = text.encode("ascii", "replace")
    if not (text.isascii() and _TEXT.fullmatch(value)):
        raise FrameError("bad_value", f"{kind.name.lower()}: 1 to 32 printable ASCII characters")
    return Tlv(kind, value)


def _number_tlv(kind: TlvType, number: int) -> Tlv:
    try:
        return Tlv(kind, struct.pack(TLV_NUMBERS[kind], number))
    except struct.error as error:
        raise FrameError("bad_value", f"{kind.name.lower()} of {number}: {error}") from error
