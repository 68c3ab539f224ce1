"""Bosch TPS110 (Parking Lot Sensor), firmware 0.23 to 0.39: the port tells the kind of message.

Port 1: a change, one byte. Port 2: heartbeat, the same byte and, from firmware 0.29 on, the temperature
(signed, 1 degree). Port 3: start-up, 12 bytes of debug codes, firmware as major, minor, patch (some
decoders have it reversed; captures from real sensors do not), reset cause and state. Bit 0 of a state byte
is the occupancy, the others are reserved.
"""

from typing import Final

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_SIZES: Final = {1: (1,), 2: (1, 2), 3: (17,)}
_RESET_CAUSES: Final = {1: "watchdog", 2: "power_on", 3: "system_request", 4: "other"}
_DEBUG_CODES: Final = (0, 4, 8)
"""Where in a start-up message the debug codes stand: 16 bits, low byte first."""


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    port = checks.port(fport, _SIZES, "TPS110")
    checks.length(payload, _SIZES[port], f"TPS110 message on port {port}")
    if port == 1:
        return (Reading(state=_state(payload[0])),)
    return (_heartbeat(payload) if port == 2 else _startup(payload),)


def _heartbeat(payload: bytes) -> Reading:
    degrees = int.from_bytes(payload[1:], "big", signed=True) if len(payload) > 1 else None
    return Reading(
        state=_state(payload[0]),
        kind=EventKind.HEARTBEAT,
        temperature_c=None if degrees is None else checks.temperature(degrees),
    )


def _startup(payload: bytes) -> Reading:
    codes = [int.from_bytes(payload[at : at + 2], "little") for at in _DEBUG_CODES]
    told = ", ".join(str(code) for code in codes if code)
    return Reading(
        state=_state(payload[16]),
        kind=EventKind.BOOT,
        firmware=".".join(map(str, payload[12:15])),
        reset_cause=_RESET_CAUSES.get(payload[15]),
        health=f"debug codes {told}" if told else None,
    )


def _state(byte: int) -> Occupancy:
    if byte > 1:
        raise Rejection("out_of_range", f"the state byte is {byte:#04x}, 0x00 and 0x01 are defined")
    return Occupancy.OCCUPIED if byte else Occupancy.VACANT
