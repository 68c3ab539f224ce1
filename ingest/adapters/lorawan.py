"""Uplinks to bay observations: the device's codec reads the payload, the network gives time and counter."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ingest.adapters.base import Codec, Notice, Reading, Uplink
from parking.errors import Rejection
from parking.identity import network_part, network_session
from parking.model import BayObservation, EventKind

MAX_PAYLOAD: Final = 255
"""Bytes; LoRaWAN's own limit is 242. More could hold more states than there are numbers for."""


def observe(
    uplink: Uplink, *, codec: str | None, codecs: Mapping[str, Codec], received_at: datetime
) -> tuple[BayObservation, ...]:
    """What an uplink says; raises Rejection.

    The network's time of reception orders events, since it is the same in every copy; `received_at` (our
    arrival time) is used only where the network gives none.
    """
    if isinstance(uplink.received_at, Rejection):
        raise uplink.received_at
    if len(uplink.payload) > MAX_PAYLOAD:
        raise Rejection("too_large", f"a payload of {len(uplink.payload)} bytes, at most {MAX_PAYLOAD}")
    if codec is None:
        raise Rejection("unknown_device", f"device {uplink.device} is not in the registry")
    decode = codecs.get(codec)
    if decode is None:
        raise Rejection("unknown_codec", f"codec {codec!a} is not one of {', '.join(codecs)}")
    readings = decode(uplink.payload, uplink.fport)
    seen_at = uplink.received_at or received_at
    counted = uplink.fcnt is not None
    session = network_session(uplink.session, timed=bool(uplink.received_at) or not counted)
    first = network_part(
        uplink.payload,
        port=uplink.fport,
        # Our arrival time differs from copy to copy. Only where nothing else tells two uplinks apart may it.
        heard_at=uplink.received_at if counted else seen_at,
        counted=counted,
        readings=len(readings),
    )
    return tuple(
        _observation(reading, uplink=uplink, seen_at=seen_at, session=session, first=first, index=index)
        for index, reading in enumerate(readings)
    )


def _observation(
    reading: Reading, *, uplink: Uplink, seen_at: datetime, session: int, first: int, index: int
) -> BayObservation:
    counts = reading.session is not None
    return BayObservation(
        device=uplink.device,
        state=reading.state,
        event_at=seen_at - timedelta(seconds=reading.age_s),
        seen_at=seen_at,
        seq=(uplink.fcnt or 0) if reading.seq is None else reading.seq,
        session=session if reading.session is None else reading.session,
        part=index if counts else first + index,
        age_s=reading.age_s,
        previous_s=reading.previous_s,
        kind=reading.kind,
        fault=reading.fault,
        battery_v=reading.battery_v,
        battery_pct=uplink.battery_pct,
        battery_low=reading.battery_low,
        temperature_c=reading.temperature_c,
        firmware=reading.firmware,
        reset_cause=reading.reset_cause,
        heartbeat_s=reading.heartbeat_s,
        health=reading.health,
    )


def status(notice: Notice, *, received_at: datetime) -> BayObservation:
    """The battery and the link of a device, as it answered the network server's question."""
    at = notice.at or received_at
    return BayObservation(
        device=notice.device,
        state=None,
        event_at=at,
        seen_at=at,
        seq=0,
        kind=EventKind.HEARTBEAT,
        battery_pct=notice.battery_pct,
        margin_db=notice.margin_db,
    )
