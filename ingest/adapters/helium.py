"""Helium Console (the network server before Helium moved to ChirpStack): the JSON of `helium/{id}/rx`."""

from typing import Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Uplink


class _Up(msgspec.Struct):
    dev_eui: checks.Eui
    devaddr: str = ""
    fcnt: checks.Counter = 0
    port: checks.Port | None = None
    payload: bytes = b""
    reported_at: checks.Milliseconds | None = None
    hotspots: list[msgspec.Raw] = []


_DECODER: Final = msgspec.json.Decoder(_Up)


def read(payload: bytes) -> Uplink:
    """The uplink in an envelope; raises Rejection."""
    up = checks.parse_json(payload, _DECODER)
    return Uplink(
        device=up.dev_eui.lower(),
        dev_eui=up.dev_eui,
        fport=up.port,
        fcnt=up.fcnt,
        payload=up.payload,
        received_at=checks.network_epoch(up.reported_at, "reported_at"),
        received_ms=up.reported_at,
        n_gateways=len(up.hotspots),
        session=up.devaddr,
    )
