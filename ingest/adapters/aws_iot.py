"""AWS IoT Core for LoRaWAN: the JSON that a rule passes on.

Messages are there without `FCnt` (then only the time tells two uplinks apart), and with `Fport`.
"""

from typing import Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Uplink


class _LoRaWan(msgspec.Struct):
    DevEui: checks.Eui
    DevAddr: str = ""
    FCnt: checks.Counter | None = None
    FPort: checks.Port | None = None
    Fport: checks.Port | None = None
    Timestamp: str | None = None
    Gateways: list[msgspec.Raw] = []
    PublicGateways: list[msgspec.Raw] = []


class _Metadata(msgspec.Struct):
    LoRaWAN: _LoRaWan


class _Up(msgspec.Struct):
    WirelessMetadata: _Metadata
    PayloadData: bytes = b""


_DECODER: Final = msgspec.json.Decoder(_Up)


def read(payload: bytes) -> Uplink:
    """The uplink in a message; raises Rejection."""
    up = checks.parse_json(payload, _DECODER)
    lorawan = up.WirelessMetadata.LoRaWAN
    return Uplink(
        device=lorawan.DevEui.lower(),
        dev_eui=lorawan.DevEui,
        fport=lorawan.Fport if lorawan.FPort is None else lorawan.FPort,
        fcnt=lorawan.FCnt,
        payload=up.PayloadData,
        received_at=checks.network_time(lorawan.Timestamp, "Timestamp"),
        received_text=lorawan.Timestamp,
        n_gateways=len(lorawan.Gateways) + len(lorawan.PublicGateways),
        session=lorawan.DevAddr,
    )
