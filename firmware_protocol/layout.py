"""Where each field of version 1 lies: the table behind the codec and any vectorised reader."""

import struct
from typing import Final, NamedTuple


class Field(NamedTuple):
    """One fixed field: name, offset in bytes, and its big-endian struct (and numpy) format letter."""

    name: str
    offset: int
    format: str


VERSION: Final = 1

STATE_FIELDS: Final = (
    Field("head", 0, "B"),
    Field("flags", 1, "B"),
    Field("boot", 2, "B"),
    Field("seq", 3, "H"),
    Field("age", 5, "H"),
    Field("previous", 7, "H"),
    Field("battery", 9, "B"),
    Field("temperature", 10, "b"),
)
HEALTH_FIELDS: Final = (
    Field("head", 0, "B"),
    Field("flags", 1, "B"),
    Field("boot", 2, "B"),
    Field("battery", 3, "B"),
    Field("temperature", 4, "b"),
)
BUNDLE_FIELDS: Final = (Field("head", 0, "B"), Field("flags", 1, "B"), Field("count", 2, "H"))
SEALED_FIELDS: Final = (Field("head", 0, "B"), Field("key", 1, "B"), Field("counter", 2, "I"))
COMMAND_FIELDS: Final = (
    Field("head", 0, "B"),
    Field("flags", 1, "B"),
    Field("id", 2, "I"),
    Field("operation", 6, "B"),
)
ACK_FIELDS: Final = (
    Field("head", 0, "B"),
    Field("flags", 1, "B"),
    Field("boot", 2, "B"),
    Field("id", 3, "I"),
    Field("outcome", 7, "B"),
)


def _struct(fields: tuple[Field, ...]) -> struct.Struct:
    return struct.Struct(">" + "".join(field.format for field in fields))


STATE_STRUCT: Final = _struct(STATE_FIELDS)
HEALTH_STRUCT: Final = _struct(HEALTH_FIELDS)
BUNDLE_STRUCT: Final = _struct(BUNDLE_FIELDS)
SEALED_STRUCT: Final = _struct(SEALED_FIELDS)
COMMAND_STRUCT: Final = _struct(COMMAND_FIELDS)
ACK_STRUCT: Final = _struct(ACK_FIELDS)

STATE_SIZE: Final = 11
HEALTH_SIZE: Final = 5
BUNDLE_HEADER_SIZE: Final = 4
SEALED_HEADER_SIZE: Final = 6
MAC_SIZE: Final = 8
"""Bytes of a MAC on the wire: the first half of AES-CMAC's sixteen."""
COMMAND_SIZE: Final = 7
ACK_SIZE: Final = 8
MAX_FRAME_SIZE: Final = 255
MAX_BUNDLE_SIZE: Final = 65_535
MAX_BUNDLE_COUNT: Final = 65_535
MAX_DEVICE_SIZE: Final = 32
MAX_TLV_VALUE_SIZE: Final = 255

STATE_MASK: Final = 0x03
FLAG_PREVIOUS_KNOWN: Final = 0x04
FLAG_BATTERY_LOW: Final = 0x08
FLAG_CALIBRATING: Final = 0x10

DURATION_MINUTES: Final = 0x8000
"""Set: the lower 15 bits count whole minutes; clear: seconds."""
MAX_DURATION_S: Final = 0x7FFF * 60
"""The longest duration that the 16 bits hold; it stands for "this long or longer"."""

BATTERY_BASE_MV: Final = 2000
BATTERY_STEP_MV: Final = 10
BATTERY_UNKNOWN: Final = 0xFF
TEMPERATURE_UNKNOWN: Final = -128

MESSAGE_EXPIRY_S: Final = 604_800
"""The MQTT 5 message expiry of an uplink; what is missing from it on arrival is the time in the broker."""


def pack_duration(seconds: int) -> int:
    """Seconds in 16 bits: exact up to 32767, then rounded down to minutes, then held at the maximum."""
    if seconds < DURATION_MINUTES:
        return seconds
    return DURATION_MINUTES | min(seconds // 60, 0x7FFF)


def unpack_duration(value: int) -> int:
    """The seconds that 16 bits stand for."""
    return value if value < DURATION_MINUTES else (value & 0x7FFF) * 60
