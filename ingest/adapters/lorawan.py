"""Uplinks to bay observations: the device's codec reads the payload, the network gives time and counter."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zlib import crc32

from ingest.adapters.base import Codec, Reading, Uplink
from parking.errors import Rejection
from parking.model import BayObservation


def observe(
    uplink: Uplink, *, codec: str | None, codecs: Mapping[str, Codec], received_at: datetime
) -> tuple[BayObservation, ...]:
    """What an uplink says; raises Rejection.

    The network's time of reception orders events, since it is the same in every copy; `received_at` (our
    arrival time) is used only where the network gives none.
    """
    if codec is None:
        raise Rejection("unknown_device", f"device {uplink.device} is not in the registry")
    decode = codecs.get(codec)
    if decode is None:
        raise Rejection("unknown_codec", f"codec {codec!a} is not one of {', '.join(codecs)}")
    seen_at = uplink.received_at or received_at
    session = crc32(uplink.session.encode()) if uplink.session else 0
    return tuple(
        _observation(reading, uplink=uplink, seen_at=seen_at, session=session, part=part)
        for part, reading in enumerate(decode(uplink.payload, uplink.fport))
    )


def _observation(
    reading: Reading, *, uplink: Uplink, seen_at: datetime, session: int, part: int
) -> BayObservation:
    return BayObservation(
        device=uplink.device,
        state=reading.state,
        event_at=seen_at - timedelta(seconds=reading.age_s),
        seen_at=seen_at,
        seq=uplink.fcnt if reading.seq is None else reading.seq,
        session=session if reading.session is None else reading.session,
        part=part,
        age_s=reading.age_s,
        previous_s=reading.previous_s,
        kind=reading.kind,
        fault=reading.fault,
        battery_v=reading.battery_v,
        temperature_c=reading.temperature_c,
        firmware=reading.firmware,
        reset_cause=reading.reset_cause,
    )
