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


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    if fport is None:
        raise Rejection("missing_fport", "a TPS110 payload means nothing without its port")
    if fport not in _SIZES:
        raise Rejection("unknown_fport", f"fport is {fport}; a TPS110 reports its bay on 1, 2 and 3")
    if len(payload) not in _SIZES[fport]:
        raise Rejection("bad_length", f"{len(payload)} bytes on port {fport}, {_sizes(fport)} expected")
    if fport == 1:
        return (Reading(state=_state(payload[0])),)
    return (_heartbeat(payload) if fport == 2 else _startup(payload),)


def _heartbeat(payload: bytes) -> Reading:
    degrees = int.from_bytes(payload[1:], "big", signed=True) if len(payload) > 1 else None
    return Reading(
        state=_state(payload[0]),
        kind=EventKind.HEARTBEAT,
        temperature_c=None if degrees is None else checks.temperature(degrees),
    )


def _startup(payload: bytes) -> Reading:
    return Reading(
        state=_state(payload[16]),
        kind=EventKind.BOOT,
        firmware=".".join(map(str, payload[12:15])),
        reset_cause=_RESET_CAUSES.get(payload[15]),
    )


def _state(byte: int) -> Occupancy:
    if byte > 1:
        raise Rejection("out_of_range", f"the state byte is {byte:#04x}, 0x00 and 0x01 are defined")
    return Occupancy.OCCUPIED if byte else Occupancy.VACANT


def _sizes(fport: int) -> str:
    return " or ".join(map(str, _SIZES[fport]))
