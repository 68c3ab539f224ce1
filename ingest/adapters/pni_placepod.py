"""PNI PlacePod: records of channel, type and value, as in Cayenne LPP (numbers are two's complement).

One uplink may hold several states (the sensor saves what it could not send): each becomes a reading, in
their order. A keep-alive repeats the state. Bytes behind the last record that can be read are left alone.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_SIZES: Final = {
    0x00: 1,  # digital input
    0x01: 1,  # digital output
    0x02: 2,  # analogue input
    0x03: 2,  # analogue output
    0x65: 2,  # illuminance
    0x66: 1,  # presence
    0x67: 2,  # temperature
    0x68: 1,  # humidity
    0x71: 6,  # accelerometer
    0x73: 2,  # barometer
    0x86: 6,  # gyrometer
    0x88: 9,  # position
}
"""Bytes of each type's value."""

_RECALIBRATED: Final = (0x01, 0x01)
_TEMPERATURE: Final = (0x02, 0x67)
_BATTERY: Final = (0x03, 0x02)
_STATUS: Final = (0x15, 0x66)
_DEACTIVATED: Final = (0x1C, 0x01)
_COUNT: Final = (0x21, 0x00)
_KEEP_ALIVE: Final = (0x37, 0x66)
_KEEP_ALIVE_COUNT: Final = (0x37, 0x00)
_REBOOTED: Final = (0x3F, 0x01)
_KNOWN: Final = frozenset(
    {
        _RECALIBRATED,
        _TEMPERATURE,
        _BATTERY,
        _STATUS,
        _DEACTIVATED,
        _COUNT,
        _KEEP_ALIVE,
        _KEEP_ALIVE_COUNT,
        _REBOOTED,
    }
)
_COUNT_RESTARTED: Final = 0x80
"""Not a count (that has seven bits): the sensor was rebooted or recalibrated."""

Record = tuple[tuple[int, int], bytes]


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """Every state of an uplink in its order, or one reading without a state. The port means nothing."""
    records = [record for record in _records(payload) if record[0] in _KNOWN]
    if not records:
        raise Rejection("unreadable", f"no PlacePod record in {len(payload)} bytes")
    volts, degrees = _last(records, _BATTERY), _last(records, _TEMPERATURE)
    health = Reading(
        state=None,
        kind=EventKind.BOOT if _restarted(records) else EventKind.HEARTBEAT,
        battery_v=None if volts is None else checks.battery(volts / 100),
        # -3227.2 has been seen: some firmware writes sign and magnitude, and which is not to be told.
        temperature_c=None if degrees is None else checks.temperature(degrees / 10),
    )
    states = tuple(
        replace(health, state=_state(value), kind=_kind(key))
        for key, value in records
        if key in (_STATUS, _KEEP_ALIVE)
    )
    return states or (health,)


def _records(payload: bytes) -> Iterator[Record]:
    """The records up to the first that cannot be read: its type has no known length, or it is cut off."""
    at = 0
    while at + 2 < len(payload):
        size = _SIZES.get(payload[at + 1])
        value = payload[at + 2 : at + 2 + (size or 0)]
        if size is None or len(value) < size:
            return
        yield (payload[at], payload[at + 1]), value
        at += 2 + size


def _last(records: list[Record], wanted: tuple[int, int]) -> int | None:
    values = [value for key, value in records if key == wanted]
    return int.from_bytes(values[-1], "big", signed=True) if values else None


def _restarted(records: list[Record]) -> bool:
    return any(
        (key == _REBOOTED and value[0] == 1)
        or (key in (_COUNT, _KEEP_ALIVE_COUNT) and value[0] == _COUNT_RESTARTED)
        for key, value in records
    )


def _kind(key: tuple[int, int]) -> EventKind:
    return EventKind.HEARTBEAT if key == _KEEP_ALIVE else EventKind.CHANGE


def _state(value: bytes) -> Occupancy:
    if value[0] > 1:
        raise Rejection("out_of_range", f"the parking status is {value[0]}, 0 and 1 are defined")
    return Occupancy.OCCUPIED if value[0] else Occupancy.VACANT
