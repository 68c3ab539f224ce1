"""Nwave NPS405 (Smart Parking Sensor G4): the port tells the kind of message; bit 0 is the occupancy.

Port 1: a change; bits 7 to 1 hold how long the state before lasted, compressed to minutes, then steps of 5,
then hours. Port 2: heartbeat. Port 3: start-up. Port 10: a driver's tag beside the sensor; a tag is a
person's, so it is not read. Port 6: debug data. Some decoders take bit 7 for the occupancy: the maker's
manual and his example 0x95 (occupied, 74 minutes before) say bit 0.
"""

from typing import Final

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.model import EventKind, Occupancy

_SIZES: Final = {1: (1,), 2: (6,), 3: (5,), 6: range(256), 10: (5,)}
_RESET_CAUSES: Final = {
    0: "rejoin",
    1: "watchdog",
    2: "power_on",
    3: "user_request",
    6: "brown_out",
    7: "other",
}
_DURATIONS: Final = ((90, 0, 1), (120, 90, 5), (127, 240, 60))
"""Each: codes below this one, minutes of the range's first code, minutes of a step. 127 is longer still."""
_BATTERY_BASE_MV, _BATTERY_STEP_MV = 2500, 4
_COLD_C, _LOW_MV, _LOW_COLD_MV = -5, 3000, 2900
"""Below 3.0 V the battery is low; in the cold below 2.9 V."""


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    port = checks.port(fport, _SIZES, "NPS405")
    checks.length(payload, _SIZES[port], f"NPS405 message on port {port}")
    if port == 1:
        return (_change(payload[0]),)
    if port == 2:
        return (_heartbeat(payload),)
    if port == 3:
        return (_startup(payload),)
    if port == 10 and payload[0] & 1:
        return (_change(payload[0]),)
    return (Reading(state=None, kind=EventKind.HEARTBEAT),)


def _change(byte: int) -> Reading:
    return Reading(state=_state(byte), previous_s=_duration_s(byte >> 1))


def _heartbeat(payload: bytes) -> Reading:
    degrees = int.from_bytes(payload[2:3], "big", signed=True) / 2 + 10
    millivolts = _BATTERY_BASE_MV + _BATTERY_STEP_MV * payload[1]
    hardware = payload[0] >> 1
    return Reading(
        state=_state(payload[0]),
        kind=EventKind.HEARTBEAT,
        battery_v=millivolts / 1000,
        battery_low=millivolts < (_LOW_MV if degrees >= _COLD_C else _LOW_COLD_MV),
        temperature_c=checks.temperature(degrees),
        health=f"hardware status {hardware}" if hardware else None,
    )


def _startup(payload: bytes) -> Reading:
    return Reading(
        state=_state(payload[4]),
        kind=EventKind.BOOT,
        firmware=".".join(map(str, payload[:3])),
        reset_cause=_RESET_CAUSES.get(payload[3]),
    )


def _state(byte: int) -> Occupancy:
    return Occupancy.OCCUPIED if byte & 1 else Occupancy.VACANT


def _duration_s(code: int) -> int | None:
    """Seconds of a compressed duration, rounded down as the sensor does; None if it only says `longer`."""
    first = 0
    for end, minutes, step in _DURATIONS:
        if code < end:
            return (minutes + (code - first) * step) * 60
        first = end
    return None
