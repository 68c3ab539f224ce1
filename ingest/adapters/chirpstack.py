"""ChirpStack v4: the JSON of `application/{id}/device/{devEui}/event/{event}`: up, join, status and log.

Versions before 4.1 left out fields with the value zero: an absent `fCnt` is 0.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Notice, NoticeKind, Uplink
from parking.identity import network_session


class _Device(msgspec.Struct, rename="camel"):
    dev_eui: checks.Eui


class _Event(msgspec.Struct, rename="camel"):
    device_info: _Device
    time: str | None = None

    @property
    def device(self) -> str:
        return self.device_info.dev_eui.lower()

    @property
    def at(self) -> datetime | None:
        return checks.parse_time(self.time, "time") if self.time else None


class _Up(_Event, rename="camel"):
    deduplication_id: str | None = None
    dev_addr: str = ""
    f_port: checks.Port | None = None
    f_cnt: checks.Counter = 0
    data: bytes = b""
    rx_info: list[msgspec.Raw] = []


class _Join(_Event, rename="camel"):
    dev_addr: str = ""


class _Status(_Event, rename="camel"):
    margin: Annotated[int, msgspec.Meta(ge=-128, le=127)] | None = None
    battery_level: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    battery_level_unavailable: bool = False
    external_power_source: bool = False


class _Log(_Event, rename="camel"):
    level: str = ""
    code: str = ""
    description: str = ""


_UP: Final = msgspec.json.Decoder(_Up)
_JOIN: Final = msgspec.json.Decoder(_Join)
_STATUS: Final = msgspec.json.Decoder(_Status)
_LOG: Final = msgspec.json.Decoder(_Log)


def read(payload: bytes) -> Uplink:
    """The uplink in an envelope; raises Rejection."""
    up = checks.parse_json(payload, _UP)
    return Uplink(
        device=up.device,
        dev_eui=up.device_info.dev_eui,
        fport=up.f_port,
        fcnt=up.f_cnt,
        payload=up.data,
        received_at=checks.network_time(up.time, "time"),
        received_text=up.time,
        n_gateways=len(up.rx_info),
        session=up.dev_addr,
        dedup_id=up.deduplication_id,
    )


def read_join(payload: bytes) -> Notice:
    """The join of a device; raises Rejection."""
    join = checks.parse_json(payload, _JOIN)
    session = network_session(join.dev_addr)
    return Notice(kind=NoticeKind.JOIN, device=join.device, at=join.at, session=session)


def read_status(payload: bytes) -> Notice:
    """Battery and link of a device, as it told the network server; raises Rejection."""
    status = checks.parse_json(payload, _STATUS)
    # Versions that write every field write a level of 0 beside each of these two.
    no_level = status.battery_level_unavailable or status.external_power_source
    return Notice(
        kind=NoticeKind.STATUS,
        device=status.device,
        at=status.at,
        battery_pct=None if no_level else status.battery_level,
        external_power=status.external_power_source,
        margin_db=status.margin,
    )


def read_log(payload: bytes) -> Notice:
    """What went wrong with a device, by the network server; raises Rejection."""
    log = checks.parse_json(payload, _LOG)
    return Notice(
        kind=NoticeKind.LOG,
        device=log.device,
        at=log.at,
        level=checks.plain(log.level).lower() or None,
        code=checks.plain(log.code),
        text=checks.plain(log.description),
    )
