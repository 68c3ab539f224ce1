"""ChirpStack v4: the JSON of `application/{id}/device/{devEui}/event/up`.

Versions before 4.1 left out fields with the value zero: an absent `fCnt` is 0.
"""

from typing import Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Uplink


class _Device(msgspec.Struct, rename="camel"):
    dev_eui: checks.Eui


class _Up(msgspec.Struct, rename="camel"):
    device_info: _Device
    time: str | None = None
    deduplication_id: str | None = None
    dev_addr: str = ""
    f_port: checks.Port | None = None
    f_cnt: checks.Counter = 0
    data: bytes = b""
    rx_info: list[msgspec.Raw] = []


_DECODER: Final = msgspec.json.Decoder(_Up)


def read(payload: bytes) -> Uplink:
    """The uplink in an envelope; raises Rejection."""
    up = checks.parse_json(payload, _DECODER)
    return Uplink(
        device=up.device_info.dev_eui.lower(),
        dev_eui=up.device_info.dev_eui,
        fport=up.f_port,
        fcnt=up.f_cnt,
        payload=up.data,
        received_at=checks.parse_time(up.time, "time") if up.time else None,
        received_text=up.time,
        n_gateways=len(up.rx_info),
        session=up.dev_addr,
        dedup_id=up.deduplication_id,
    )
