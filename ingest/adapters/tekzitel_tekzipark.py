"""Tekzitel TEKZIPARK: flags, temperature and the sensor's own number; port 2 adds measurements and a fault.

Byte 0: bit 7 occupancy, bit 5 battery good, bit 4 obstruction, bit 3 radar saw it, bit 1 the sensor was
reset, bit 0 keep-alive. Byte 1: temperature, signed. On port 1 identifiers of beacons may follow: a beacon
travels with a person, so they are not read.
"""

from typing import Final

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_STATUS, _MEASUREMENTS = 1, 2
_PORTS: Final = {_STATUS: None, _MEASUREMENTS: None}
_STATUS_SIZE, _MEASUREMENTS_SIZE = 3, 12
_OCCUPIED, _GOOD_BATTERY, _OBSTRUCTION, _RESET, _KEEP_ALIVE = 0x80, 0x20, 0x10, 0x02, 0x01
_FAULT: Final = 9
"""Where port 2 has the fault code; what the codes mean is not published."""


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    port = checks.port(fport, _PORTS, "TEKZIPARK")
    if port == _MEASUREMENTS:
        checks.length(payload, (_MEASUREMENTS_SIZE,), "TEKZIPARK message on port 2")
    elif len(payload) != _STATUS_SIZE and (len(payload) <= _STATUS_SIZE or len(payload) % 2):
        # Behind the status: one byte of signal strength, two for each beacon.
        raise Rejection("bad_length", f"{len(payload)} bytes on port 1, 3 or an even number from 4 expected")
    flags = payload[0]
    return (
        Reading(
            state=Occupancy.OCCUPIED if flags & _OCCUPIED else Occupancy.VACANT,
            kind=_kind(flags),
            battery_low=not flags & _GOOD_BATTERY,
            temperature_c=checks.temperature(int.from_bytes(payload[1:2], "big", signed=True)),
            health=_health(flags, payload[_FAULT] if port == _MEASUREMENTS else 0),
        ),
    )


def _kind(flags: int) -> EventKind:
    if flags & _RESET:
        return EventKind.BOOT
    return EventKind.HEARTBEAT if flags & _KEEP_ALIVE else EventKind.CHANGE


def _health(flags: int, fault: int) -> str | None:
    found = ["obstructed"] if flags & _OBSTRUCTION else []
    if fault:
        found.append(f"fault code {fault}")
    return ", ".join(found) or None
