"""The sensor models that we can decode, by codec name, and how often each reports when nothing changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from parking.availability import ttl

_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceType:
    """One sensor model; `heartbeat_s` is its factory setting, which a registry may override."""

    codec: str
    vendor: str
    model: str
    heartbeat_s: int

    @property
    def ttl_s(self) -> float:
        """How long its last word stands: then its bay is unknown."""
        return ttl(self.heartbeat_s).total_seconds()


_TYPES: Final = (
    DeviceType(codec="parking-v1", vendor="any", model="parking-v1", heartbeat_s=900),
    DeviceType(codec="bosch-tps110", vendor="Bosch", model="TPS110", heartbeat_s=86_400),
    # Where a maker publishes no interval that we could read, once a day is assumed: a registry should say
    # what the devices were set to. docs/sensors.md has the source of each.
    DeviceType(codec="pni-placepod", vendor="PNI", model="PlacePod", heartbeat_s=86_400),
    DeviceType(codec="nwave-nps405", vendor="Nwave", model="NPS405", heartbeat_s=86_400),
    DeviceType(codec="libelium-smart-parking", vendor="Libelium", model="Smart Parking", heartbeat_s=86_400),
    DeviceType(codec="dingtek-do20x", vendor="Dingtek", model="DO200, DO201, DO202", heartbeat_s=86_400),
    DeviceType(codec="netvox-r719a", vendor="Netvox", model="R719A", heartbeat_s=3_600),
    DeviceType(codec="tekzitel-tekzipark", vendor="Tekzitel", model="TEKZIPARK", heartbeat_s=86_400),
)

DEVICE_TYPES: Final[Mapping[str, DeviceType]] = MappingProxyType({kind.codec: kind for kind in _TYPES})
"""Every codec name that a registry may use. Each has its decoder in `ingest.adapters.codecs`."""


def canonical_id(name: str) -> str:
    """The id under which a device is known: an EUI-64 is one whatever the case of its hexadecimal digits."""
    return name.lower() if len(name) == 16 and _HEXADECIMAL.issuperset(name) else name
