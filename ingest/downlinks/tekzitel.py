"""Tekzitel TEKZIPARK: 8 bytes on port 3 that hold all settings, packed by the bit.

The maker publishes where each setting is and how wide, not what its numbers mean: they are told as they are.
"""

from collections.abc import Mapping
from typing import Final

from ingest.downlinks.base import Downlink, Model, Setting
from parking.errors import Rejection

PORT: Final = 3
SIZE: Final = 8
_WIDTHS: Final = (
    ("suppress_baseline_offset", 1),
    ("radar_start_range", 3),
    ("fluctuations_count", 4),
    ("downlink_frequency", 1),
    ("axis_deflection", 2),
    ("debug_mode", 1),
    ("deflection_threshold_mag", 4),
    ("zero_neg_drop", 1),
    ("oversampling", 2),
    ("hw_acc_samples_no", 2),
    ("fluctuation_threshold_XY", 3),
    ("sleep_time", 3),
    ("reset_control", 1),
    ("mag_reboot", 1),
    ("fluctuation_delay_time", 3),
    ("axis_fluctuations", 2),
    ("fluctuation_threshold_Z", 3),
    ("self_heal", 1),
    ("keepalive_period", 2),
    ("radar_scan_count", 4),
    ("obstruction_check", 1),
    ("reflection_threshold_radar", 3),
    ("OI", 1),
    ("send_rssi", 1),
    ("beacons_scan_no", 3),
    ("ble_scan_window", 3),
    ("ble_scan_rssi", 8),
)
"""The maker's names and the bits of each, from the highest bit of the first byte on."""
_SETTINGS: Final = tuple(
    Setting(name=name.lower(), vendor=name, high=(1 << width) - 1) for name, width in _WIDTHS
)


def encode(values: Mapping[str, float]) -> tuple[Downlink, ...]:
    """The one downlink that sets all these."""
    packed = 0
    for setting, (_, width) in zip(_SETTINGS, _WIDTHS, strict=True):
        packed = packed << width | setting.steps(values[setting.name])
    return (Downlink(PORT, packed.to_bytes(SIZE, "big"), dict(values)),)


def decode(payload: bytes, port: int | None) -> Downlink:
    """What a downlink sets; raises Rejection."""
    if port not in (PORT, None):
        raise Rejection("unknown_fport", f"fport is {port}; a TEKZIPARK listens on {PORT}")
    if len(payload) != SIZE:
        raise Rejection("bad_length", f"{len(payload)} bytes, {SIZE} expected")
    packed, values = int.from_bytes(payload, "big"), {}
    for setting, (_, width) in zip(reversed(_SETTINGS), reversed(_WIDTHS), strict=True):
        values[setting.name] = float(packed & (1 << width) - 1)
        packed >>= width
    return Downlink(PORT, payload, dict(reversed(values.items())))


MODELS: Final = (
    Model(
        name="tekzitel-tekzipark",
        codec="tekzitel-tekzipark",
        settings=_SETTINGS,
        encode=encode,
        decode=decode,
        whole=True,
    ),
)
