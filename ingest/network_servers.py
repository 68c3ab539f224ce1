"""Which of a LoRaWAN network server's messages are uplinks, and what the others tell of a device."""

from collections.abc import Callable, Mapping
from typing import Final

from ingest.adapters import (
    aws_iot,
    chirpstack,
    helium,
    lorawan,
    loriot,
    thingpark,
    things_stack,
)
from ingest.adapters.base import Ignored, Notice, NoticeKind, Uplink
from ingest.adapters.codecs import CODECS
from ingest.decoded import MAX_JSON_PAYLOAD, Decoded, Message, check_size, unknown_topic
from parking.errors import Rejection


def from_things_stack(message: Message) -> Decoded:
    """The Things Stack v3. Raises Rejection."""
    levels = message.levels
    if len(levels) < 5 or levels[2] != "devices":
        raise unknown_topic()
    if levels[4:] == ["up"]:
        return _uplink(message, things_stack.read)
    if levels[4:] == ["join"]:
        return _notice(message, things_stack.read_join)
    if levels[4:] == ["down", "failed"]:
        return _notice(message, things_stack.read_failed)
    return Decoded(ignored=f"The Things Stack's {levels[4]!a} message is not an uplink")


_CHIRPSTACK_NOTICES: Final = {
    "join": chirpstack.read_join,
    "status": chirpstack.read_status,
    "log": chirpstack.read_log,
}


def from_chirpstack(message: Message) -> Decoded:
    """ChirpStack v4. Raises Rejection."""
    levels = message.levels
    if len(levels) != 6 or levels[2] != "device" or levels[4] not in ("event", "command"):
        raise unknown_topic()
    if levels[4:] == ["event", "up"]:
        return _uplink(message, chirpstack.read)
    read = _CHIRPSTACK_NOTICES.get(levels[5]) if levels[4] == "event" else None
    if read is None:
        return Decoded(ignored=f"ChirpStack's {levels[5]!a} message is not an uplink")
    return _notice(message, read)


_SERVERS: Final[Mapping[str, Callable[[bytes], Uplink | Ignored]]] = {
    "loriot": loriot.read,
    "thingpark": thingpark.read,
    "helium": helium.read,
    "aws-iot": aws_iot.read,
}
"""Network servers whose messages come by a topic of our choice: `lorawan/{server}/{device}/up`."""


def from_other_server(message: Message) -> Decoded:
    """A server whose messages come by a topic of our choice. Raises Rejection."""
    levels = message.levels
    read = _SERVERS.get(levels[1]) if len(levels) == 4 and levels[3] == "up" else None
    if read is None:
        raise Rejection("unknown_topic", f"not lorawan/{{{', '.join(_SERVERS)}}}/{{device}}/up")
    return _uplink(message, read)


def from_helium(message: Message) -> Decoded:
    """Helium, on its own topic. Raises Rejection."""
    levels = message.levels
    if len(levels) != 3 or levels[2] != "rx":
        raise unknown_topic()
    return _uplink(message, helium.read)


def _uplink(message: Message, read: Callable[[bytes], Uplink | Ignored]) -> Decoded:
    check_size(message, MAX_JSON_PAYLOAD)
    uplink = read(message.payload)
    if isinstance(uplink, Ignored):
        return Decoded(ignored=uplink.reason)
    if not uplink.payload:
        return Decoded(ignored="an uplink without a payload only serves the network", uplink=uplink)
    try:
        observations = lorawan.observe(
            uplink,
            codec=message.directory.codec(uplink.device),
            codecs=CODECS,
            received_at=message.received_at,
        )
    except Rejection as rejection:
        return Decoded(rejections=(rejection,), uplink=uplink)
    return Decoded(observations=observations, uplink=uplink)


def _notice(message: Message, read: Callable[[bytes], Notice]) -> Decoded:
    """What a network server tells of a device. Only a status comes from the device itself, and tells of it.

    A join says no more than that the device starts anew: it may do so for days without a word of its bay.
    """
    check_size(message, MAX_JSON_PAYLOAD)
    notice = read(message.payload)
    if notice.kind is not NoticeKind.STATUS or message.directory.codec(notice.device) is None:
        return Decoded(ignored=f"a network server's {notice.kind} message, not an uplink", notice=notice)
    return Decoded(
        observations=(lorawan.status(notice, received_at=message.received_at),),
        notice=notice,
    )
