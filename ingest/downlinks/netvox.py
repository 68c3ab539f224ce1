"""Netvox R719A: 11 bytes on port 7 that set all three settings, or ask for them."""

import struct
from collections.abc import Mapping
from typing import Final

from ingest.downlinks.base import Downlink, Model, Setting
from parking.errors import DownlinkError, Rejection

PORT: Final = 7
_DEVICE: Final = 0x59
_SET, _ASK = 1, 2
_LAYOUT: Final = struct.Struct(">BBHHB4x")
"""Command, device type, shortest and longest time between reports, change of the battery, reserved."""

_SHORTEST: Final = Setting(
    name="min_time",
    vendor="MinTime",
    low=1,
    high=65_535,
    unit="s",
    help="least time between two reports",
)
_LONGEST: Final = Setting(
    name="max_time",
    vendor="MaxTime",
    low=1,
    high=65_535,
    unit="s",
    heartbeat=True,
    help="most time between two reports",
)
_CHANGE: Final = Setting(
    name="battery_change",
    vendor="BatteryChange",
    low=0.1,
    high=25.5,
    unit="V",
    step=0.1,
    help="a change of the battery that is reported",
)
_SETTINGS: Final = (_SHORTEST, _LONGEST, _CHANGE)


def encode(values: Mapping[str, float]) -> tuple[Downlink, ...]:
    """The one downlink that sets these; raises DownlinkError if they contradict each other."""
    shortest, longest, change = (setting.steps(values[setting.name]) for setting in _SETTINGS)
    if longest < shortest:
        raise DownlinkError(f"max_time is {longest} s, less than min_time, which is {shortest} s")
    payload = _LAYOUT.pack(_SET, _DEVICE, shortest, longest, change)
    return (Downlink(PORT, payload, dict(values)),)


def decode(payload: bytes, port: int | None) -> Downlink:
    """What a downlink sets, or that it asks; raises Rejection."""
    if port not in (PORT, None):
        raise Rejection("unknown_fport", f"fport is {port}; an R719A listens on {PORT}")
    if len(payload) != _LAYOUT.size:
        raise Rejection("bad_length", f"{len(payload)} bytes, {_LAYOUT.size} expected")
    command, device, *fields = _LAYOUT.unpack(payload)
    if device != _DEVICE or any(payload[7:]):
        raise Rejection("unreadable", f"device type {device:#04x} and reserved bytes {payload[7:].hex()}")
    if command == _ASK and not any(fields):
        return Downlink(PORT, payload, {})
    if command != _SET:
        raise Rejection("out_of_range", f"command {command}; 1 sets and 2, with zeros behind it, asks")
    try:
        values = {
            setting.name: setting.check(steps * setting.step, written=f"{setting.name} is {steps}")
            for setting, steps in zip(_SETTINGS, fields, strict=True)
        }
        return encode(values)[0]
    except DownlinkError as error:
        raise Rejection("out_of_range", f"{error.message} ({error.hint or 'min_time <= max_time'})") from None


MODELS: Final = (
    Model(
        name="netvox-r719a",
        codec="netvox-r719a",
        settings=_SETTINGS,
        encode=encode,
        decode=decode,
        ask=Downlink(PORT, _LAYOUT.pack(_ASK, _DEVICE, 0, 0, 0), {}),
        whole=True,
    ),
)
