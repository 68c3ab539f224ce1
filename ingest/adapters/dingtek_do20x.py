"""Dingtek DO200, DO201 and DO202: a header with model, kind and length, big-endian fields, 0x81 at the end.

Kind 1 is the periodic report, 2 one that an alarm causes, 3 the parameters. The high nibble of byte 7 is the
parking alarm: not zero means that a vehicle is there. docs/sensors.md has the layout's doubts.
"""

from dataclasses import dataclass
from typing import Final

from ingest.adapters import checks
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_PORTS: Final = {3: None}
_HEAD: Final = b"\x80\x00"
_END: Final = 0x81
_LEAST: Final = 6
_KINDS: Final = {1: EventKind.HEARTBEAT, 2: EventKind.CHANGE}
_PARAMETERS: Final = 3


@dataclass(frozen=True, slots=True)
class _Model:
    """Sizes of its messages, and where a report has its temperature (None: nowhere)."""

    report: int
    parameters: int
    temperature: int | None = None


_MODELS: Final = {0x02: _Model(21, 17), 0x31: _Model(23, 16, 17), 0x32: _Model(23, 16, 17)}
"""DO200, DO201 and DO202, by byte 2."""


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The one reading of an uplink."""
    checks.port(fport, _PORTS, "DO20x")
    if len(payload) < _LEAST or payload[:2] != _HEAD or payload[-1] != _END:
        raise Rejection("unreadable", f"{len(payload)} bytes that are not 0x8000 ... 0x81")
    model, kind = _MODELS.get(payload[2]), payload[3]
    if model is None:
        raise Rejection("unreadable", f"model {payload[2]:#04x}; DO200 is 0x02, DO201 0x31, DO202 0x32")
    if payload[4] != len(payload):
        raise Rejection("bad_length", f"{len(payload)} bytes, the message itself says {payload[4]}")
    if kind == _PARAMETERS:
        checks.length(payload, (model.parameters,), "DO20x parameter message")
        return (_parameters(payload),)
    if kind not in _KINDS:
        raise Rejection("out_of_range", f"the message's kind is {kind}, 1 to 3 are known")
    checks.length(payload, (model.report,), "DO20x report")
    return (_report(payload, model),)


def _report(payload: bytes, model: _Model) -> Reading:
    low, high = payload[7] & 0x0F, payload[8] >> 4
    alarms = [name for name, alarm in (("level", low), ("magnet", high)) if alarm]
    degrees = None
    if model.temperature is not None:
        degrees = int.from_bytes(payload[model.temperature : model.temperature + 1], "big", signed=True)
    return Reading(
        state=Occupancy.OCCUPIED if payload[7] >> 4 else Occupancy.VACANT,
        kind=_KINDS[payload[3]],
        battery_v=checks.battery(int.from_bytes(payload[9:11], "big") / 100),
        battery_low=bool(payload[8] & 0x0F),
        # -117 stands in the maker's own example.
        temperature_c=None if degrees is None else checks.temperature(degrees),
        health=f"{' and '.join(alarms)} alarm" if alarms else None,
    )


def _parameters(payload: bytes) -> Reading:
    return Reading(
        state=None,
        kind=EventKind.HEARTBEAT,
        firmware=f"{payload[5]}.{payload[6]}",
        heartbeat_s=payload[7] * 3600 or None,
    )
