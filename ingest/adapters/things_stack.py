"""The Things Stack v3: the JSON of `v3/{app}@{tenant}/devices/{device}/up`, `.../join` and `.../down/failed`.

The server leaves out what is empty, zero or false: an absent `f_cnt` is 0, an absent `frm_payload` empty.
"""

from typing import Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Notice, NoticeKind, Uplink
from parking.identity import network_session


class _Ids(msgspec.Struct):
    device_id: checks.Id
    dev_eui: checks.Eui | None = None
    dev_addr: str = ""

    @property
    def device(self) -> str:
        return self.dev_eui.lower() if self.dev_eui else self.device_id


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


class _Accept(msgspec.Struct):
    session_key_id: str = ""


class _Join(msgspec.Struct):
    end_device_ids: _Ids
    join_accept: _Accept
    received_at: str | None = None


class _Error(msgspec.Struct):
    name: str = ""
    message_format: str = ""


class _Failure(msgspec.Struct):
    error: _Error


class _Failed(msgspec.Struct):
    end_device_ids: _Ids
    downlink_failed: _Failure
    received_at: str | None = None


_UP: Final = msgspec.json.Decoder(_Up)
_JOIN: Final = msgspec.json.Decoder(_Join)
_FAILED: Final = msgspec.json.Decoder(_Failed)


def read(payload: bytes) -> Uplink:
    """The uplink in an envelope; raises Rejection."""
    up = checks.parse_json(payload, _UP)
    ids, message = up.end_device_ids, up.uplink_message
    return Uplink(
        device=ids.device,
        dev_eui=ids.dev_eui,
        device_id=ids.device_id,
        fport=message.f_port,
        fcnt=message.f_cnt,
        payload=message.frm_payload,
        received_at=checks.network_time(up.received_at, "received_at"),
        received_text=up.received_at,
        n_gateways=len(message.rx_metadata),
        session=message.session_key_id or ids.dev_addr,
    )


def read_join(payload: bytes) -> Notice:
    """The join of a device; raises Rejection."""
    join = checks.parse_json(payload, _JOIN)
    return Notice(
        kind=NoticeKind.JOIN,
        device=join.end_device_ids.device,
        at=checks.parse_time(join.received_at, "received_at") if join.received_at else None,
        session=network_session(join.join_accept.session_key_id or join.end_device_ids.dev_addr),
    )


def read_failed(payload: bytes) -> Notice:
    """Why a downlink never reached its device; raises Rejection."""
    failed = checks.parse_json(payload, _FAILED)
    error = failed.downlink_failed.error
    return Notice(
        kind=NoticeKind.LOG,
        device=failed.end_device_ids.device,
        at=checks.parse_time(failed.received_at, "received_at") if failed.received_at else None,
        level="error",
        code=checks.plain(error.name),
        text=checks.plain(error.message_format),
    )
