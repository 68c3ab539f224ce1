"""Actility ThingPark: the JSON report of an uplink (`DevEUI_uplink`); other reports are passed over.

Some versions write numbers as texts. `Time` is the gateway's time of reception, also of an uplink that
comes late (`Late`), so such a one takes its place in the order of events.
"""

from typing import Any, Final

import msgspec

from ingest.adapters import checks
from ingest.adapters.base import Ignored, Uplink


class _Gateways(msgspec.Struct):
    Lrr: list[Any] = []


class _Report(msgspec.Struct):
    DevEUI: checks.Eui
    Time: str | None = None
    FPort: checks.Port | None = None
    FCntUp: checks.Counter | None = None
    payload_hex: str = ""
    DevAddr: str = ""
    Late: int | None = None
    Lrrs: _Gateways | None = None


class _Message(msgspec.Struct):
    DevEUI_uplink: _Report | None = None


_DECODER: Final = msgspec.json.Decoder(_Message, strict=False)


def read(payload: bytes) -> Uplink | Ignored:
    """The uplink in a report; raises Rejection."""
    report = checks.parse_json(payload, _DECODER).DevEUI_uplink
    if report is None:
        return Ignored("a ThingPark report that is not of an uplink")
    return Uplink(
        device=report.DevEUI.lower(),
        dev_eui=report.DevEUI,
        fport=report.FPort,
        fcnt=report.FCntUp,
        payload=checks.parse_hex(report.payload_hex, "payload_hex"),
        received_at=checks.network_time(report.Time, "Time"),
        received_text=report.Time,
        n_gateways=len(report.Lrrs.Lrr) if report.Lrrs else 0,
        session=report.DevAddr,
        late=report.Late,
    )
