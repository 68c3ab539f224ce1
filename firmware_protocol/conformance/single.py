"""What one frame shows by itself, whatever came before it."""

from typing import Final

from firmware_protocol.codec import decode
from firmware_protocol.conformance.notes import Heard, Notes
from firmware_protocol.frames import (
    TLV_NUMBERS,
    AckFrame,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    StateFrame,
    Tlv,
    TlvType,
)
from firmware_protocol.layout import (
    DURATION_MINUTES,
    FLAG_BATTERY_LOW,
    FLAG_CALIBRATING,
    FLAG_PREVIOUS_KNOWN,
    STATE_MASK,
    STATE_STRUCT,
)

LEAST_AGE_S: Final = 2
"""A change has held for 2 s [Q-3] before its event can be sent, and the age counts from its first sample."""
_LEAST_MINUTES: Final = DURATION_MINUTES // 60
_STATE_FLAGS: Final = STATE_MASK | FLAG_PREVIOUS_KNOWN | FLAG_BATTERY_LOW | FLAG_CALIBRATING
_FLAGS: Final = {
    FrameType.EVENT: _STATE_FLAGS,
    FrameType.HEARTBEAT: _STATE_FLAGS,
    FrameType.BOOT: _STATE_FLAGS,
    FrameType.HEALTH: FLAG_BATTERY_LOW | FLAG_CALIBRATING,
    FrameType.ACK: 0,
}
_CLAUSE_OF_ERROR: Final = {
    "truncated": "F-1",
    "bad_version": "F-1",
    "bad_type": "F-2",
    "too_long": "F-4",
    "bad_tlv": "T-3",
}
_HEAD: Final = ("F-1", "F-2", "F-3", "F-4")
_TEXTS: Final = (TlvType.FIRMWARE, TlvType.HARDWARE)
_MOST_RESET_CAUSE: Final = 7
_FIRST_VENDOR_TYPE: Final = 128


class Single:
    """Judges the frames of one message."""

    def __init__(self, heard: Heard, notes: Notes) -> None:
        self._heard = heard
        self._notes = notes

    def judge(self, data: bytes) -> Frame | None:
        """Note what the bytes show; gives the frame if they are one."""
        try:
            frame = decode(data)
        except FrameError as error:
            erased = error.code == "bad_version" and data[0] >> 4 in (0, 15)
            self._look("F-3" if erased else _CLAUSE_OF_ERROR[error.code], error.detail)
            return None
        for clause in _HEAD:
            self._look(clause, None)
        reserved = data[1] & ~_FLAGS[frame.type]
        self._look("F-5", f"flags 0x{data[1]:02x}: reserved bits are set" if reserved else None)
        if frame.tlvs:
            self._values(frame.tlvs)
        if isinstance(frame, StateFrame):
            self._state(frame, data)
        elif isinstance(frame, HealthFrame):
            self._health(frame)
        return frame

    def duration(self, name: str, packed: int) -> None:
        """Note whether 16 bits hold their duration in the proper unit."""
        self._look("D-1", None)
        minutes = packed - DURATION_MINUTES
        wrong = 0 <= minutes < _LEAST_MINUTES
        self._look("D-2", f"{name} is {minutes} minutes, which fit in seconds" if wrong else None)

    def _look(self, clause: str, wrong: str | None, *, must: bool = True) -> None:
        heard = self._heard
        self._notes.look(clause, device=heard.device, number=heard.number, wrong=wrong, must=must)

    def _state(self, frame: StateFrame, data: bytes) -> None:
        age, previous = STATE_STRUCT.unpack_from(data)[4:6]
        self.duration("the age", age)
        if frame.previous_s is None:
            wrong = f"previous is not known, and bytes 7-8 are {previous:#06x}" if previous else None
            self._look("S-5", wrong)
        else:
            self.duration("previous", previous)
        if frame.type == FrameType.EVENT and frame.seq:
            early = frame.age_s < LEAST_AGE_S
            told = f"an event of age {frame.age_s} s: a change has held for 2 s before it counts"
            self._look("D-5", told if early else None)
        if frame.type == FrameType.BOOT:
            missing = [
                name for name in ("firmware", "reset_cause", "heartbeat_s") if getattr(frame, name) is None
            ]
            self._look("S-4", _lacks("boot", missing), must=False)

    def _health(self, frame: HealthFrame) -> None:
        names = ("firmware", "uptime_s", "rssi_dbm", "frames_sent", "frames_failed")
        missing = [name for name in names if getattr(frame, name) is None]
        self._look("H-2", _lacks("health", missing), must=False)

    def _values(self, tlvs: tuple[Tlv, ...]) -> None:
        self._look("T-1", None)
        self._look("T-3", None)
        seen = set()
        for tlv in tlvs:
            known = tlv.type in TlvType._value2member_map_
            if known:
                fits = _fits(TlvType(tlv.type), tlv)
                told = f"{TlvType(tlv.type).name.lower()} is {tlv.value.hex()}, which is not its form"
                self._look("T-4", None if fits else told)
            reserved = not known and tlv.type < _FIRST_VENDOR_TYPE
            told = f"type {tlv.type} is reserved; 128 to 255 are free for vendors"
            if tlv.type == TlvType.RESET_CAUSE and tlv.value[:1] > bytes((_MOST_RESET_CAUSE,)):
                reserved, told = True, f"reset cause {tlv.value[0]} is not assigned"
            self._look("T-6", told if reserved else None)
            self._look("T-5", f"type {tlv.type} is there twice" if tlv.type in seen else None)
            seen.add(tlv.type)


def _fits(kind: TlvType, tlv: Tlv) -> bool:
    probe = AckFrame(boot=0, command=0, outcome=0, tlvs=(tlv,))
    if kind in _TEXTS:
        return (probe.firmware or probe.hardware) is not None
    widths = {">B": 1, ">b": 1, ">H": 2, ">I": 4}
    return len(tlv.value) == widths[TLV_NUMBERS[kind]]


def _lacks(frame: str, missing: list[str]) -> str | None:
    return f"a {frame} frame without {', '.join(missing)}" if missing else None
