"""The Things Stack v3: the JSON of `v3/{app}@{tenant}/devices/{device}/up`.

The server leaves out what is empty, zero or false: an absent `f_cnt` is 0, an absent `frm_payload` empty.
"""

from typing import Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Uplink


class _Ids(msgspec.Struct):
    device_id: checks.Id
    dev_eui: checks.Eui | None = None
    dev_addr: str = ""


class _Message(msgspec.Struct):
    frm_payload: bytes = b""
    f_port: checks.Port | None = None
    f_cnt: checks.Counter = 0
    session_key_id: str = ""
    rx_metadata: list[msgspec.Raw] = []


class _Up(msgspec.Struct):
    end_device_ids: _Ids
    uplink_message: _Message
    received_at: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Up)


def read(payload: bytes) -> Uplink:
    """The uplink in an envelope; raises Rejection."""
    up = checks.parse_json(payload, _DECODER)
    ids, message = up.end_device_ids, up.uplink_message
    return Uplink(
        device=ids.dev_eui.lower() if ids.dev_eui else ids.device_id,
        dev_eui=ids.dev_eui,
        device_id=ids.device_id,
        fport=message.f_port,
        fcnt=message.f_cnt,
        payload=message.frm_payload,
        received_at=checks.parse_time(up.received_at, "received_at") if up.received_at else None,
        received_text=up.received_at,
        n_gateways=len(message.rx_metadata),
        session=message.session_key_id or ids.dev_addr,
    )
