"""LORIOT: the JSON of an application's output. One uplink comes twice, at once (`rx`) and whole (`gw`).

`rx` is sent on the first gateway's word, `gw` when all have spoken; both carry the same time and counter.
LORIOT names no session: a rejoin or reset shows only in the counter (`parking.identity`).
"""

from typing import Annotated, Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Ignored, Uplink

_UPLINKS: Final = ("rx", "gw")
_MAINS, _UNKNOWN = 0, 255
"""Battery levels of LoRaWAN's DevStatusAns that are none; 1 to 254 is empty to full."""


class _Message(msgspec.Struct):
    cmd: str


class _Up(msgspec.Struct):
    cmd: str
    EUI: checks.Eui
    ts: checks.Milliseconds | None = None
    fcnt: checks.Counter = 0
    port: checks.Port | None = None
    data: str = ""
    bat: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    gws: list[msgspec.Raw] | None = None


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_UP: Final = msgspec.json.Decoder(_Up)


def read(payload: bytes) -> Uplink | Ignored:
    """The uplink in a message; raises Rejection."""
    cmd = checks.parse_json(payload, _MESSAGE).cmd
    if cmd not in _UPLINKS:
        return Ignored(f"LORIOT's {checks.shown(cmd)} message is not an uplink")
    up = checks.parse_json(payload, _UP)
    return Uplink(
        device=up.EUI.lower(),
        dev_eui=up.EUI,
        fport=up.port,
        fcnt=up.fcnt,
        payload=checks.parse_hex(up.data, "data"),
        received_at=checks.network_epoch(up.ts, "ts"),
        received_ms=up.ts,
        n_gateways=1 if up.gws is None else len(up.gws),
        battery_pct=_percent(up.bat),
        cmd=cmd,
    )


def _percent(level: int | None) -> float | None:
    if level is None or level in (_MAINS, _UNKNOWN):
        return None
    return round((level - 1) / 253 * 100, 1)
