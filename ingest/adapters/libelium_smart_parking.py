"""Libelium Smart Parking: frames of 11 bytes (firmware 2 and later) and of 12 (firmware 1).

Byte 0 is the same in all: bit 7 occupancy, bit 6 battery low, bits 3 to 0 the frame's type. Byte 1 counts
frames; the network's counter does that better. What follows depends on type, length and generation, and
later hardware puts a sensor error before the temperature without saying that it does: docs/sensors.md tells
how they are told apart, and that a temperature which could be read in two ways is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_OLD, _NEW = 12, 11
_INFO, _KEEP_ALIVE, _DAILY, _ERROR, _START_1, _START_2, _SERVICE, _DOWNLINK, _RSSI = range(9)
_KINDS: Final = {_INFO: EventKind.CHANGE, _START_1: EventKind.BOOT, _START_2: EventKind.BOOT}
_ERRORS: Final = ("Z axis", "Y axis", "X axis", "clock", "LoRaWAN radio", "Sigfox radio")
"""What each bit of an error frame means, from bit 0."""
_AXES: Final = 0b111
_BATTERY_BASE_MV, _BATTERY_STEP_MV = 2800, 4
_LEAST_BATTERY: Final = 50
"""3.0 V in an info frame of firmware 2; later hardware has other, smaller numbers there."""

Values = dict[str, Any]


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink. The port means nothing."""
    checks.length(payload, (_NEW, _OLD), "Smart Parking frame")
    if not any(payload):
        raise Rejection("unreadable", f"all {len(payload)} bytes are zero: an empty buffer, no frame")
    head, kind = payload[0], payload[0] & 0x0F
    header = Reading(
        state=Occupancy.OCCUPIED if head & 0x80 else Occupancy.VACANT,
        kind=_KINDS.get(kind, EventKind.HEARTBEAT),
        battery_low=bool(head & 0x40),
    )
    read = (_NEW_FRAMES if len(payload) == _NEW else _OLD_FRAMES).get(kind)
    return (replace(header, **read(payload)) if read else header,)


def _info(payload: bytes) -> Values:
    """Firmware 2: temperature, three axes, 0, battery. Later: sensor error, temperature, and more."""
    if payload[9] == 0 and payload[10] >= _LEAST_BATTERY:
        return _temperature(payload[2]) | _battery(payload[10])
    return {"health": f"sensor error {payload[2]}"} if payload[2] else _temperature(payload[3])


def _keep_alive(payload: bytes) -> Values:
    """Firmware 2: hour, minute, temperature, axes. Later: sensor error (0 if there is none), temperature."""
    return _temperature(payload[4] if payload[2] else payload[3])


def _service(payload: bytes) -> Values:
    """Firmware 2: hour, minute, temperature; the clock is at 0:00 before it is set. Later: unknown."""
    return {} if payload[2] == 0 and payload[3] else _temperature(payload[4])


def _daily(payload: bytes) -> Values:
    return {"health": f"{payload[8]} resets in a day"} if payload[8] else {}


def _error(payload: bytes) -> Values:
    """Both firmwares: the error bits. Only 2 has a temperature of which the formula is known."""
    bits = payload[2]
    broken = [name for bit, name in enumerate(_ERRORS) if bits >> bit & 1]
    found: Values = {"fault": bool(bits & _AXES)}
    if broken:
        found["health"] = f"error of {', '.join(broken)}"
    return found | _temperature(payload[3]) | _battery(payload[10]) if len(payload) == _NEW else found


def _start_1(payload: bytes) -> Values:
    volts = int.from_bytes(payload[-2:], "big") / 1000
    found: Values = {"battery_v": checks.battery(volts)}
    return found | _temperature(payload[2]) if len(payload) == _NEW else found


def _start_2(payload: bytes) -> Values:
    return {"firmware": str(payload[2])}


def _temperature(byte: int) -> Values:
    return {"temperature_c": checks.temperature(byte - 256 if byte > 127 else byte)}


def _battery(byte: int) -> Values:
    return {"battery_v": (_BATTERY_BASE_MV + _BATTERY_STEP_MV * byte) / 1000}


_NEW_FRAMES: Final[Mapping[int, Callable[[bytes], Values]]] = {
    _INFO: _info,
    _KEEP_ALIVE: _keep_alive,
    _DAILY: _daily,
    _ERROR: _error,
    _START_1: _start_1,
    _START_2: _start_2,
    _SERVICE: _service,
    _DOWNLINK: _service,
    _RSSI: _service,
}
_OLD_FRAMES: Final[Mapping[int, Callable[[bytes], Values]]] = {
    _DAILY: _daily,
    _ERROR: _error,
    _START_1: _start_1,
    _START_2: _start_2,
}
