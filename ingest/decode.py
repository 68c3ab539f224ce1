"""Bytes of any message to observations or rejections: pure, total on hostile bytes, and quick.

The first level of the topic chooses the decoder (`ROUTES`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from firmware_protocol import topics
from ingest.adapters import (
    cameras,
)
from ingest.authentic import NO_KEYS, Verifier, not_sealed
from ingest.decoded import Decoded, Directory, Message, unknown_topic
from ingest.network_servers import from_chirpstack, from_helium, from_other_server, from_things_stack
from ingest.own_frames import bundle, capped, frame
from ingest.plate_reads import from_anpr2mqtt, from_axis, from_frigate, from_http, plates
from parking.clock import CameraClock
from parking.errors import Rejection
from parking.model import BayObservation


def decode(
    topic: str,
    payload: bytes,
    *,
    received_at: datetime,
    directory: Directory,
    retained: bool = False,
    clocks: Mapping[str, CameraClock] = cameras.NO_CLOCKS,
    verifier: Verifier = NO_KEYS,
) -> Decoded:
    """What the ingestor makes of one message; never raises.

    `received_at` is the arrival time (UTC). `retained` is the flag of the MQTT message: the broker's replay
    of an old message, whose arrival time says nothing, is ignored. `clocks` has the cameras whose gates say
    how far to trust their time, `verifier` the keys of the devices that seal their frames.
    """
    if retained:
        return Decoded(ignored="a retained message is a replay")
    try:
        route = ROUTES.get(topic.partition("/")[0])
        if route is None:
            raise unknown_topic()
        decoded = route(Message(topic, payload, received_at, directory, clocks, verifier))
        return _without_plain(decoded, verifier) if len(verifier) else decoded
    except Rejection as rejection:
        return Decoded(rejections=(rejection,))
    except Exception as error:
        # A fault of ours on one message must not stop all the others; the text may quote the payload.
        return Decoded(rejections=(Rejection("decoder_error", f"{type(error).__name__} while decoding"),))


def _without_plain(decoded: Decoded, verifier: Verifier) -> Decoded:
    """Refuse what came plain from a device that has a key [A-9], by whatever way it came."""
    plain = {
        place: not_sealed(said.device)
        for place, said in enumerate(decoded.observations)
        if isinstance(said, BayObservation) and place not in decoded.seals and verifier.must_seal(said.device)
    }
    if not plain:
        return decoded
    kept = [place for place in range(len(decoded.observations)) if place not in plain]
    return msgspec.structs.replace(
        decoded,
        observations=tuple(decoded.observations[place] for place in kept),
        seals={new: decoded.seals[old] for new, old in enumerate(kept) if old in decoded.seals},
        rejections=(*decoded.rejections, *capped(list(plain.values()))),
    )


@lru_cache(maxsize=1 << 16)
def _own_topic(topic: str) -> topics.Topic | None:
    return topics.parse(topic)


def _own(message: Message) -> Decoded:
    topic = _own_topic(message.topic)
    if topic is None:
        raise unknown_topic()
    if topic.kind == "bay" and topic.leaf == "up":
        return frame(message, topic)
    if topic.kind == "gateway":
        return bundle(message, topic)
    if topic.kind == "anpr":
        return plates(message, camera=topic.name, site=topic.site)
    return Decoded(ignored="published by us, not for us", site=topic.site)


ROUTES: Final[Mapping[str, Callable[[Message], Decoded]]] = {
    "parking": _own,
    "v3": from_things_stack,
    "application": from_chirpstack,
    "lorawan": from_other_server,
    "helium": from_helium,
    "frigate": from_frigate,
    "http": from_http,
    "anpr2mqtt": from_anpr2mqtt,
    "axis": from_axis,
}
"""Who decodes what, by the first level of the topic."""
