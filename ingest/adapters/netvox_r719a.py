"""Netvox R719A: port 6 reports, port 7 answers to configuration; 11 bytes each.

A report of kind 0 is the version, sent at the start; kind 1 is the status. The status is sent at a change
and at the interval alike, so it is taken as a heartbeat: what differs from the one before is the change.
"""

from typing import Final

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_REPORT, _ANSWER = 6, 7
_PORTS: Final = {_REPORT: None, _ANSWER: None}
_SIZE: Final = 11
_VERSION: Final = 1
_DEVICE: Final = 0x59
_STARTED, _STATUS = 0, 1
_CONFIGURED, _CONFIGURATION = 0x81, 0x82
_LOW: Final = 0x80


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    port = checks.port(fport, _PORTS, "R719A")
    checks.length(payload, (_SIZE,), "R719A message")
    if payload[1] != _DEVICE:
        raise Rejection("unreadable", f"device type {payload[1]:#04x}, a R719A's is {_DEVICE:#04x}")
    return (_report(payload) if port == _REPORT else _answer(payload),)


def _report(payload: bytes) -> Reading:
    if payload[0] != _VERSION:
        raise Rejection("bad_version", f"version {payload[0]} of Netvox's messages, {_VERSION} is known")
    kind, value = payload[2], payload[3]
    if kind == _STARTED:
        return Reading(state=None, kind=EventKind.BOOT, firmware=f"{value // 10}.{value % 10}")
    if kind != _STATUS:
        raise Rejection("out_of_range", f"the report's kind is {kind}, 0 and 1 are known")
    return Reading(
        state=_state(payload[4]),
        kind=EventKind.HEARTBEAT,
        battery_v=checks.battery((value & ~_LOW) / 10),
        battery_low=bool(value & _LOW),
    )


def _answer(payload: bytes) -> Reading:
    command = payload[0]
    if command == _CONFIGURED:
        refused = payload[2] != 0
        health = "refused its configuration" if refused else None
        return Reading(state=None, kind=EventKind.HEARTBEAT, health=health)
    if command != _CONFIGURATION:
        raise Rejection("out_of_range", f"the answer's command is {command:#04x}, 0x81 and 0x82 are known")
    longest_s = int.from_bytes(payload[4:6], "big")
    return Reading(state=None, kind=EventKind.HEARTBEAT, heartbeat_s=longest_s or None)


def _state(byte: int) -> Occupancy:
    if byte > 1:
        raise Rejection("out_of_range", f"the car status is {byte}, 0 and 1 are defined")
    return Occupancy.OCCUPIED if byte else Occupancy.VACANT
